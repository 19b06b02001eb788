"""Taking the personal data of buyers out of what Amazon answers, by a versioned policy; it knows nothing of HTTP.

Source: the field map and the order of defence of the gateway's contract (§3.4, Appendix B).
"""

from sellerport.errors import NotScrubbable
from sellerport.server.scrubbing.plans import Plan, Scrubbed, plan
from sellerport.server.scrubbing.policy import PLACEHOLDERS, VERSION, Privacy
from sellerport.server.scrubbing.sweep import Link, no_link

__all__ = ["PLACEHOLDERS", "VERSION", "Link", "NotScrubbable", "Plan", "Privacy", "Scrubbed", "no_link", "plan"]

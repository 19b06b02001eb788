"""What account owners are told when a consent comes to nothing on this side."""

from __future__ import annotations

from sellerport.errors import ConsentError, NotFound, SellerportError


def used() -> ConsentError:
    """Return what is said of a link or a state that was used."""
    return ConsentError("this was used already; start again if you still need to")


def kept() -> ConsentError:
    """Return what is said when a grant lies in the journal, and cannot be saved yet."""
    what = (
        "Amazon's consent is kept, but the server cannot save the connection yet; it will be there once the server can"
    )
    return ConsentError(what, reason="server_error")


def failed(error: SellerportError) -> ConsentError:
    """Return what is said when the server could not save a connection."""
    what = error.message if isinstance(error, NotFound) else "the server could not save the connection"
    return ConsentError(f"{what}; start again", reason="server_error")

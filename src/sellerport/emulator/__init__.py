"""The local Amazon: Login with Amazon, consent pages, the Selling Partner API and the Ads API on this machine."""

from sellerport.emulator.faults import Fault
from sellerport.emulator.gateway import LocalAmazon, app
from sellerport.emulator.grants import Application, Grant
from sellerport.emulator.jobs import Outcome
from sellerport.emulator.serving import Proxy, proxying, running, serve
from sellerport.emulator.world import Account, World

__all__ = [
    "Account",
    "Application",
    "Fault",
    "Grant",
    "LocalAmazon",
    "Outcome",
    "Proxy",
    "World",
    "app",
    "proxying",
    "running",
    "serve",
]

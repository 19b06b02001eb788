"""The server that says anything is the one of the tests of other clients' defects."""

from tests.peers.conftest import stand_in

__all__ = ["stand_in"]

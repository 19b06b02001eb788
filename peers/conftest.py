"""The local Amazon that the journeys are made in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from running import Amazon, emulate


@pytest.fixture(scope="session")
def amazon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Amazon]:
    """`sellerport emulate`, for all journeys of a run."""
    with emulate(tmp_path_factory.mktemp("data")) as found:
        yield found

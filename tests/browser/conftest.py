"""A real browser: the Chromium that `make browser` brings, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path(__file__).parents[2] / ".browser" / "chromium"


@pytest.fixture(scope="package")  # while it is there, its event loop runs, and tests of other folders start theirs
def browser() -> Iterator[Browser]:
    api = pytest.importorskip("playwright.sync_api", reason="`make browser` brings a browser")
    if not CHROMIUM.exists():
        pytest.skip("`make browser` brings a browser")
    with api.sync_playwright() as playwright:
        # root cannot have a sandbox; nobody else's pages are opened
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()

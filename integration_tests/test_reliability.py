from __future__ import annotations

import os

import pytest

from integration_tests.reliability import ROOT, page


@pytest.mark.skipif("ROUNDS" in os.environ, reason="the page names the figures of `make test`")
def test_when_the_page_of_promises_is_read_then_its_tests_and_numbers_are_current() -> None:
    written = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")

    assert written == page(), "Run: python -m integration_tests.reliability > docs/reliability.md"

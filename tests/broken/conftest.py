"""Give each test a shop, as in `tests/flows`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.with_name("flows")))

from shop import Shop


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    """A project with one source, its exports, and an empty home."""
    return Shop(tmp_path, capsys)

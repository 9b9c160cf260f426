"""Make `night_world` importable here, and give each test a company of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "abc"))  # the references of judgement

from night_world import Company


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A company without exports."""
    return Company(tmp_path)

"""Make `abc_cases` and `abc_reference` importable here, and share one engine."""

from __future__ import annotations

import sys
from pathlib import Path

import ibis
import pytest
from ibis.backends.duckdb import Backend

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="module")
def engine() -> Backend:
    """Ibis on a DuckDB in memory."""
    return ibis.duckdb.connect()

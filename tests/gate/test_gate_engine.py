"""Great Expectations inside DuckDB: exact counts, silence, nothing sent, nothing kept."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kehu.tasks.gate_engine import Answer, GreatExpectations, Question

SECRET_NAME = "张三丰商贸有限公司"


def question(column: str, tolerance: str = "0") -> Question:
    """A blocking question about one column."""
    return Question(column, f"{column} holds", "block", Decimal(tolerance))


def test_nulls_are_not_counted_and_each_column_has_its_own_tolerance(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE VIEW asked AS SELECT i < 3 AS few, i < 3 AS fewer, CASE WHEN i < 10 THEN i < 2 END AS some,"
        " NULL::BOOLEAN AS none FROM range(100) AS t(i)"
    )
    questions = [question("few", "0.03"), question("fewer", "0.02"), question("some", "0.2"), question("none")]
    assert GreatExpectations(con).ask("suite", "asked", questions) == {
        "few": Answer(True, 100, 3),
        "fewer": Answer(False, 100, 3),
        "some": Answer(True, 10, 2),
        "none": Answer(True, 0, 0),
    }


def test_a_relation_without_rows_passes_with_nothing_checked(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE VIEW asked AS SELECT true AS broken WHERE false")
    assert GreatExpectations(con).ask("suite", "asked", [question("broken")]) == {"broken": Answer(True, 0, 0)}


def test_two_suites_on_one_context(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE VIEW one AS SELECT true AS broken; CREATE VIEW two AS SELECT false AS broken")
    engine = GreatExpectations(con)
    assert not engine.ask("one", "one", [question("broken")])["broken"].is_passed
    assert engine.ask("two", "two", [question("broken")])["broken"].is_passed


def test_what_cannot_be_evaluated_is_a_defect_and_no_finding(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE VIEW asked AS SELECT true AS broken")
    with pytest.raises(RuntimeError, match=r"suite\.missing"):
        GreatExpectations(con).ask("suite", "asked", [question("missing")])


def test_the_process_keeps_its_warnings_and_the_terminal_stays_clean(
    con: duckdb.DuckDBPyConnection, capfd: pytest.CaptureFixture[str]
) -> None:
    filters, shown = list(warnings.filters), warnings.showwarning
    con.execute("CREATE VIEW asked AS SELECT true AS broken")
    GreatExpectations(con).ask("suite", "asked", [question("broken")])
    assert list(warnings.filters) == filters
    assert warnings.showwarning is shown
    assert logging.getLogger("py.warnings").handlers == []
    assert capfd.readouterr() == ("", "")


def test_the_database_can_be_closed_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "scratch.duckdb"
    with duckdb.connect(file) as con:
        con.execute("CREATE VIEW asked AS SELECT true AS broken")
        engine = GreatExpectations(con)
        engine.ask("suite", "asked", [question("broken")])
    # With a connection left open, opening the same file with other settings would be refused.
    duckdb.connect(file, read_only=True).close()


def test_nothing_is_sent_printed_or_left_behind(tmp_path: Path) -> None:
    """In a process of its own: no library was imported before, no connection is opened, home and folder stay empty."""
    program = """
import socket, sys
def refuse(*arguments, **named):
    raise SystemExit("a connection was opened")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
import duckdb
from decimal import Decimal
from kehu.tasks.gate_engine import GreatExpectations, Question
con = duckdb.connect()
con.execute("CREATE VIEW asked AS SELECT true AS broken")
engine = GreatExpectations(con)
engine.ask("suite", "asked", [Question("broken", "a sentence", "warn", Decimal(0))])
from pathlib import Path
engine.write_data_docs(Path("docs"))
"""
    environ = {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path / "tmp")}
    for folder in ("home", "tmp", "work"):
        (tmp_path / folder).mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path / "work", env=environ, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert list((tmp_path / "home").iterdir()) == []
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["docs"]


def test_data_docs_load_nothing_and_show_no_row_values(land: Any, judge: Any, tmp_path: Path) -> None:
    rows = [{"customer_id": f"C{n}", "customer_name": SECRET_NAME, "broken": ["uscc_malformed"]} for n in range(3)]
    receipt = judge(land("customer", rows), data_docs=tmp_path / "docs")
    assert SECRET_NAME not in repr(receipt)
    pages = {path: path.read_text(encoding="utf-8") for path in (tmp_path / "docs").rglob("*.html")}
    assert {path.parent.name for path in pages} >= {"docs", "expectations"}
    assert any("`uscc` is 18 characters" in page for page in pages.values())
    for page in pages.values():
        assert SECRET_NAME not in page
        assert re.findall(r"<script|<iframe|<form|<footer", page) == []
        assert (
            re.findall(r"(?:src|href)\s*=\s*[\"']?https?://(?!greatexpectations\.io[\"'/])|url\([\"']?http", page) == []
        )

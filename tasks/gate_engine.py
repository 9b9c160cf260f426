"""How a list of yes/no questions is put to Great Expectations inside DuckDB.

May import: `config`, `schemas`. The only module that knows Great Expectations. Every question is a BOOLEAN column of
one relation, true where a thing asked about breaks the rule and null where the rule is not asked of it; so one scan
answers all questions of a suite, whatever they are asked of. The library takes seconds to import: done on first use.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    import duckdb

_COUNTS_ONLY = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
_SEVERITY = {"block": "critical", "warn": "warning"}
_DATA_DOCS = "kehu"


@dataclass(frozen=True)
class Question:
    """One expectation on one BOOLEAN column.

    Attributes:
        column: the column of the relation.
        sentence: what is expected, for readers of Data Docs.
        severity: block or warn.
        tolerance: largest share of true values that passes, inclusive; nulls are not counted.
    """

    column: str
    sentence: str
    severity: Literal["block", "warn"]
    tolerance: Decimal


@dataclass(frozen=True)
class Answer:
    """What Great Expectations found: rows that are not null, rows that are true, and the verdict."""

    is_passed: bool
    rows_checked: int
    rows_failed: int


class GreatExpectations:
    """A context on the caller's own DuckDB connection; nothing is sent, printed or kept anywhere.

    Relations asked about must be visible to other connections of the same database: tables or views, none temporary.
    The second connection is a child of the caller's and closed with it.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        with _quietly():
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig
            from sqlalchemy.pool import StaticPool

            self._context: Any = gx.get_context(mode="ephemeral")
            self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
            # Opening the database a second time by URL fails; a cursor of the connection we hold is the same database.
            self._source: Any = self._context.data_sources.add_sql(
                name="batch",
                connection_string="duckdb:///:memory:",
                kwargs={"creator": con.cursor, "poolclass": StaticPool},
            )

    def ask(self, suite: str, relation: str, questions: Sequence[Question]) -> dict[str, Answer]:
        """Put the questions to the relation in one scan.

        Args:
            suite: name of the suite, unique in this context.
            relation: name of a table or view in the connection's current schema.
            questions: each about one BOOLEAN column of it.

        Returns:
            The answer by column. Columns without any value that is not null pass with no rows checked.

        Raises:
            RuntimeError: Great Expectations could not evaluate an expectation: a defect of ours, never a finding.
        """
        with _quietly():
            validation = self._validation(suite, relation, questions)
            found = validation.run(result_format=_COUNTS_ONLY)
        return dict(_answer(suite, result) for result in found.results)

    def _validation(self, name: str, relation: str, questions: Sequence[Question]) -> Any:
        import great_expectations as gx
        from great_expectations.expectations import ExpectColumnValuesToBeInSet

        suite = gx.ExpectationSuite(name)
        for question in questions:
            suite.add_expectation(
                ExpectColumnValuesToBeInSet(
                    column=question.column,
                    value_set=[False],
                    # Both sides of the library's comparison are the doubles nearest to the exact shares, so a share
                    # that equals the tolerance passes.
                    mostly=float(1 - question.tolerance),
                    severity=_SEVERITY[question.severity],
                    description=question.sentence,
                )
            )
        batch = self._source.add_table_asset(name, table_name=relation).add_batch_definition_whole_table("batch")
        definition = gx.ValidationDefinition(name=name, data=batch, suite=self._context.suites.add(suite))
        return self._context.validation_definitions.add(definition)

    def write_data_docs(self, directory: Path) -> None:
        """Write Data Docs of everything asked so far: plain pages that load nothing from elsewhere."""
        with _quietly():
            self._context.add_data_docs_site(
                site_name=_DATA_DOCS,
                site_config={
                    "class_name": "SiteBuilder",
                    "show_how_to_buttons": False,
                    "store_backend": {
                        "class_name": "TupleFilesystemStoreBackend",
                        "base_directory": str(directory.absolute()),
                    },
                    "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                },
            )
            self._context.build_data_docs(site_names=[_DATA_DOCS])
        pages = sorted(page for page in directory.rglob("*.html") if page.parent != directory)
        for page in pages:
            page.write_text(_without_foreign_parts(page.read_text(encoding="utf-8")), encoding="utf-8")
        (directory / "index.html").write_text(_index(directory, pages), encoding="utf-8")


def _answer(suite: str, result: Any) -> tuple[str, Answer]:
    column = result.expectation_config.kwargs["column"]
    counts = result.result
    if "element_count" not in counts:
        raise RuntimeError(
            f"expectation on {suite}.{column} could not be evaluated: {_first_line(result.exception_info)}"
        )
    # Counts are null where the relation has no rows at all.
    checked = (counts["element_count"] or 0) - (counts["missing_count"] or 0)
    return column, Answer(bool(result.success), checked, counts["unexpected_count"] or 0)


def _first_line(exception_info: Any) -> str:
    text = str(exception_info)
    messages = re.findall(r"'exception_message': '([^'\\]*)", text)
    return messages[0] if messages else "no message"


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Great Expectations without its side effects.

    Its import warns of `sre_constants` and of fields of its own models, and diverts every later warning of the process
    into logging; its loggers report what its results say anyway. Filters are undone at the end.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    # Its modules give their loggers levels of their own, so a level above them would not hold where Prefect logs.
    logger = logging.getLogger("great_expectations")
    logger.handlers, logger.propagate = [logging.NullHandler()], False
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        try:
            yield
        finally:
            logging.captureWarnings(False)


# --- Data Docs that stay on this machine ------------------------------------------------------------------------------

# Pages of Great Expectations load style sheets, scripts and a counting image from other servers. They are legible
# without: taken out is everything a browser would fetch or run, and the dialogs that only scripts can close.
_FOREIGN = re.compile(
    r"<script\b.*?</script>"
    r"|<link\b[^>]*\bhref=[\"']https?://[^>]*>"
    r"|<img\b[^>]*\bsrc=[\"']https?://[^>]*>"
    r"|background:\s*url\([\"']?https?://[^;]*;"
    r"|<footer\b.*?</footer>",
    re.DOTALL | re.IGNORECASE,
)
_OWN_STYLE = (
    "<style>body{font-family:sans-serif;margin:1em}table{border-collapse:collapse}td,th{border:1px solid #ccc;"
    "padding:.2em .6em;text-align:left}.modal,.navbar-toggler{display:none}</style></head>"
)


def _without_foreign_parts(page: str) -> str:
    return _FOREIGN.sub("", page).replace("</head>", _OWN_STYLE, 1)


def _index(directory: Path, pages: Sequence[Path]) -> str:
    """A list of the pages: the library's own index is filled in by the scripts that were taken out."""
    places = [page.relative_to(directory).as_posix() for page in pages]
    links = "".join(f'<li><a href="{quote(place)}">{escape(place)}</a></li>' for place in places)
    head = f'<!DOCTYPE html><html><head><meta charset="utf-8"><title>Data Docs</title>{_OWN_STYLE}'
    return f"{head}<body><h1>Data Docs</h1><ul>{links}</ul></body></html>\n"

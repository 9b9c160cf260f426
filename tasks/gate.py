"""May tonight's batch go on? The gate looks at it before the split, while broken rows are still in it.

May import: `config`, `schemas`, other modules of `tasks`. After quarantine every row rule would hold; so the gate asks
of the flagged rows which share broke each rule, of the accepted ones whether keys and references hold, and of the files
whether their totals add up, their size is usual and their delivery recent. Results hold keys and counts, never values.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pyarrow as pa

from kehu.config.errors import MOST_KEYS_SHOWN, GateClosed
from kehu.schemas.expectations import Severity
from kehu.schemas.rendering import arrow_schema, quoted
from kehu.schemas.tables import DQ_QUARANTINE, DQ_RESULT, entity_named
from kehu.tasks.gate_checks import Batch, Check, checks_of
from kehu.tasks.in_force import published_key

if TYPE_CHECKING:
    import duckdb

    from kehu.config.policy import Policy
    from kehu.tasks.conformed import Conformed
    from kehu.tasks.gate_engine import GreatExpectations

GateStatus = Literal["open", "warned", "closed"]

VIEW_PREFIX: Final = "kehu_gate_"


@dataclass(frozen=True)
class QualityResult:
    """What one expectation found.

    Attributes:
        suite: the entity asked about.
        rule: the rule's name, unique in its suite.
        sentence: the rule in words.
        severity: block closes the gate when broken; warn is reported.
        is_passed: True where no more than the tolerated share is broken.
        rows_checked: how many things were asked about: rows, keys, files or totals rows.
        rows_failed: how many of them are broken.
        tolerance: largest share of broken ones that passes, inclusive.
        observed: what was seen, where it is not a count.
        example_keys: at most five keys of broken ones, smallest first; only where the expectation failed.
    """

    suite: str
    rule: str
    sentence: str
    severity: Severity
    is_passed: bool
    rows_checked: int
    rows_failed: int
    tolerance: Decimal
    observed: str | None = None
    example_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class GateReceipt:
    """The verdict on a batch and all that led to it, suites in order of name, rules in order of the contract."""

    status: GateStatus
    results: tuple[QualityResult, ...]

    @property
    def failed(self) -> tuple[QualityResult, ...]:
        """The expectations that did not hold, blocking ones first."""
        return tuple(
            sorted((result for result in self.results if not result.is_passed), key=lambda found: found.severity)
        )


def run_gate(
    con: duckdb.DuckDBPyConnection,
    batch: Sequence[Conformed],
    *,
    home: Path,
    policy: Policy,
    known: Sequence[Conformed],
    as_of: date,
    data_docs: Path | None = None,
) -> GateReceipt:
    """Ask everything the contracts expect of tonight's batch: one suite an entity, one scan a suite.

    *Rule*: closed if a blocking expectation failed, else warned if another did, else open.
    *Edges*: a share equal to the tolerance passes; rows put aside within tolerance leave the gate open; a rule that is
    asked of nothing passes with no rows checked; an empty batch is open.
    *Policy*: `gate.rows_broken_tolerance` (or the feed's own tolerance), `gate.reference_tolerance`,
    `gate.row_count_change`, `gate.freshness_hours`.

    Args:
        con: a connection to the engine; views are created in its current schema and dropped again.
        batch: the conformed files of tonight.
        home: the folder their directories lie in.
        policy: the policy in force on as_of.
        known: all conformed deliveries that may be used, for references and for the usual number of rows.
        as_of: the day that is judged.
        data_docs: folder to write Great Expectations' Data Docs to; None = none.

    Raises:
        RuntimeError: an expectation could not be evaluated (a defect of ours).
    """
    from kehu.tasks.gate_engine import GreatExpectations

    engine = GreatExpectations(con)
    results: list[QualityResult] = []
    for entity in sorted({file.entity for file in batch}):
        files = tuple(file for file in batch if file.entity == entity)
        results += _run_suite(con, engine, Batch(entity_named(entity), files, tuple(known), home, policy, as_of))
    if data_docs is not None:
        engine.write_data_docs(data_docs)
    return GateReceipt(_status(results), tuple(results))


def gate_closed_error(receipt: GateReceipt) -> GateClosed:
    """The error of a night whose gate is closed: every broken blocking rule with count and keys, and what to do."""
    broken = [result for result in receipt.failed if result.severity == "block"]
    rules = "1 blocking rule is" if len(broken) == 1 else f"{len(broken)} blocking rules are"
    return GateClosed(
        f"The gate is closed: {rules} broken by tonight's batch. Nothing is published.",
        code="gate_closed",
        rule=", ".join(f"{result.suite}.{result.rule}" for result in broken),
        # Rows, keys and files are not added up: of several rules each states its own count below.
        count=broken[0].rows_failed if len(broken) == 1 else None,
        details=[line for result in broken for line in _lines(result)],
        hint="kehu quarantine list",
    )


def quality_rows(receipt: GateReceipt, as_of: date, run_id: str) -> pa.Table:
    """The rows of `dq_result` for a run: one per suite and rule."""
    rows = [
        {
            "as_of": as_of,
            "run_id": run_id,
            "suite": result.suite,
            "rule": result.rule,
            "sentence": result.sentence,
            "severity": result.severity,
            "is_passed": result.is_passed,
            "rows_checked": result.rows_checked,
            "rows_failed": result.rows_failed,
            "tolerance": result.tolerance,
            "observed": result.observed,
            "example_keys": _joined(result.example_keys),
        }
        for result in sorted(receipt.results, key=lambda result: (result.suite, result.rule))
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(DQ_RESULT))


def quarantine_rows(conformed: Sequence[Conformed], as_of: date, run_id: str) -> pa.Table:
    """The rows of `dq_quarantine` for a run: one per file (and sheet), entity and rule that put rows aside."""
    rows = [
        published_key(file, as_of, run_id)
        | {
            "rule": broken.rule,
            "sentence": broken.sentence,
            "row_count": broken.row_count,
            "example_keys": _joined(broken.example_keys[:MOST_KEYS_SHOWN]),
        }
        for file in conformed
        for broken in file.broken_rules
    ]
    rows.sort(key=lambda row: [row[name] or "" for name in DQ_QUARANTINE.key_names[1:]])
    return pa.Table.from_pylist(rows, schema=arrow_schema(DQ_QUARANTINE))


# --- one suite --------------------------------------------------------------------------------------------------------


def _run_suite(con: duckdb.DuckDBPyConnection, engine: GreatExpectations, batch: Batch) -> list[QualityResult]:
    from kehu.tasks.gate_engine import Question

    checks = checks_of(con, batch)
    questions = [
        Question(check.expectation.rule, check.expectation.sentence, check.expectation.severity, check.tolerance)
        for check in checks
    ]
    with _view(con, batch.table.name, checks) as view:
        answers = engine.ask(batch.table.name, view, questions)
    results = []
    for check in checks:
        answer = answers[check.expectation.rule]
        results.append(
            QualityResult(
                suite=check.expectation.suite,
                rule=check.expectation.rule,
                sentence=check.expectation.sentence,
                severity=check.expectation.severity,
                is_passed=answer.is_passed,
                rows_checked=answer.rows_checked,
                rows_failed=answer.rows_failed,
                tolerance=check.tolerance,
                observed=None if answer.is_passed else check.observed,
                example_keys=() if answer.is_passed else _broken_keys(con, check),
            )
        )
    return results


@contextlib.contextmanager
def _view(con: duckdb.DuckDBPyConnection, entity: str, checks: Sequence[Check]) -> Iterator[str]:
    """One relation with a column per rule: below each other the things asked about, null where a rule is not asked."""
    by_relation: dict[str, list[Check]] = defaultdict(list)
    for check in checks:
        by_relation[check.relation].append(check)
    parts = [
        "SELECT "
        + ", ".join(f"{check.broken} AS {quoted(check.expectation.rule)}" for check in asked)
        + f" FROM {relation}"
        for relation, asked in by_relation.items()
    ]
    name = f"{VIEW_PREFIX}{entity}"
    con.execute(f"CREATE OR REPLACE VIEW {quoted(name)} AS " + " UNION ALL BY NAME ".join(parts))
    try:
        yield name
    finally:
        con.execute(f"DROP VIEW {quoted(name)}")


def _broken_keys(con: duckdb.DuckDBPyConnection, check: Check) -> tuple[str, ...]:
    if isinstance(check.keys, tuple):
        return check.keys
    found: list[Any] = con.execute(f"{check.keys} LIMIT {MOST_KEYS_SHOWN}").fetchall()
    return tuple(str(row[0]) for row in found)


def _status(results: Sequence[QualityResult]) -> GateStatus:
    broken = {result.severity for result in results if not result.is_passed}
    if "block" in broken:
        return "closed"
    return "warned" if broken else "open"


def _lines(result: QualityResult) -> list[str]:
    percent = f"{(result.tolerance * 100).normalize():f} %"
    share = f"more than the {percent} tolerated" if result.tolerance else "none is tolerated"
    lines = [
        f"{result.suite}.{result.rule}: {result.rows_failed} of {result.rows_checked} ({share}): {result.sentence}"
    ]
    if result.observed:
        lines.append(f"  seen {result.observed}")
    if result.example_keys:
        lines.append(f"  keys {', '.join(result.example_keys)}")
    return lines


def _joined(keys: Sequence[str]) -> str | None:
    return ", ".join(keys) or None

"""Measures per class and whether customers are visited as their class asks, on tables one can check by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ibis.backends.duckdb import Backend

from kehu.config.policy import PolicyBook
from kehu.schemas import tables
from kehu.tasks.build import build_mart, fetch
from kehu.tasks.core import merges_table
from kehu.tasks.marts import MARTS
from kehu.tasks.measures import abc_compliance, class_policy

AS_OF = date(2024, 6, 30)
FIRST_DAY = date(2024, 4, 1)
"""First day of the three months up to AS_OF."""

Measure = tuple[str, str, int]
MEASURES: tuple[Measure, ...] = (
    ("A", "stable", 3), ("A", "unstable", 6), ("A", "any", 4), ("B", "any", 2), ("C", "unstable", 0),
)  # fmt: skip
Visit = tuple[str, date, str | None]


def measures(stated: Sequence[Measure] = MEASURES) -> ir.Table:
    others = ("owner_level", "credit_review_months", "service_level", "measure_en", "measure_zh")
    records = [
        {"abc_class": letter, "stability_class": stability, "visits_per_quarter": number, **dict.fromkeys(others)}
        for letter, stability, number in stated
    ]
    return class_policy(records, in_force_since=date(2024, 1, 1))


def classes(*rows: tuple[str, str | None, str | None], source: str = "s", basis: str = "net") -> pa.Table:
    return pa.table(
        {
            "source": pa.array([source] * len(rows), pa.string()),
            "company_id": pa.array(["main"] * len(rows), pa.string()),
            "customer_id": pa.array([row[0] for row in rows], pa.string()),
            "tax_basis": pa.array([basis] * len(rows), pa.string()),
            "abc_class": pa.array([row[1] for row in rows], pa.string()),
            "stability_class": pa.array([row[2] for row in rows], pa.string()),
            "class_since_date": pa.array([date(2024, 3, 31) if row[1] else None for row in rows], pa.date32()),
        }
    )


def visits(*rows: Visit) -> ir.Table:
    return ibis.memtable(
        pa.table(
            {
                "source": pa.array(["s"] * len(rows), pa.string()),
                "company_id": pa.array(["main"] * len(rows), pa.string()),
                "customer_id": pa.array([row[0] for row in rows], pa.string()),
                "visit_date": pa.array([row[1] for row in rows], pa.date32()),
                "visit_mode": pa.array([row[2] for row in rows], pa.string()),
            }
        )
    )


def customers(parties: Mapping[str, str]) -> ir.Table:
    """`dim_customer` of accounts with the customer each is scored under."""
    return ibis.memtable(
        pa.table(
            {
                "source": pa.array(["s"] * len(parties), pa.string()),
                "company_id": pa.array(["main"] * len(parties), pa.string()),
                "customer_id": pa.array(list(parties), pa.string()),
                "scored_customer_id": pa.array(list(parties.values()), pa.string()),
            }
        )
    )


def compliance(
    classed: pa.Table,
    made: Sequence[Visit],
    *,
    stated: Sequence[Measure] = MEASURES,
    parties: Mapping[str, str] | None = None,
    merged: Mapping[str, str] | None = None,
    modes: Sequence[str] = ("visit",),
    as_of: date = AS_OF,
) -> ir.Table:
    codes = classed["customer_id"].to_pylist()
    return abc_compliance(
        ibis.memtable(classed),
        measures(stated),
        visits(*made),
        customers(parties if parties is not None else dict(zip(codes, codes, strict=True))),
        merges_table({("s", "main", old): new for old, new in (merged or {}).items()}),
        modes=modes,
        as_of=as_of,
    )


def judged(engine: Backend, expression: ir.Table) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row for row in fetch(engine, expression).to_pylist()}


def done(engine: Backend, expression: ir.Table) -> dict[str, int | None]:
    return {code: row["visits_done"] for code, row in judged(engine, expression).items()}


def on(*days: int, customer: str = "c", mode: str | None = "visit") -> list[Visit]:
    """Visits in June 2024."""
    return [(customer, date(2024, 6, day), mode) for day in days]


# --- the policy as a table --------------------------------------------------------------------------------------------


def test_the_policy_in_force_is_published_with_the_day_it_holds_from(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(
        "measures:\n  by_class:\n    values:\n      2024-05-01:\n        value:\n"
        "          - {abc_class: B, stability_class: any, visits_per_quarter: 2}\n"
        "          - {abc_class: A, stability_class: any, visits_per_quarter: 9, owner_level: 总监, measure_zh: 周访}\n"
        "        reason: r\n        owner: o\n        source: s\n",
        encoding="utf-8",
    )
    engine = ibis.duckdb.connect()
    policy = PolicyBook.load(tmp_path).on(AS_OF)
    expression = class_policy(
        policy.value("measures.by_class"), in_force_since=policy.entry("measures.by_class").from_date
    )
    built = build_mart(engine, tables.DIM_CLASS_POLICY, expression, tmp_path, as_of=AS_OF, run_id="r")
    rows = pq.read_table(built.path).drop(["as_of", "run_id"]).to_pylist()
    assert rows == [
        {"abc_class": "A", "policy_stability": "any", "visits_per_quarter": 9, "owner_level": "总监",
         "credit_review_months": None, "service_level": None, "measure_zh": "周访", "measure_en": None,
         "policy_from_date": date(2024, 5, 1)},
        {"abc_class": "B", "policy_stability": "any", "visits_per_quarter": 2, "owner_level": None,
         "credit_review_months": None, "service_level": None, "measure_zh": None, "measure_en": None,
         "policy_from_date": date(2024, 5, 1)},
    ]  # fmt: skip


def test_the_shipped_measures_keep_the_contract(engine: Backend, tmp_path: Path) -> None:
    policy = PolicyBook.load(None).on(AS_OF)
    expression = class_policy(policy.value("measures.by_class"), in_force_since=date(1900, 1, 1))
    built = build_mart(engine, tables.DIM_CLASS_POLICY, expression, tmp_path, as_of=AS_OF, run_id="r")
    assert built.row_count == 12


def test_a_new_measure_asks_for_a_new_verdict() -> None:
    """Who asks for the policy table gets compliance as well, so that both are of one policy."""
    made_from = MARTS["mart_abc_compliance"].made_from
    assert {table.name for table in made_from} == {"dim_customer", "dim_class_policy", "mart_abc_customer"}


# --- visits due -------------------------------------------------------------------------------------------------------

DUE = [
    # class, stability, the measure that applies, visits due
    ("A", "stable", "stable", 3),
    ("A", "unstable", "unstable", 6),
    ("A", "fluctuating", "any", 4),
    ("A", "insufficient", "any", 4),
    ("A", None, "any", 4),
    ("B", "stable", "any", 2),
    ("C", "unstable", "unstable", 0),
    ("C", "stable", None, None),
]


def test_due_is_the_measure_of_the_stability_or_of_any(engine: Backend) -> None:
    codes = [f"c{number}" for number in range(len(DUE))]
    classed = classes(*((code, case[0], case[1]) for code, case in zip(codes, DUE, strict=True)))
    rows = judged(engine, compliance(classed, on(1, customer="c0")))
    assert [(rows[code]["policy_stability"], rows[code]["visits_due"]) for code in codes] == [c[2:] for c in DUE]


def test_without_a_measure_there_is_no_verdict_and_with_none_due_neither(engine: Backend) -> None:
    rows = judged(engine, compliance(classes(("none", "C", "stable"), ("nought", "C", "unstable")), on(1, 2)))
    verdict = ("visits_done", "visit_compliance", "is_compliant")
    assert [rows["none"][name] for name in verdict] == [0, None, None]
    assert [rows["nought"][name] for name in verdict] == [0, None, None]


def test_a_record_for_too_few_purchases_is_taken_before_any(engine: Backend) -> None:
    stated = [("A", "insufficient", 1), ("A", "any", 4)]
    rows = judged(engine, compliance(classes(("c", "A", "insufficient")), on(1), stated=stated))
    assert (rows["c"]["policy_stability"], rows["c"]["visits_due"]) == ("insufficient", 1)


def test_customers_without_class_have_no_row(engine: Backend) -> None:
    assert judged(engine, compliance(classes(("c", "A", "stable"), ("idle", None, None)), on(1))).keys() == {"c"}


# --- visits done ------------------------------------------------------------------------------------------------------


def test_the_window_holds_its_first_and_its_last_day(engine: Backend) -> None:
    day = timedelta(days=1)
    made = [("c", when, "visit") for when in (FIRST_DAY - day, FIRST_DAY, AS_OF, AS_OF + day)]
    row = judged(engine, compliance(classes(("c", "A", "stable")), made))["c"]
    assert (row["visits_done"], row["last_visit_date"]) == (2, AS_OF)
    assert (row["window_start_date"], row["window_end_date"]) == (FIRST_DAY, AS_OF)


@pytest.mark.parametrize(
    ("as_of", "first_day"),
    [
        (date(2024, 5, 31), date(2024, 3, 1)),
        (date(2024, 5, 15), date(2024, 2, 16)),
        (date(2025, 2, 28), date(2024, 12, 1)),
    ],
)
def test_the_window_is_of_three_months_on_any_day(engine: Backend, as_of: date, first_day: date) -> None:
    made = [("c", first_day - timedelta(days=1), "visit"), ("c", first_day, "visit")]
    row = judged(engine, compliance(classes(("c", "A", "stable")), made, as_of=as_of))["c"]
    assert (row["window_start_date"], row["visits_done"]) == (first_day, 1)


def test_rate_and_verdict(engine: Backend) -> None:
    """Of three due: one done is a third, three are enough, four are more than asked for."""
    made = [*on(1, customer="one"), *on(1, 2, 3, customer="three"), *on(1, 2, 3, 4, customer="four")]
    classed = classes(*((code, "A", "stable") for code in ("none", "one", "three", "four")))
    rows = judged(engine, compliance(classed, made))
    assert {code: (row["visits_done"], row["visit_compliance"], row["is_compliant"]) for code, row in rows.items()} == {
        "none": (0, Decimal(0), False),
        "one": (1, Decimal("0.333333"), False),
        "three": (3, Decimal(1), True),
        "four": (4, Decimal("1.333333"), True),
    }


def test_two_records_of_one_day_are_two_visits(engine: Backend) -> None:
    assert done(engine, compliance(classes(("c", "A", "stable")), on(5, 5))) == {"c": 2}


def test_only_counted_modes_are_visits_and_no_mode_is_a_visit(engine: Backend) -> None:
    made = [*on(1), *on(2, mode=None), *on(3, 4, mode="call"), *on(9, mode="wechat")]
    row = judged(engine, compliance(classes(("c", "A", "stable")), made))["c"]
    assert (row["visits_done"], row["last_visit_date"]) == (2, date(2024, 6, 2))
    assert done(engine, compliance(classes(("c", "A", "stable")), made, modes=("call", "visit"))) == {"c": 4}
    # A customer who is only telephoned is not visited: that is known, hence zero.
    called = judged(engine, compliance(classes(("c", "A", "stable")), on(3, mode="call")))["c"]
    assert (called["visits_done"], called["last_visit_date"], called["is_compliant"]) == (0, None, False)


def test_visits_to_a_former_code_count_for_the_customer(engine: Backend) -> None:
    made = [*on(1, customer="old"), *on(2, customer="older"), *on(3)]
    merged = {"old": "c", "older": "c"}
    assert done(engine, compliance(classes(("c", "A", "stable")), made, merged=merged)) == {"c": 3}


def test_a_branchs_visits_count_for_the_head_office(engine: Backend) -> None:
    """Also where the branch was visited under its former code."""
    parties = {"head": "head", "branch": "head", "other": "other"}
    made = [*on(1, customer="head"), *on(2, customer="branch"), *on(3, customer="was"), *on(4, customer="other")]
    expression = compliance(
        classes(("head", "A", "stable"), ("other", "A", "stable")), made, parties=parties, merged={"was": "branch"}
    )
    assert done(engine, expression) == {"head": 3, "other": 1}


def test_the_last_visit_may_lie_before_the_window(engine: Backend) -> None:
    row = judged(engine, compliance(classes(("c", "A", "stable")), [("c", date(2023, 1, 9), None)]))["c"]
    assert (row["visits_done"], row["last_visit_date"]) == (0, date(2023, 1, 9))


def test_where_visits_are_not_recorded_their_number_is_unknown(engine: Backend) -> None:
    """Another source, or no visit up to the day: nothing is known, which is not the same as no visit."""
    other = classes(("c", "A", "stable"), source="other")
    early = compliance(classes(("c", "A", "stable")), on(1), as_of=date(2024, 5, 31))
    for expression in (compliance(other, on(1)), early):
        row = judged(engine, expression)["c"]
        assert (row["visits_due"], row["visits_done"], row["visit_compliance"], row["is_compliant"]) == (
            3, None, None, None,
        )  # fmt: skip


def test_each_tax_basis_has_its_own_class_and_the_same_visits(engine: Backend) -> None:
    both = pa.concat_tables([classes(("c", "A", "stable")), classes(("c", "B", "stable"), basis="unknown")])
    rows = fetch(engine, compliance(both, on(1, 2), parties={"c": "c"})).to_pylist()
    found = {row["tax_basis"]: (row["visits_due"], row["visits_done"]) for row in rows}
    assert found == {"net": (3, 2), "unknown": (2, 2)}


def test_compliance_keeps_its_contract(engine: Backend, tmp_path: Path) -> None:
    expression = compliance(classes(("c", "A", "stable"), ("d", "C", "stable")), on(1))
    built = build_mart(engine, tables.MART_ABC_COMPLIANCE, expression, tmp_path, as_of=AS_OF, run_id="r")
    assert built.row_count == 2


_CODES = st.sampled_from(["a", "b", "c", "old"])
_DAYS = st.integers(-5, 95).map(lambda n: FIRST_DAY + timedelta(days=n))


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    made=st.lists(st.tuples(_CODES, _DAYS, st.sampled_from(["visit", "call", None])), min_size=1, max_size=12),
    head=st.sampled_from(["a", "b"]),
)
def test_every_counted_visit_of_the_window_is_counted_once(engine: Backend, made: list[Visit], head: str) -> None:
    parties = {"a": "a", "b": head, "c": "c"}
    expression = compliance(
        classes(*((code, "A", "stable") for code in sorted(set(parties.values())))), made,
        parties=parties, merged={"old": "b"},
    )  # fmt: skip
    known = [visit for visit in made if visit[1] <= AS_OF]
    counted = [visit for visit in known if visit[1] >= FIRST_DAY and visit[2] != "call"]
    told = done(engine, expression)
    if not known:
        assert set(told.values()) == {None}
        return
    assert sum(number or 0 for number in told.values()) == len(counted)
    assert told["c"] == sum(visit[0] == "c" for visit in counted)

"""Visits in a whole run: skipped without visits or policy, read as of the day, counted for the party scored."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import pytest
from conformed_world import NIGHT, World, line

from kehu.config.policy import PolicyBook
from kehu.schemas.tables import VISIT
from kehu.tasks.marts import EXAMPLE_DAY, SkippedMart, WrittenFacts
from kehu.tasks.marts import MARTS as DECLARED


def visit(customer: str, day: date, number: int, **more: Any) -> dict[str, Any]:
    """A visit in person."""
    return {"visit_id": f"V{number}", "customer_id": customer, "visit_date": day, "visit_mode": "visit", **more}


@pytest.fixture
def visited(world: World) -> World:
    """The only customer with sales has class A and one purchase: three visits are due in three months."""
    world.sell(line("head", 100, date(2024, 5, 31)))
    accounts = ({"customer_id": "head"}, {"customer_id": "branch", "parent_customer_id": "head"})
    world.know(*accounts, delivered=date(2024, 1, 1))
    world.merge(("old", "head", date(2024, 1, 1)))
    return world


def test_without_visits_the_mart_is_skipped_and_the_policy_is_not(visited: World) -> None:
    built = visited.build(only=["dim_class_policy"])
    assert built["mart_abc_compliance"] == SkippedMart("mart_abc_compliance", "missing_entity: visit")
    assert len(visited.marts(only=["dim_class_policy"])["dim_class_policy"]) == 12


def test_visits_up_to_the_day_of_head_office_branch_and_former_code_add_up(visited: World) -> None:
    """The day judged lies before the newest delivery: visits after it are not yet made."""
    day = date(2024, 6, 15)
    made = [visit(code, day, n) for n, code in enumerate(("head", "branch", "old", "other"))]
    made += [visit("head", day, 4, visit_mode="call"), visit("head", date(2024, 6, 16), 5)]
    visited.deliver(VISIT, made)
    (row,) = visited.marts(day, NIGHT, only=["abc_compliance"])["mart_abc_compliance"]
    assert (row["customer_id"], row["abc_class"], row["policy_stability"]) == ("head", "A", "any")
    assert (row["visits_due"], row["visits_done"], row["last_visit_date"]) == (3, 3, day)
    assert (row["window_start_date"], row["window_end_date"]) == (date(2024, 3, 16), day)
    assert (row["visit_compliance"], row["is_compliant"]) == (1, True)


def test_a_company_that_records_no_visits_is_not_blamed_for_that_of_another(visited: World) -> None:
    visited.sell({**line("shop", 100), "company_id": "second"}, file_name="second.csv", file_mapping="second")
    visited.deliver(VISIT, [visit("head", NIGHT, 1)])
    found = {row["company_id"]: row for row in visited.marts(only=["abc_compliance"])["mart_abc_compliance"]}
    verdicts = {
        company: (row["visits_due"] > 0, row["visits_done"], row["is_compliant"]) for company, row in found.items()
    }
    assert verdicts == {"main": (True, 1, False), "second": (True, None, None)}


@pytest.mark.parametrize(
    ("key", "skipped"),
    [
        ("measures.by_class", {"dim_class_policy", "mart_abc_compliance"}),
        ("measures.visit_modes", {"mart_abc_compliance"}),
    ],
)
def test_a_blank_policy_skips_what_reads_it(visited: World, key: str, skipped: set[str]) -> None:
    visited.deliver(VISIT, [visit("head", NIGHT, 1)])
    built = visited.build(only=["dim_class_policy"], **{key.replace(".", "__"): ""})
    found = {name: mart.reason for name, mart in built.items() if isinstance(mart, SkippedMart)}
    assert found == dict.fromkeys(skipped, f"policy_blank: {key}")


def test_the_statement_of_the_policy_holds_its_records() -> None:
    written = WrittenFacts(PolicyBook.load(None).on(EXAMPLE_DAY), EXAMPLE_DAY)
    text = str(ibis.to_sql(DECLARED["dim_class_policy"].make(written), dialect="duckdb"))
    assert "'visits_per_quarter': 3" in text and "memtable" not in text

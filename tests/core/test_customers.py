"""Merged customers, head offices, and who stands in `dim_customer`."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from conformed_world import NIGHT, World, by, line

from kehu.config.errors import InputError
from kehu.tasks.core import final_customers

EARLIER, LATER = date(2024, 1, 1), date(2024, 7, 31)


def _final(*statements: tuple[str, str, date]) -> dict[str, str]:
    found = final_customers(("erp", "main", former, code, day) for former, code, day in statements)
    return {former: last for (_, _, former), last in found.items()}


def test_chains_of_merges_are_followed_to_their_end() -> None:
    assert _final(("a", "b", EARLIER), ("b", "c", EARLIER), ("x", "c", NIGHT)) == {"a": "c", "b": "c", "x": "c"}


def test_the_newest_statement_of_a_code_counts_and_a_merge_can_be_taken_back() -> None:
    assert _final(("a", "b", EARLIER), ("a", "c", NIGHT)) == {"a": "c"}
    assert _final(("a", "b", EARLIER), ("a", "a", NIGHT), ("z", "a", EARLIER)) == {"z": "a"}


def test_sources_and_companies_do_not_share_codes() -> None:
    said = [("erp", "main", "a", "b", EARLIER), ("crm", "main", "b", "c", EARLIER)]
    assert final_customers(said) == {("erp", "main", "a"): "b", ("crm", "main", "b"): "c"}


def test_merges_that_go_round_in_a_circle_are_refused() -> None:
    with pytest.raises(InputError) as refused:
        _final(("a", "b", EARLIER), ("b", "c", EARLIER), ("c", "a", EARLIER), ("x", "a", EARLIER), ("ok", "z", EARLIER))
    assert refused.value.code == "customer_alias_cycle"
    assert (refused.value.count, refused.value.keys) == (4, ("a", "b", "c", "x"))


def _customers(world: World, *args: Any, **more: Any) -> dict[str, Any]:
    return by(world.marts(*args, only=["dim_customer"], **more)["dim_customer"], "customer_id")


def test_who_is_a_customer(world: World) -> None:
    world.know({"customer_id": "known"}, {"customer_id": "branch", "parent_customer_id": "head"})
    world.sell(
        line("buyer", 1, date(2024, 5, 2), ship_to_customer_id="site"),
        line("buyer", 1, date(2024, 6, 2)),
        line("cancelled", 1, document_status="cancelled"),
        line("later", 1, date(2024, 7, 1)),
    )
    found = _customers(world)
    assert sorted(found) == ["branch", "buyer", "cancelled", "head", "known", "site"]
    days = {code: (row["first_document_date"], row["last_document_date"]) for code, row in found.items()}
    assert days["buyer"] == (date(2024, 5, 2), date(2024, 6, 2))
    assert days["site"] == (date(2024, 5, 2), date(2024, 5, 2))
    assert days["cancelled"] == days["known"] == (None, None)
    reasons = {code: row["attribute_reason"] for code, row in found.items()}
    assert (reasons["known"], reasons["buyer"], reasons["head"]) == (None, "not_delivered", "not_delivered")


@pytest.mark.parametrize(("party", "scored"), [("bill_to", "head"), ("account", "branch")])
def test_a_branch_is_scored_under_its_head_office_by_policy(world: World, party: str, scored: str) -> None:
    world.know(
        {"customer_id": "branch", "parent_customer_id": "head"}, {"customer_id": "head", "parent_customer_id": "top"}
    )
    world.sell(line("branch", 7), line("top", 1))
    marts = world.marts(party__scored=party)
    found = by(marts["dim_customer"], "customer_id")
    assert found["branch"]["scored_customer_id"] == scored
    # One level: the branch of a branch stands under that branch.
    assert found["head"]["scored_customer_id"] == ("top" if party == "bill_to" else "head")
    scores = by(marts["mart_abc_customer"], "customer_id")
    assert scores[scored]["sales_net"] == 7
    assert set(scores) == {row["scored_customer_id"] for row in found.values()}


def test_a_merged_code_counts_for_the_other_from_its_day_on(world: World) -> None:
    world.know(
        {"customer_id": "old", "customer_name": "Old", "parent_customer_id": "former head"},
        {"customer_id": "new", "customer_name": "New", "parent_customer_id": "former head"},
    )
    world.sell(line("old", 10), line("new", 1), line("other", 2, ship_to_customer_id="old"))
    world.merge(("old", "new", date(2024, 6, 20)), ("former head", "head", EARLIER))
    before = world.marts(date(2024, 6, 19))
    assert by(before["dim_customer"], "customer_id").keys() == {"old", "new", "other"}
    after = world.marts()
    found = by(after["dim_customer"], "customer_id")
    assert found.keys() == {"new", "other", "head"}
    assert (found["new"]["customer_name"], found["new"]["merged_customers"], found["head"]["merged_customers"]) == (
        "New",
        1,
        1,
    )
    assert found["new"]["scored_customer_id"] == "head"
    assert by(after["mart_abc_customer"], "customer_id")["head"]["sales_net"] == 11


def test_our_own_companies_are_marked(world: World) -> None:
    world.know({"customer_id": "staff", "customer_type": "internal"}, {"customer_id": "firm", "customer_type": "b2b"})
    world.sell(line("staff", 5), line("branch 7", 5), line("firm", 1))
    marts = world.marts(party__internal_customer_ids="[branch 7]")
    assert {code for code, row in by(marts["dim_customer"], "customer_id").items() if row["is_internal"]} == {
        "staff",
        "branch 7",
    }
    scores = by(marts["mart_abc_customer"], "customer_id")
    assert {code: row["sales_class_reason"] for code, row in scores.items()} == {
        "staff": "internal", "branch 7": "internal", "firm": None,
    }  # fmt: skip


def test_a_record_created_later_is_no_customer_yet(world: World) -> None:
    world.know(
        {"customer_id": "then", "created_date": EARLIER, "region": "N"},
        {"customer_id": "tomorrow", "created_date": date(2024, 7, 1)},
        {"customer_id": "undated"},
        delivered=LATER,
    )
    world.sell(line("tomorrow", 1, date(2024, 7, 2)), delivered=LATER)
    found = _customers(world, NIGHT, LATER)
    assert sorted(found) == ["then", "undated"]
    assert (found["then"]["attribute_reason"], found["then"]["region"]) == ("snapshot_only", None)


def test_a_record_in_the_master_of_the_day_counts_though_it_has_vanished_since(world: World) -> None:
    world.know({"customer_id": "gone", "region": "N"}, delivered=date(2024, 5, 31))
    world.know({"customer_id": "new"}, delivered=LATER)
    world.sell(line("x", 1))
    found = _customers(world, NIGHT, LATER)
    assert sorted(found) == ["gone", "x"]
    assert (found["gone"]["region"], found["gone"]["attribute_reason"]) == ("N", None)
    assert sorted(_customers(world, LATER)) == ["new", "x"]


def test_a_first_deal_dated_after_the_day_is_not_known_on_it(world: World) -> None:
    world.know(
        {"customer_id": "a", "first_deal_date": date(2024, 7, 2)}, {"customer_id": "b", "first_deal_date": NIGHT}
    )
    world.sell(line("a", 1))
    assert {code: row["first_deal_date"] for code, row in _customers(world).items()} == {"a": None, "b": NIGHT}

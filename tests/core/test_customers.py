"""Merged customers, head offices, and who stands in `dim_customer`."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from conformed_world import NIGHT, World, by, line, rows_of

from kehu.config.errors import InputError
from kehu.schemas.tables import DIM_CUSTOMER
from kehu.tasks.core import final_customers, group_tops

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


def test_a_group_is_followed_to_its_top() -> None:
    heads = {"a": "b", "b": "c", "own": "own", "x": "own"}
    tops = group_tops({("erp", "main", code): head for code, head in heads.items()})
    assert {code: top for (_, _, code), top in tops.items()} == {"a": "c", "b": "c", "x": "own"}


def _customers(world: World, *args: Any, **more: Any) -> dict[str, Any]:
    with world.facts(*args, **more) as facts:
        return by(rows_of(facts, facts.mart(DIM_CUSTOMER)), "customer_id")


def _sales(world: World, **more: Any) -> dict[str, Decimal]:
    """Sales by the party scored."""
    with world.facts(**more) as facts:
        found: dict[str, Decimal] = defaultdict(Decimal)
        for row in rows_of(facts, facts.sales()):
            found[row["customer_id"]] += row["amount"]
        return dict(found)


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


@pytest.mark.parametrize(
    ("party", "scored"),
    [
        ("account", {"branch": "branch", "head": "head", "top": "top"}),
        # One level: the branch of a branch stands under that branch.
        ("bill_to", {"branch": "head", "head": "top", "top": "top"}),
        ("group", {"branch": "top", "head": "top", "top": "top"}),
    ],
)
def test_who_a_branch_is_scored_under_is_policy(world: World, party: str, scored: dict[str, str]) -> None:
    world.know(
        {"customer_id": "branch", "parent_customer_id": "head"}, {"customer_id": "head", "parent_customer_id": "top"}
    )
    world.sell(line("branch", 7), line("top", 1))
    found = _customers(world, party__scored=party)
    assert {code: row["scored_customer_id"] for code, row in found.items()} == scored
    # The top is in no master: known by name only.
    assert (found["top"]["attribute_reason"], found["branch"]["parent_customer_id"]) == ("not_delivered", "head")
    sold = _sales(world, party__scored=party)
    assert sold == ({"top": 8} if party == "group" else {scored["branch"]: 7, "top": 1})


def test_a_group_has_any_number_of_levels_and_a_top_of_its_own(world: World) -> None:
    world.know(
        {"customer_id": "1", "parent_customer_id": "2"},
        {"customer_id": "2", "parent_customer_id": "3"},
        {"customer_id": "3", "parent_customer_id": "4"},
        # A head office that is billed to itself.
        {"customer_id": "4", "parent_customer_id": "4"},
        {"customer_id": "single"},
    )
    # The same codes in another system are other customers.
    world.know({"customer_id": "4", "parent_customer_id": "9"}, system="shop")
    with world.facts(party__scored="group") as facts:
        found = rows_of(facts, facts.mart(DIM_CUSTOMER))
    assert {(row["source"], row["customer_id"]): row["scored_customer_id"] for row in found} == {
        **{("erp", code): "4" for code in "1234"}, ("erp", "single"): "single", ("shop", "4"): "9", ("shop", "9"): "9",
    }  # fmt: skip


def test_a_head_office_billed_to_itself_is_scored_as_itself(world: World) -> None:
    world.know({"customer_id": "1", "parent_customer_id": "1"}, {"customer_id": "2", "parent_customer_id": "1"})
    for party in ("bill_to", "group"):
        found = _customers(world, party__scored=party)
        assert {code: row["scored_customer_id"] for code, row in found.items()} == {"1": "1", "2": "1"}


def test_a_head_that_was_merged_away_hands_its_group_on(world: World) -> None:
    """The former head's own head office is not taken over: its code stands under the other from that day on."""
    world.know(
        {"customer_id": "branch", "parent_customer_id": "old"},
        {"customer_id": "old", "parent_customer_id": "former top"},
        {"customer_id": "new", "parent_customer_id": "top"},
        # Merged into what was its branch: no circle, but the top of the group.
        {"customer_id": "parted", "parent_customer_id": "absorbed"},
        delivered=EARLIER,
    )
    world.merge(("old", "new", date(2024, 6, 20)), ("absorbed", "parted", EARLIER))
    before = _customers(world, date(2024, 6, 19), NIGHT, party__scored="group")
    assert {code: row["scored_customer_id"] for code, row in before.items()} == {
        "branch": "former top", "old": "former top", "former top": "former top", "new": "top", "top": "top",
        "parted": "parted",
    }  # fmt: skip
    after = _customers(world, party__scored="group")
    assert {code: row["scored_customer_id"] for code, row in after.items()} == {
        "branch": "top", "new": "top", "top": "top", "parted": "parted",
    }  # fmt: skip


def test_groups_that_go_round_in_a_circle_are_refused(world: World) -> None:
    world.know(
        *({"customer_id": code, "parent_customer_id": head} for code, head in ("ab", "bc", "ca", "xa")),
        {"customer_id": "fine", "parent_customer_id": "top"},
    )
    with pytest.raises(InputError) as refused:
        _customers(world, party__scored="group")
    assert refused.value.code == "customer_group_cycle"
    assert (refused.value.count, refused.value.keys) == (4, ("a", "b", "c", "x"))
    with pytest.raises(InputError):
        _customers(world)  # one level up, each would be judged under the next one's name
    assert _customers(world, party__scored="account")["a"]["scored_customer_id"] == "a"


def test_terms_and_limits_stand_with_the_customer_from_the_day_of_delivery_on(world: World) -> None:
    world.know(
        {"customer_id": "a", "credit_limit_gross": Decimal(5000), "payment_terms_days": 30}, {"customer_id": "b"}
    )
    found = _customers(world)
    told = {code: (row["credit_limit_gross"], row["payment_terms_days"]) for code, row in found.items()}
    assert told == {"a": (5000, 30), "b": (None, None)}
    past = _customers(world, EARLIER, NIGHT)["a"]
    assert (past["credit_limit_gross"], past["payment_terms_days"]) == (None, None)
    assert past["attribute_reason"] == "snapshot_only"


def test_a_merged_code_counts_for_the_other_from_its_day_on(world: World) -> None:
    world.know(
        {"customer_id": "old", "customer_name": "Old", "parent_customer_id": "former head"},
        {"customer_id": "new", "customer_name": "New", "parent_customer_id": "former head"},
    )
    world.sell(line("old", 10), line("new", 1), line("other", 2, ship_to_customer_id="old"))
    world.merge(("old", "new", date(2024, 6, 20)), ("former head", "head", EARLIER))
    assert _customers(world, date(2024, 6, 19)).keys() == {"old", "new", "other"}
    found = _customers(world)
    assert found.keys() == {"new", "other", "head"}
    assert (found["new"]["customer_name"], found["new"]["merged_customers"], found["head"]["merged_customers"]) == (
        "New",
        1,
        1,
    )
    assert found["new"]["scored_customer_id"] == "head"
    assert _sales(world)["head"] == 11


def test_our_own_companies_are_marked(world: World) -> None:
    world.know({"customer_id": "staff", "customer_type": "internal"}, {"customer_id": "firm", "customer_type": "b2b"})
    world.sell(line("staff", 5), line("branch 7", 5), line("firm", 1))
    found = _customers(world, party__internal_customer_ids="[branch 7]")
    assert {code for code, row in found.items() if row["is_internal"]} == {"staff", "branch 7"}


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

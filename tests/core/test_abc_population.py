"""Who is judged, in which basis and by which size: the ABC marts over a whole run of small deliveries."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from conformed_world import NIGHT, Row, World, by, line

from kehu.config.errors import InputError, SettingsError
from kehu.schemas.tables import CHANNEL_REPORT, CUSTOMER, OWNER, PAYMENT
from kehu.tasks.build import BuiltMart
from kehu.tasks.marts import SkippedMart

TWO_MARTS = ("abc_customer",)


def _judged(world: World, **more: Any) -> dict[Any, Row]:
    """Rows of `mart_abc_customer` by customer and basis."""
    return by(world.marts(only=TWO_MARTS, **more)["mart_abc_customer"], "customer_id", "tax_basis")


def _paid(customer: str, amount: int, day: date = NIGHT, **more: Any) -> Row:
    return {
        "payment_id": f"{customer}{day}{amount}", "customer_id": customer, "received_date": day, "currency": "CNY",
        "received_gross": Decimal(amount), **more,
    }  # fmt: skip


def test_a_customer_is_judged_in_the_bases_it_has_lines_in(world: World) -> None:
    """One line of unknown basis makes no second row for those who have none of it."""
    world.sell(
        line("a", 10), line("b", 20), line("both", 5), line("both", None, amount_tax_unknown=Decimal(7)),
    )  # fmt: skip
    world.deliver(CUSTOMER, [{"customer_id": "idle"}])
    world.deliver(PAYMENT, [_paid("a", 9), _paid("b", 8)])
    rows = _judged(world)
    assert set(rows) == {("a", "net"), ("b", "net"), ("both", "net"), ("both", "unknown"), ("idle", "net")}
    assert rows[("idle", "net")]["abc_class_reason"] == "no_trade"


def test_neither_ours_is_scored_under_a_customer_nor_a_customer_under_ours(world: World) -> None:
    """Our branch at a customer's head, a customer at our head office, and a customer at a customer's."""
    world.sell(line("our_branch", 500), line("customer_of_hq", 30), line("branch", 20), line("head", 1))
    world.know(
        {"customer_id": "our_branch", "customer_type": "internal", "parent_customer_id": "head"},
        {"customer_id": "hq", "customer_type": "internal"},
        {"customer_id": "customer_of_hq", "parent_customer_id": "hq"},
        {"customer_id": "branch", "parent_customer_id": "head"},
        {"customer_id": "head"},
    )
    for level in ("bill_to", "group"):
        rows = {key[0]: row for key, row in _judged(world, party__scored=level).items()}
        assert {name: row["sales_net"] for name, row in rows.items() if row["abc_class"]} == {
            "customer_of_hq": 30, "head": 21,
        }  # fmt: skip
        assert rows["our_branch"]["abc_class_reason"] == "internal"


def test_a_code_listed_as_internal_stays_so_when_it_is_merged(world: World) -> None:
    world.sell(line("old", 10), line("other", 5))
    world.merge(("old", "new", date(2024, 1, 1)))
    rows = {key[0]: row for key, row in _judged(world, party__internal_customer_ids="old").items()}
    assert (rows["new"]["abc_class"], rows["new"]["abc_class_reason"]) == (None, "internal")
    assert rows["other"]["abc_class"] == "A"


def test_a_receipt_that_does_not_count_yet_is_a_receipt(world: World) -> None:
    """A note without maturity: collections are zero, not unknown, and the note is in hand."""
    world.sell(line("a", 10))
    world.deliver(PAYMENT, [_paid("a", 100, instrument="commercial_acceptance")])
    row = _judged(world)[("a", "net")]
    assert (row["collections_gross"], row["notes_not_counted_gross"], row["size_indicator"]) == (0, 100, "collections")


def test_periods_before_the_first_receipt_take_size_by_sales(world: World) -> None:
    """Receipts delivered from June on: nobody is entered, or out of class, because they began."""
    world.sell(
        *(line(code, amount, date(2024, month, 9)) for month in range(1, 7) for code, amount in (("a", 9), ("b", 5)))
    )
    world.deliver(PAYMENT, [_paid("a", 9, date(2024, 6, 10)), _paid("b", 5, date(2024, 6, 11))])
    history = world.marts(only=("abc_history",))["mart_abc_history"]
    rolling = [row for row in history if row["period_type"] == "rolling" and row["customer_id"] == "a"]
    moves = {row["period_end_date"]: row["move"] for row in rolling}
    assert moves.pop(date(2024, 1, 31)) == "entered"
    assert set(moves.values()) == {"stable"}


def test_nothing_with_a_weight_known_is_missing(world: World) -> None:
    world.sell(line("a", 10, cost_net=Decimal(3)))
    rules = {"abc__weights": "0,0,1"}
    assert _judged(world, **rules)[("a", "net")]["abc_class_reason"] == "missing"


def test_the_score_is_no_percentile(world: World) -> None:
    """Of the combined judgement the working has the score, and no percentile beside."""
    world.sell(line("a", 10, cost_net=Decimal(3)), line("b", 5, cost_net=Decimal(3)))
    rows = by(world.marts(only=("abc_indicator",))["mart_abc_indicator"], "customer_id", "indicator")
    combined = rows[("a", "combined")]
    assert (combined["percentile_rank"], combined["indicator_share"]) == (None, Decimal("0.75"))
    assert (rows[("a", "sales")]["percentile_rank"], rows[("a", "sales")]["indicator_share"]) == (Decimal("0.75"), None)


def test_a_proxy_compares_sales_and_purchases_of_the_same_accounts(world: World) -> None:
    """Of a head's two branches one says it buys 200 in all: our 100 to it are half, our 900 to the other no part."""
    world.sell(line("b", 100), line("c", 900), line("alone", 10))
    world.know({"customer_id": "b", "parent_customer_id": "h"}, {"customer_id": "c", "parent_customer_id": "h"})
    told = {"report_date": date(2024, 3, 31), "currency": "CNY"}
    world.deliver(
        CHANNEL_REPORT,
        [
            {**told, "customer_id": "b", "category_purchases_net": Decimal(200)},
            {**told, "customer_id": "alone", "category_purchases_net": Decimal("0.001")},
        ],
    )  # fmt: skip
    rows = _judged(world)
    assert (rows[("h", "net")]["brand_share"], rows[("h", "net")]["brand_share_source"]) == (Decimal("0.5"), "proxy")
    assert rows[("alone", "net")]["brand_share_source"] == "missing"  # ten thousand times what it says it buys
    world.deliver(CHANNEL_REPORT, [{**told, "customer_id": "h", "category_purchases_net": Decimal(4000)}], mark="h")
    again = by(world.marts(only=TWO_MARTS)["mart_abc_customer"], "customer_id", "tax_basis")
    assert again[("h", "net")]["brand_share"] == Decimal("0.25")


def test_a_class_cannot_hold_in_more_periods_than_are_looked_at(world: World) -> None:
    world.sell(line("a", 1))
    with pytest.raises(SettingsError) as refused:
        world.build(abc__confirm_needed="4")
    assert (refused.value.code, refused.value.setting) == ("value_malformed", "abc.confirm_needed")


def test_a_skipped_mart_names_the_documents_looked_for(world: World) -> None:
    world.sell(line("a", 1))
    built = world.build(only=("abc_summary",), basis_by_system={"erp": "order"})
    mart = built["mart_abc_summary"]
    assert isinstance(mart, SkippedMart)
    assert mart.reason == "no_sales_lines: invoice, order"
    assert not isinstance(mart, BuiltMart)


def test_a_profit_nobody_states_is_unknown_for_idle_customers_too(world: World) -> None:
    """No line of the company has a cost: zero would be a figure nobody has."""
    world.sell(line("a", 10))
    world.deliver(CUSTOMER, [{"customer_id": "idle"}])
    assert {row["gross_profit"] for row in _judged(world).values()} == {None}
    world.sell(line("b", 10, cost_net=Decimal(4), document_id="I2"), file_mapping="more")
    assert {key[0]: row["gross_profit"] for key, row in _judged(world).items()} == {"a": None, "b": 6, "idle": 0}


def test_sold_but_not_collected_is_no_lack_of_trade(world: World) -> None:
    world.sell(line("a", 10), line("b", 10))
    world.deliver(PAYMENT, [_paid("b", 5)])
    assert _judged(world)[("a", "net")]["abc_class_reason"] == "not_collected"


def test_who_only_pays_old_debts_has_no_conflict(world: World) -> None:
    """Collections without sales: a profit of zero is not compared; a loss is."""
    long_ago = date(2022, 1, 1)
    world.sell(line("old", 99, long_ago, cost_net=Decimal(1)), line("loss", 1, cost_net=Decimal(9)))
    world.deliver(PAYMENT, [_paid("old", 50), _paid("loss", 40)])
    rows = _judged(world)
    assert [(rows[(code, "net")]["size_class"], rows[(code, "net")]["is_conflict"]) for code in ("old", "loss")] == [
        ("A", False), ("B", True),
    ]  # fmt: skip


def test_former_codes_and_names_of_owners_are_told(world: World) -> None:
    world.sell(line("x2", 1), line("x1", 1), line("y", 1))
    world.merge(("x2", "z", date(2024, 1, 1)), ("x1", "z", date(2024, 1, 1)))
    world.know({"customer_id": "z", "owner_id": "e1"}, {"customer_id": "y", "owner_id": "e1", "owner_name": "As told"})
    world.deliver(OWNER, [{"owner_id": "e1", "owner_name": "Li Na"}])
    rows = by(world.marts(only=("dim_customer",))["dim_customer"], "customer_id")
    assert (rows["z"]["former_customer_ids"], rows["z"]["owner_name"]) == ("x1, x2", "Li Na")
    assert (rows["y"]["former_customer_ids"], rows["y"]["owner_name"]) == (None, "As told")


def test_a_circle_of_head_offices_is_refused_one_level_up_too(world: World) -> None:
    """Each would be scored under the next: everybody's trade under another name."""
    world.sell(line("a", 1), line("b", 2), line("c", 3), line("d", 4))
    world.know(*({"customer_id": code, "parent_customer_id": head} for code, head in ("ab", "bc", "ca", "dd")))
    with pytest.raises(InputError) as refused:
        world.build(only=TWO_MARTS)
    assert (refused.value.code, refused.value.count) == ("customer_group_cycle", 3)
    assert len(_judged(world, party__scored="account")) == 4

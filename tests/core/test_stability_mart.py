"""Stability as a mart of a run: what is known decides which purchases there are."""

from __future__ import annotations

from datetime import date
from typing import Any

from conformed_world import NIGHT, World, by, connection, line, read_rows

from kehu.tasks.build import BuiltMart
from kehu.tasks.marts import SkippedMart, build_marts

MART = "mart_customer_stability"
DAYS = (date(2024, 1, 10), date(2024, 2, 10), date(2024, 3, 10), date(2024, 4, 10))


def _orders(customer: str, **more: Any) -> list[dict[str, Any]]:
    return [line(customer, 100, day, document_id=f"{customer}-{day}", quantity=1, **more) for day in DAYS]


def _built(world: World, *days: date, **more: Any) -> BuiltMart | SkippedMart:
    """The mart alone, without what is made from it."""
    with connection() as engine:
        (built,) = build_marts(engine, [MART], world.inputs(world.home / "scratch", *days, **more))
    return built


def _told(world: World, *days: date, **more: Any) -> dict[Any, Any]:
    """The mart by customer."""
    built = _built(world, *days, **more)
    assert isinstance(built, BuiltMart)
    return by(read_rows(built), "customer_id")


def test_a_red_letter_counts_from_the_day_it_is_known_and_dated(world: World) -> None:
    taken = line("a", -100, date(2024, 6, 20), document_id="R", quantity=-1, is_return=True)
    named = taken | {"document_id": "S", "return_of_document_id": f"b-{DAYS[0]}", "customer_id": "b"}
    world.sell(*_orders("a"), *_orders("b"), delivered=date(2024, 6, 1), mode="append")
    world.sell({**taken, "line_id": "r"}, {**named, "line_id": "s"}, delivered=date(2024, 6, 25), mode="append")

    def classes(as_of: date, known_at: date) -> list[tuple[str, int, date]]:
        told = _told(world, as_of, known_at)
        shown = ("stability_class", "purchase_events", "first_purchase_date")
        return [tuple(told[customer][name] for name in shown) for customer in "ab"]

    whole = [("stable", 4, DAYS[0])] * 2
    assert classes(date(2024, 6, 21), date(2024, 6, 21)) == whole
    assert classes(date(2024, 6, 19), NIGHT) == whole
    # Without a name the latest like it is taken back, with one the document named.
    assert classes(date(2024, 6, 21), NIGHT) == [("insufficient", 3, DAYS[0]), ("insufficient", 3, DAYS[1])]


def test_a_fully_cancelled_order_leaves_no_row(world: World) -> None:
    """R28: no event, no class, no month."""
    back = line("a", -100, DAYS[1], document_id="R", quantity=-1, is_return=True)
    world.sell(*_orders("a")[:1], back, *_orders("b"))
    assert list(_told(world)) == ["b"]


def test_branches_buy_for_the_head_office_they_are_billed_to(world: World) -> None:
    world.know({"customer_id": "a", "parent_customer_id": "b"}, {"customer_id": "b"})
    world.sell(*_orders("a")[::2], *_orders("b")[1::2])
    told = _told(world, party__scored="bill_to")
    assert {customer: row["stability_class"] for customer, row in told.items()} == {"b": "stable"}
    apart = _told(world, party__scored="account")
    assert {customer: row["stability_class"] for customer, row in apart.items()} == dict.fromkeys("ab", "insufficient")


def test_without_a_line_that_counts_there_is_no_mart(world: World) -> None:
    world.sell(*_orders("a", document_status="draft"))
    assert _built(world) == SkippedMart(MART, "no_sales_lines: invoice")


def test_the_policy_says_how_many_purchases_are_needed(world: World) -> None:
    world.sell(*_orders("a"))
    assert _told(world)["a"]["stability_class"] == "stable"
    assert _told(world, stability__events_needed="5")["a"]["stability_class"] == "insufficient"
    window = _told(world, stability__months="3")["a"]
    assert (window["window_start_date"], window["purchase_events"]) == (date(2024, 4, 1), 1)

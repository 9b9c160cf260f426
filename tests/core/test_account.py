"""The account of the input: every data row of every delivery in force has one outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from conformed_world import NIGHT, World, backend, by, line

from kehu.schemas.tables import SALES_LINE
from kehu.tasks.account import run_inputs
from kehu.tasks.build import ContractBroken

MAY, JULY = date(2024, 5, 31), date(2024, 7, 31)


def _account(world: World, as_of: date = NIGHT, known_at: date = JULY, **more: Any) -> tuple[list[Any], list[Any]]:
    stated = {"batch": {(file.delivery_id, file.file_name) for file in world.files[-1:]}} | more
    inputs, reasons = run_inputs(
        backend(), world.files, home=world.home, as_of=as_of, known_at=known_at, run_id="run", **stated
    )
    return inputs.to_pylist(), reasons.to_pylist()


def test_rows_dated_later_are_told_apart_with_their_totals(world: World) -> None:
    days = {"1": MAY, "2": NIGHT, "3": date(2024, 7, 1), "4": date(2024, 7, 2)}
    dated = [line("c", f"{key}.5", day, line_id=key) for key, day in days.items()]
    world.deliver(SALES_LINE, dated, JULY, merged=2, quarantined=3)
    (row,), reasons = _account(world)
    outcomes = ("data", "accepted", "later", "merged", "quarantined", "dropped")
    assert [row[f"rows_{name}"] for name in outcomes] == [9, 2, 2, 2, 3, 0]
    assert (row["is_new_delivery"], row["unmapped_headers"], row["entity"]) == (True, "备注", "sales_line")
    told = {(r["outcome"], r["reason"], r["measure_name"]): (r["row_count"], r["amount_total"]) for r in reasons}
    assert told == {
        ("accepted", "", "amount_net"): (2, Decimal(4)),
        ("later_than_as_of", "", "amount_net"): (2, Decimal(8)),
        ("merged_into_key", "same_content", ""): (2, None),
        ("quarantined", "bad", ""): (3, None),
    }


def test_a_row_a_newer_delivery_brings_again_is_merged_and_a_deleted_one_dropped(world: World) -> None:
    world.deliver(SALES_LINE, [line("c", n, line_id=str(n)) for n in (1, 2, 3)], MAY, mode="upsert")
    news = [{**line("c", n * 10, line_id=str(n)), "is_deleted": n == 2} for n in (1, 2)]
    world.deliver(SALES_LINE, news, NIGHT, mode="upsert")
    inputs, reasons = _account(world)
    rows = by(inputs, "delivered_date")
    assert [rows[MAY][f"rows_{name}"] for name in ("data", "accepted", "merged", "dropped")] == [3, 1, 2, 0]
    assert [rows[NIGHT][f"rows_{name}"] for name in ("data", "accepted", "merged", "dropped")] == [2, 1, 0, 1]
    told = {(r["delivery_id"], r["outcome"], r["reason"]): r["amount_total"] for r in reasons}
    old, new = (file.delivery_id for file in world.files)
    assert told == {
        (old, "accepted", ""): 3,
        (old, "merged_into_key", "newer_delivery"): 3,
        (new, "accepted", ""): 10,
        (new, "dropped", "deleted_in_source"): 20,
    }


def test_accepted_rows_are_what_the_marts_add_up_to(world: World) -> None:
    world.sell(line("a", "1.111111"), line("b", "2.2"), line("b", "4", date(2024, 7, 1)), delivered=JULY)
    world.know({"customer_id": "a"})
    _, reasons = _account(world)
    accepted = sum(row["amount_total"] for row in reasons if row["outcome"] == "accepted" and row["amount_total"])
    built = world.build(NIGHT, JULY, abc__window="all")["mart_abc_customer"]
    assert built.exact_total == accepted == Decimal("3.311111")  # type: ignore[union-attr]


def test_deliveries_that_are_not_in_force_are_not_accounted_for(world: World) -> None:
    world.sell(line("a", 1), delivered=MAY)
    world.sell(line("a", 1), delivered=NIGHT)
    world.sell(line("a", 1), delivered=JULY)
    inputs, _ = _account(world, known_at=NIGHT)
    assert [row["delivered_date"] for row in inputs] == [NIGHT]


def test_keys_a_snapshot_no_longer_has_are_closed_and_counted(world: World) -> None:
    for day, codes in ((MAY, "abcd"), (NIGHT, "bcx"), (JULY, "c")):
        world.know(*({"customer_id": code} for code in codes), delivered=day)
    world.know({"customer_id": "z"}, delivered=JULY, file_name="south.csv")
    world.sell(line("a", 1), delivered=MAY, mode="append")
    assert [row["keys_vanished"] for row in _account(world, known_at=MAY)[0]] == [None, None]
    inputs, _ = _account(world, known_at=NIGHT)
    assert {row["entity"]: row["keys_vanished"] for row in inputs} == {"customer": 2, "sales_line": None}
    inputs, _ = _account(world, JULY)
    assert sorted(str(row["keys_vanished"]) for row in inputs if row["entity"] == "customer") == ["2", "None"]


def test_an_entity_without_measure_and_an_empty_file_stand_once(world: World) -> None:
    world.know({"customer_id": "a"}, {"customer_id": "b"})
    world.sell()
    inputs, reasons = _account(world)
    assert {row["entity"]: (row["rows_data"], row["rows_accepted"]) for row in inputs} == {
        "customer": (2, 2),
        "sales_line": (0, 0),
    }
    assert [(row["entity"], row["outcome"], row["measure_name"], row["row_count"]) for row in reasons] == [
        ("customer", "accepted", "", 2)
    ]


@pytest.mark.parametrize(
    ("name", "rule"), [("rows_read", "read_is_accounted_for"), ("rows_dropped", "data_is_accounted_for")]
)
def test_a_row_that_is_lost_is_a_defect(world: World, name: str, rule: str) -> None:
    file = world.sell(line("a", 1))
    world.files[0] = replace(file, **{name: getattr(file, name) + 1})
    with pytest.raises(ContractBroken) as broken:
        _account(world)
    assert (broken.value.rule, broken.value.count) == (rule, 1)

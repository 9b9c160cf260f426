"""Which rows hold on a day: modes of delivery, the two dates, and columns by their time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from conformed_world import NIGHT, Row, World, backend, line

from kehu.schemas.model import Table
from kehu.schemas.tables import CUSTOMER, OWNER, PAYMENT, SALES_LINE
from kehu.tasks.build import fetch
from kehu.tasks.core import entity_as_of, files_in_force

MAY, JUNE, JULY = date(2024, 5, 31), date(2024, 6, 30), date(2024, 7, 31)


def rows(world: World, table: Table, as_of: date = NIGHT, known_at: date | None = None) -> list[dict[str, Any]]:
    engine = backend()
    expression = entity_as_of(
        engine, table, world.files, home=world.home, as_of=as_of, known_at=known_at or max(as_of, NIGHT)
    )
    return sorted(fetch(engine, expression).to_pylist(), key=lambda row: [str(row[key]) for key in table.key_names])


def amounts(world: World, as_of: date = NIGHT, known_at: date | None = None) -> list[str]:
    found = rows(world, SALES_LINE, as_of, known_at)
    return [f"{row['line_id']}={row['amount_net'].normalize():f}" for row in found]


def keyed(*pairs: tuple[str, object], **more: Any) -> Sequence[Row]:
    return [line("c", amount, line_id=key, **more) for key, amount in pairs]


# --- modes ------------------------------------------------------------------------------------------------------------


def test_of_snapshots_the_newest_counts(world: World) -> None:
    world.deliver(SALES_LINE, keyed(("1", 10), ("2", 20)), MAY)
    world.deliver(SALES_LINE, keyed(("2", 25)), JUNE)
    assert amounts(world, known_at=JUNE) == ["2=25"]
    assert amounts(world, as_of=JUNE, known_at=date(2024, 6, 29)) == ["1=10", "2=20"]


def test_files_of_one_snapshot_delivered_together_belong_together(world: World) -> None:
    world.deliver(SALES_LINE, keyed(("1", 10)), file_name="north.csv")
    world.deliver(SALES_LINE, keyed(("2", 20)), file_name="south.csv")
    assert amounts(world) == ["1=10", "2=20"]


@pytest.mark.parametrize("mode", ["snapshot", "partition"])
def test_a_file_delivered_twice_on_one_day_is_a_correction(world: World, mode: str) -> None:
    for mark, amount in (("b", 10), ("a", 20)):
        world.deliver(SALES_LINE, keyed((mark, amount)), file_name="all.csv", mode=mode, mark=mark)
    assert amounts(world) == ["a=20"]


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_of_two_deliveries_of_one_day_the_one_that_arrived_later_counts(world: World, mode: str) -> None:
    """Their ids are hashes of their content: the order of these says nothing."""
    for mark, amount in (("b", 10), ("a", 20)):
        world.deliver(SALES_LINE, keyed(("1", amount)), file_name="all.csv", mode=mode, mark=mark)
    assert amounts(world) == ["1=20"]


def test_appended_deliveries_add_up_and_a_key_counts_once(world: World) -> None:
    world.deliver(SALES_LINE, keyed(("1", 10), ("2", 20)), MAY, mode="append")
    world.deliver(SALES_LINE, keyed(("2", 25), ("3", 30)), JUNE, mode="append")
    assert amounts(world) == ["1=10", "2=25", "3=30"]


def test_an_upsert_replaces_by_key_and_takes_deleted_keys_out(world: World) -> None:
    world.deliver(SALES_LINE, keyed(("1", 10), ("2", 20), ("3", 30)), MAY, mode="upsert")
    gone = [{**row, "is_deleted": row["line_id"] == "2"} for row in keyed(("1", 15), ("2", 20))]
    world.deliver(SALES_LINE, gone, JUNE, mode="upsert")
    assert amounts(world) == ["1=15", "3=30"]
    world.deliver(SALES_LINE, keyed(("2", 22)), JULY, mode="upsert")
    assert amounts(world, as_of=JULY) == ["1=15", "2=22", "3=30"]


def test_a_partition_replaces_its_month(world: World) -> None:
    of: dict[str, Any] = {"mode": "partition", "partition": "document_date"}
    in_may, in_june = {"document_date": date(2024, 5, 5)}, {"document_date": date(2024, 6, 5)}
    world.deliver(SALES_LINE, [*keyed(("1", 10), ("2", 20), **in_may), *keyed(("3", 30), **in_june)], MAY, **of)
    world.deliver(SALES_LINE, keyed(("1", 11), **in_may), JUNE, **of)
    assert amounts(world) == ["1=11", "3=30"]


def test_a_partition_replaces_its_organisation(world: World) -> None:
    of: dict[str, Any] = {"mode": "partition", "partition": "company_id"}
    world.deliver(SALES_LINE, [{**row, "company_id": "north"} for row in keyed(("1", 10), ("2", 20))], MAY, **of)
    world.deliver(
        SALES_LINE, [{**row, "company_id": "south"} for row in keyed(("1", 30))], MAY, file_name="s.csv", **of
    )
    world.deliver(SALES_LINE, [{**row, "company_id": "north"} for row in keyed(("1", 11))], JUNE, **of)
    assert [(row["company_id"], row["amount_net"]) for row in rows(world, SALES_LINE)] == [("north", 11), ("south", 30)]


def test_a_partition_told_by_the_file_name_is_replaced_as_a_whole(world: World) -> None:
    def of(month: str) -> dict[str, Any]:
        return {"mode": "partition", "partition_value": month, "file_name": f"sales_{month}.csv"}

    world.deliver(SALES_LINE, keyed(("1", 10), ("2", 20)), MAY, **of("2024-05"))
    world.deliver(SALES_LINE, keyed(("3", 30)), MAY, **of("2024-06"))
    world.deliver(SALES_LINE, keyed(("1", 11)), JUNE, **of("2024-05"))
    assert amounts(world) == ["1=11", "3=30"]


def test_one_key_told_by_two_mappings_counts_once(world: World) -> None:
    world.deliver(SALES_LINE, keyed(("1", 10)), MAY, file_mapping="orders")
    world.deliver(SALES_LINE, keyed(("1", 12)), JUNE, file_mapping="archive")
    assert amounts(world) == ["1=12"]


def test_files_in_force_do_not_depend_on_the_order_in_which_they_are_known(world: World) -> None:
    for day in (JUNE, MAY):
        for name in ("b.csv", "a.csv"):
            world.deliver(SALES_LINE, keyed(("1", 1)), day, file_name=name)
    forward = files_in_force(world.files, JULY)
    assert forward == files_in_force(list(reversed(world.files)), JULY)
    assert {file.delivered_date for file in forward} == {JUNE}


def test_no_delivery_gives_no_rows(world: World) -> None:
    world.deliver(SALES_LINE, keyed(("1", 10)), JULY)
    assert rows(world, SALES_LINE, known_at=JUNE) == []
    assert rows(world, CUSTOMER) == []


# --- the two dates, and columns by their time (R8) --------------------------------------------------------------------


def test_rows_dated_after_as_of_are_left_out_that_day_included(world: World) -> None:
    days = {"1": date(2024, 6, 29), "2": NIGHT, "3": date(2024, 7, 1)}
    dated = [line("c", 1, day, line_id=key) for key, day in days.items()]
    world.deliver(SALES_LINE, dated, JULY)
    assert amounts(world, as_of=NIGHT, known_at=JULY) == ["1=1", "2=1"]


def test_a_row_moved_beyond_as_of_does_not_come_back_in_its_older_form(world: World) -> None:
    world.deliver(SALES_LINE, keyed(("1", 10)), MAY, mode="upsert")
    world.deliver(SALES_LINE, keyed(("1", 10), document_date=date(2024, 7, 3)), JULY, mode="upsert")
    assert amounts(world, as_of=JUNE, known_at=JULY) == []
    assert amounts(world, as_of=JUNE, known_at=JUNE) == ["1=10"]


def test_current_columns_are_null_on_days_before_their_delivery(world: World) -> None:
    world.deliver(SALES_LINE, keyed(("1", 10), document_status="cancelled"), JULY)
    assert [row["document_status"] for row in rows(world, SALES_LINE, as_of=JUNE, known_at=JULY)] == [None]
    assert [row["document_status"] for row in rows(world, SALES_LINE, as_of=JULY)] == ["cancelled"]


@pytest.mark.parametrize(
    ("status_date", "as_of", "status"),
    [
        (date(2024, 6, 20), date(2024, 6, 20), "bounced"),
        (date(2024, 6, 20), date(2024, 6, 19), None),
        (None, JUNE, "bounced"),
        (None, date(2024, 6, 19), None),
    ],
)
def test_a_dated_value_is_null_before_its_date(
    world: World, status_date: date | None, as_of: date, status: str | None
) -> None:
    paid = {
        "payment_id": "P1", "customer_id": "c", "received_date": date(2024, 6, 1), "received_gross": Decimal(5),
        "payment_status": "bounced", "payment_status_date": status_date,
    }  # fmt: skip
    world.deliver(PAYMENT, [paid], JUNE)
    (row,) = rows(world, PAYMENT, as_of=as_of, known_at=JUNE)
    assert row["payment_status"] == status
    assert row["payment_status_date"] == (status_date if status else None)


def test_a_state_takes_current_columns_of_the_day_and_fixed_ones_as_last_known(world: World) -> None:
    world.know(
        {"customer_id": "a", "customer_name": "old", "region": "N"}, {"customer_id": "b", "region": "N"}, delivered=MAY
    )
    world.know(
        {"customer_id": "a", "customer_name": "new", "region": "S"}, {"customer_id": "z", "region": "S"}, delivered=JULY
    )
    found = {row["customer_id"]: row for row in rows(world, CUSTOMER, as_of=JUNE, known_at=JULY)}
    assert {code: (row["customer_name"], row["region"], row["is_described"]) for code, row in found.items()} == {
        "a": ("new", "N", True),
        "b": (None, "N", True),
        "z": (None, None, False),
    }


def test_before_the_first_delivery_of_a_state_only_its_fixed_columns_are_known(world: World) -> None:
    world.know({"customer_id": "a", "customer_name": "name", "uscc": "X", "region": "S"}, delivered=JULY)
    (row,) = rows(world, CUSTOMER, as_of=JUNE, known_at=JULY)
    assert (row["customer_name"], row["uscc"], row["region"], row["is_described"]) == ("name", "X", None, False)


def test_a_state_told_by_two_mappings_is_put_together_column_by_column(world: World) -> None:
    world.know({"customer_id": "a", "customer_name": "from documents"}, delivered=JUNE, file_mapping="orders")
    world.know(
        {"customer_id": "a", "region": "N", "industry": "x"}, {"customer_id": "b"}, delivered=MAY, file_mapping="crm"
    )
    found = {row["customer_id"]: row for row in rows(world, CUSTOMER)}
    assert (found["a"]["customer_name"], found["a"]["region"], found["a"]["industry"]) == ("from documents", "N", "x")
    assert found.keys() == {"a", "b"}


def test_an_employee_who_leaves_later_has_not_left_yet(world: World) -> None:
    world.deliver(OWNER, [{"owner_id": "o1", "owner_name": "n", "left_date": date(2024, 7, 15)}], JUNE)
    (row,) = rows(world, OWNER, as_of=JUNE)
    assert row["left_date"] is None

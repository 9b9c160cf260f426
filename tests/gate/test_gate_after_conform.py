"""The gate on files that went the whole way: landed and conformed by the steps before it, with a shipped mapping."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from kehu.config.policy import PolicyBook
from kehu.config.sources import load_source
from kehu.schemas.expectations import row_expectations
from kehu.schemas.tables import entity_named
from kehu.tasks.conform import Conformed, conform_delivery
from kehu.tasks.gate import GateReceipt, QualityResult, gate_closed_error, quality_rows, quarantine_rows, run_gate
from kehu.tasks.land import known_deliveries, land_exports
from kehu.tasks.row_rules import FLAG_PREFIX

ORDER_HEADER = "订单号,行号,订单日期,客户编码,产品编码,数量,价税合计"
CUSTOMERS = "客户编码,客户名称,统一社会信用代码\nC1,甲公司,91350100M000100Y43\nC2,乙公司,\nC3,丙公司,\n"


class Office:
    """A folder of exports and the steps up to the gate."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: Path, source: str = "generic_zh") -> None:
        self.con = con
        self.exports = folder / "exports"
        self.home = folder / "home"
        self.exports.mkdir()
        self.mapping = load_source(source, None)

    def export(self, name: str, text: str) -> None:
        """Put a file into the export folder."""
        (self.exports / name).write_text(text, encoding="utf-8")

    def conform(self, folder: Path, as_of: date) -> tuple[tuple[Conformed, ...], tuple[Conformed, ...]]:
        """Tonight's batch, and everything known."""
        landing = land_exports(self.mapping, folder, self.home, datetime(2024, 3, 6, 1, tzinfo=UTC))
        known = known_deliveries(self.home, self.mapping.system, None)
        tonight = {(delivery.file_name, delivery.delivery_id) for delivery in landing.batch}
        everything: list[Conformed] = []
        for delivery in known:
            everything += conform_delivery(
                self.con, delivery, self.mapping, home=self.home, corrections=(),
                policy=PolicyBook.load(None).on(as_of), reporting_currency=self.mapping.currency,
            )  # fmt: skip
        return tuple(c for c in everything if (c.file_name, c.delivery_id) in tonight), tuple(everything)

    def judge(
        self, as_of: date = date(2024, 3, 5), folder: Path | None = None
    ) -> tuple[GateReceipt, tuple[Conformed, ...]]:
        """Everything up to the verdict."""
        batch, known = self.conform(folder or self.exports, as_of)
        policy = PolicyBook.load(None).on(as_of)
        return run_gate(self.con, batch, home=self.home, policy=policy, known=known, as_of=as_of), batch


@pytest.fixture
def office(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Office:
    """An office with a customer master and no orders yet."""
    there = Office(con, tmp_path)
    there.export("客户_20240305.csv", CUSTOMERS)
    return there


def orders(count: int, broken: Sequence[str] = (), total: str = "") -> str:
    """An export of order lines: sound ones of 100.00 each, then broken ones, then a totals row where one is given."""
    sound = [f"D{n:03d},1,2024-03-01,C{n % 3 + 1},P1,2,100.00" for n in range(count)]
    totals = [f"合计,,,,,,{total}"] if total else []
    return "\n".join([ORDER_HEADER, *sound, *broken, *totals]) + "\n"


def found(receipt: GateReceipt, suite: str, rule: str) -> QualityResult:
    """The result of a rule."""
    (result,) = [result for result in receipt.results if (result.suite, result.rule) == (suite, rule)]
    return result


def test_conform_evaluates_the_row_rules_of_the_contract_and_no_others(office: Office) -> None:
    office.export("订单_20240305.csv", orders(3))
    batch, _ = office.conform(office.exports, date(2024, 3, 5))
    assert {conformed.entity for conformed in batch} == {"customer", "sales_line"}
    for conformed in batch:
        path = office.home / conformed.directory / "flagged.parquet"
        columns = [row[0] for row in office.con.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
        flags = {column.removeprefix(FLAG_PREFIX) for column in columns if column.startswith(FLAG_PREFIX)}
        assert flags <= {expectation.rule for expectation in row_expectations(entity_named(conformed.entity))}
        assert "customer_id_required" in flags


def test_sound_exports_open_the_gate(office: Office) -> None:
    office.export("订单_20240305.csv", orders(30, total="3000.00"))
    receipt, _ = office.judge()
    assert [result for result in receipt.results if not result.is_passed] == []
    assert receipt.status == "open"
    assert found(receipt, "sales_line", "amount_gross_total_differs").rows_checked == 1
    assert found(receipt, "sales_line", "customer_id_not_in_customer").rows_checked == 30


def test_a_few_broken_rows_are_put_aside_and_too_many_close_the_gate(office: Office) -> None:
    nameless = [f"X{n},1,2024-03-01,,P1,1,5.00" for n in range(3)]
    office.export("订单_20240305.csv", orders(97, nameless))
    receipt, batch = office.judge()
    assert receipt.status == "open"
    assert found(receipt, "sales_line", "customer_id_required").rows_failed == 3
    assert [(row["rule"], row["row_count"]) for row in quarantine_rows(batch, date(2024, 3, 5), "r").to_pylist()] == [
        ("customer_id_required", 3)
    ]

    office.export("订单_20240305.csv", orders(20, nameless))
    receipt, _ = office.judge()
    assert receipt.status == "closed"
    assert gate_closed_error(receipt).lines()[2:4] == [
        "  sales_line.customer_id_required: 3 of 23 (more than the 5 % tolerated): `customer_id` is given",
        "    keys order/X0/1, order/X1/1, order/X2/1",
    ]
    assert quality_rows(receipt, date(2024, 3, 5), "r").num_rows == len(receipt.results)


def test_a_wrong_total_closes_the_gate(office: Office) -> None:
    office.export("订单_20240305.csv", orders(30, total="2900.00"))
    receipt, _ = office.judge()
    result = found(receipt, "sales_line", "amount_gross_total_differs")
    assert receipt.status == "closed"
    assert result.example_keys == ("订单_20240305.csv row 32",)
    assert result.observed is not None
    assert result.observed.startswith("订单_20240305.csv row 32: printed 2900")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("X1,1,2024-03-01,C1,P1,2,plenty", "amount_gross_not_an_amount"),
        ("X1,1,2024-03-06,C1,P1,2,5.00", "document_date_after_delivery"),
        ("X1,1,1900-01-01,C1,P1,2,5.00", "document_date_too_early"),
        ("X1,1,2024-03-01,9.13E+17,P1,2,5.00", "code_in_scientific_notation"),
        ("X1,1,2024-03-01,C1,P1,2,", "amount_missing"),
        ("D001,1,2024-03-01,C1,P1,2,6.00", "duplicate_key"),
    ],
)
def test_each_kind_of_broken_row_is_counted_under_its_rule(office: Office, line: str, rule: str) -> None:
    office.export("订单_20240305.csv", orders(5, [line]))
    receipt, _ = office.judge()
    result = found(receipt, "sales_line", rule)
    assert receipt.status == "closed"
    assert result.rows_failed == (2 if rule == "duplicate_key" else 1)
    assert result.rows_checked == 6
    assert len(result.example_keys) == 1


def test_a_header_alone_and_an_unknown_customer_warn(office: Office) -> None:
    office.export("订单_20240305.csv", orders(3, ["X1,1,2024-03-01,C9,P1,2,5.00"]))
    office.export("回款_20240305.csv", "收款单号,客户编码,回款日期,回款额\n")
    receipt, _ = office.judge()
    assert receipt.status == "warned"
    assert found(receipt, "payment", "no_rows").example_keys == ("回款_20240305.csv",)
    assert found(receipt, "sales_line", "customer_id_not_in_customer").example_keys == ("C9",)


def test_a_wrong_check_digit_warns_and_keeps_the_row(office: Office) -> None:
    office.export("客户_20240305.csv", CUSTOMERS.replace("Y43", "Y44"))
    receipt, batch = office.judge()
    assert receipt.status == "warned"
    assert found(receipt, "customer", "uscc_check_digit").example_keys == ("C1",)
    assert batch[0].rows_accepted == 3


def test_nights_build_the_history_that_the_next_is_held_against(office: Office, tmp_path: Path) -> None:
    receipt: GateReceipt | None = None
    for night, count in enumerate((30, 30, 31, 5)):
        day = date(2024, 3, 2) + timedelta(days=night)
        folder = tmp_path / f"night{night}"
        folder.mkdir()
        (folder / f"客户_{day:%Y%m%d}.csv").write_text(CUSTOMERS, encoding="utf-8")
        (folder / f"订单_{day:%Y%m%d}.csv").write_text(
            orders(count).replace("2024-03-01", "2024-02-01"), encoding="utf-8"
        )
        receipt, _ = office.judge(day, folder)
    assert receipt is not None
    result = found(receipt, "sales_line", "row_count_unusual")
    assert receipt.status == "warned"
    assert result.observed == "orders of 2024-03-05: 5 rows, median of the last 3 deliveries 30"


@pytest.mark.real
def test_real_exports_pass_and_their_conflicts_are_named(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, real_data: Path
) -> None:
    office = Office(con, tmp_path, "superstore_zh")
    receipt, _ = office.judge(date(2017, 12, 31), real_data / "superstore_zh")
    assert receipt.status == "warned"
    assert {result.rule for result in receipt.failed} == {
        "region_conflicts", "province_conflicts", "city_conflicts", "product_name_conflicts"
    }  # fmt: skip
    assert found(receipt, "sales_line", "key_repeated").rows_checked == 10_000
    assert found(receipt, "sales_line", "customer_id_not_in_customer").rows_failed == 0

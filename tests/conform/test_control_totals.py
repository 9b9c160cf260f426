"""Printed totals against the rows they close."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kehu.tasks.control_totals import GRAND_TOTAL, SUBTOTAL, TOTAL, last_digit_unit, total_level
from tests.conform.conftest import World, feed

HEADER = "发票号,行号,开票日期,客户编码,产品编码,{amount}\n"


def report(*rows: str, amount: str = "金额") -> str:
    """A report: a number is a line of that amount; anything else is a total row `label=value`."""
    written = [HEADER.format(amount=amount)]
    for number, row in enumerate(rows, start=1):
        label, _, value = row.rpartition("=")
        quoted = f'"{value}"'
        written.append(f"{label},,,,,{quoted}\n" if label else f"F{number},1,2024-03-05,C1,P1,{quoted}\n")
    return "".join(written)


def held(world: World, text: str, **stated: Any) -> list[bool]:
    return [item.is_equal for item in world.conform(text, feed(), **stated).control_totals]


@pytest.mark.parametrize(
    ("rows", "verdicts"),
    [
        (("1.50", "2.50", "合计=4.00"), [True]),
        (("1.50", "2.50", "合计=4.02"), [False]),
        (("1.50", "2.50", "合计=4.01"), [True]),  # half a cent × 2 rows
        (("1.50", "2.50", "合计=4"), [True]),
        (("1.50", "2.50", "合计=5.1"), [False]),
        (("1", "2", "小计=3", "3", "4", "小计=7", "合计=10"), [True, True, True]),
        (("1", "2", "小计=3", "3", "4", "小计=9", "合计=10"), [True, False, True]),
        (("1", "2", "小计=3", "3", "4", "小计=7", "总计=12.0"), [True, True, False]),
        (("1", "2", "华东小计=3", "3", "华南小计=3", "总计=6"), [True, True, True]),
        (("1", "2", "本页合计=3", "3", "本页合计=3", "合计=6"), [True, True, True]),
        (("1", "2", "张三合计=3", "5", "李四合计=5", "合计=8"), [True, True, True]),
        (("1", "小计=1", "2", "小计=2", "合计=3", "4", "小计=4", "合计=4", "总计=7"), [True] * 6),
        (("合计=3", "1", "2"), [True]),  # some reports begin with it
        (("1", "2", "小计=3", "4", "小计=7"), [True, True]),  # a 小计 that runs on
        (("1", "2", "累计=99"), []),
        (("1", "2", "合计=—"), []),
        (("1", "2", "合计="), []),
        (("1", "2", "合计=#####"), [False]),
        (("1,000.00", "(200.00)", "合计=¥800.00"), [True]),
        (("1", "abc", "合计=3"), [False]),
        (("1", "abc", "合计=1"), [True]),
        (("合计=0",), [True]),
    ],
)
def test_a_total_closes_its_block(world: World, rows: tuple[str, ...], verdicts: list[bool]) -> None:
    assert held(world, report(*rows)) == verdicts


def test_the_sum_is_taken_before_anything_is_put_aside(world: World) -> None:
    text = report("1", "2", "合计=3").replace("2024-03-05", "本月底", 1)
    receipt = world.conform(text, feed())
    assert receipt.rows_quarantined == 1
    (item,) = receipt.control_totals
    assert (item.printed, item.summed, item.is_equal, item.rows, item.record) == (Decimal(3), Decimal(3), True, 2, 4)


def test_values_that_cannot_be_read_are_said(world: World) -> None:
    (item,) = world.conform(report("1", "abc", "合计=3"), feed()).control_totals
    assert (item.is_equal, item.unreadable, item.summed) == (False, 1, Decimal(1))


def test_totals_are_held_in_the_unit_of_the_file(world: World) -> None:
    good = report("1.234", "2.345", "合计=3.58", amount="金额(万元)")
    (item,) = world.conform(good, feed()).control_totals
    assert (item.printed, item.summed, item.tolerance, item.is_equal) == (
        Decimal(35800),
        Decimal(35790),
        Decimal(100),
        True,
    )
    assert held(world, report("1.234", "2.345", "合计=3.60", amount="金额(万元)"), name="bad.csv") == [False]


@pytest.mark.parametrize(
    ("printed", "factor", "unit"),
    [
        ("12.50", "1", "0.01"),
        ("12", "1", "1"),
        ("1,234.5", "10000", "1000"),
        ("1.2亿", "1", "10000000"),
        ("3万", "1", "10000"),
        ("１．５", "1", "0.1"),
    ],
)
def test_the_last_printed_digit(printed: str, factor: str, unit: str) -> None:
    assert last_digit_unit(printed, Decimal(factor)) == Decimal(unit)


@pytest.mark.parametrize(
    ("label", "level"),
    [
        ("小计", SUBTOTAL), ("(小计)", SUBTOTAL), ("本页合计:", SUBTOTAL), ("华东合计", SUBTOTAL), ("Subtotal",
        SUBTOTAL), ("合 计", TOTAL), ("合计：", TOTAL),
        ("金额合计", TOTAL), ("Total", TOTAL), ("总计", GRAND_TOTAL), ("总合计", GRAND_TOTAL), ("Grand Total",
        GRAND_TOTAL), ("本年累计", None),
    ],
)  # fmt: skip
def test_levels_of_labels(label: str, level: int | None) -> None:
    assert total_level(["", label, "12"]) == level

"""The truth file against a slow reference: every sum again from the printed files, row by row in decimals."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest

from kehu.tasks.demo_timeline import net_of_tax
from kehu.tasks.demo_truth import classes, quota_seats, window_start

from .conftest import Demo, day, number

MICRO = Decimal("0.000001")


def rate(text: str) -> Decimal:
    return Decimal(text.rstrip("%")) / 100 if text.endswith("%") else Decimal(text)


def summed(demo: Demo) -> dict[str, list[Decimal]]:
    """Customer → lines, lines without cost, net sales, gross profit of the window, after merges, from newest files."""
    moved = {merge["old_customer_id"]: merge["customer_id"] for merge in demo.truth["merges"]}
    begin = date.fromisoformat(demo.truth["window_start"])
    found: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    for entry in demo.facts("sales"):
        broken = {row["record"] for row in demo.truth["planted_rows"] if row["file"] == entry["file"]}
        for row in demo.rows(entry["file"]) if not entry["superseded_by"] else []:
            if int(row["#"]) in broken or row["单据状态"] != "已审核" or day(row["单据日期"]) < begin:
                continue
            code = row["客户编码"].strip()
            gross = number(row["价税合计(万元)"]) * 10_000
            net = (gross / (1 + rate(row["税率"]))).quantize(MICRO, ROUND_HALF_EVEN)
            has_cost = row["成本(万元)"] not in ("", "-")
            profit = net - number(row["成本(万元)"]) * 10_000 if has_cost else Decimal(0)
            sums = found[moved.get(code, code)]
            for place, value in enumerate((Decimal(1), Decimal(not has_cost), net, profit)):
                sums[place] += value
    return found


def test_sales_and_profit_of_every_customer_follow_from_the_files(demo: Demo) -> None:
    found = summed(demo)
    stated = {row["customer_id"]: row for row in demo.truth_table("classes.csv") if row["scored_party"] == "account"}
    assert set(found) <= set(stated)
    for code, row in stated.items():
        expected = [Decimal(row[name]) for name in ("lines", "lines_without_cost", "net_sales", "gross_profit")]
        assert found[code] == expected, code
    totals = demo.truth["totals"]
    assert sum(sums[2] for sums in found.values()) == Decimal(totals["net_sales"])
    assert sum(sums[3] for sums in found.values()) == Decimal(totals["gross_profit"])
    assert totals["lines_without_cost"] > 0


def test_what_is_received_follows_from_the_files(demo: Demo) -> None:
    begin = date.fromisoformat(demo.truth["window_start"])
    moved = {merge["old_customer_id"]: merge["customer_id"] for merge in demo.truth["merges"]}
    found: dict[str, Decimal] = defaultdict(Decimal)
    for entry in demo.facts("payments"):
        broken = {row["record"] for row in demo.truth["planted_rows"] if row["file"] == entry["file"]}
        for row in demo.rows(entry["file"]):
            if int(row["#"]) not in broken and day(row["回款日期"]) >= begin:
                code = row["客户编码"].strip()
                found[moved.get(code, code)] += number(row["回款金额"])
    for row in demo.truth_table("classes.csv"):
        if row["scored_party"] == "account":
            assert found[row["customer_id"]] == Decimal(row["received"])


ON_RECEIPT = {"电汇", "银行转账", "网银", "银行承兑汇票", "银承", "现金", "支票"}


def by_month(demo: Demo) -> dict[tuple[str, str], list[Decimal]]:
    """Customer and month → lines, lines without cost, net sales, gross profit, collected, from the printed files."""
    moved = {merge["old_customer_id"]: merge["customer_id"] for merge in demo.truth["merges"]}
    found: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 5)

    def place(row: dict[str, str], when: date) -> list[Decimal]:
        code = row["客户编码"].strip()
        return found[moved.get(code, code), f"{when:%Y-%m}"]

    for row in demo.good_rows("sales"):
        if row["单据状态"] == "已审核":
            net = (number(row["价税合计(万元)"]) * 10_000 / (1 + rate(row["税率"]))).quantize(MICRO, ROUND_HALF_EVEN)
            has_cost = row["成本(万元)"] not in ("", "-")
            profit = net - number(row["成本(万元)"]) * 10_000 if has_cost else Decimal(0)
            sums = place(row, day(row["单据日期"]))
            sums[:4] = [old + new for old, new in zip(sums, (1, not has_cost, net, profit), strict=False)]
    bounced = {row["收款单号"]: day(row["退票日期"]) for row in demo.good_rows("bounced_notes")}
    for row in demo.good_rows("payments"):
        counted = day(row["回款日期"] if row["结算方式"] in ON_RECEIPT else row["票据到期日"])
        back = bounced.get(row["收款单号"])
        if row["回款状态"] == "未到账" or (back and back <= counted):
            continue
        for when, sign in ((counted, 1), (back, -1)):
            if when and when <= demo.receipt.as_of:
                place(row, when)[4] += sign * number(row["回款金额"])
    return found


def test_every_month_of_every_customer_follows_from_the_files(demo: Demo) -> None:
    found = by_month(demo)
    stated = {(row["customer_id"], row["month"]): row for row in demo.truth_table("months.csv")}
    assert set(stated) == set(found)
    names = ("lines", "lines_without_cost", "net_sales", "gross_profit", "collected")
    for key, row in stated.items():
        assert [Decimal(row[name]) for name in names] == found[key], key
    assert sum(sums[4] for sums in found.values()) == Decimal(demo.truth["totals"]["collected"])
    assert [row["month"] for row in demo.truth_table("months.csv")] == sorted(month for _, month in found)
    parties = {row["customer_id"]: row for row in demo.truth_table("customers.csv")}
    for row in stated.values():
        for name in ("bill_to_customer_id", "group_customer_id"):
            assert row[name] == parties[row["customer_id"]][name]


def test_bounced_notes_are_counted_never_or_taken_back(demo: Demo) -> None:
    rows = [row for row in demo.truth_table("receipts.csv") if row["status"] == "bounced"]
    counted = {
        row["payment_id"]: row["received_date" if row["instrument"] == "bank_acceptance" else "note_due_date"]
        for row in rows
    }
    is_later = [row["status_date"] > counted[row["payment_id"]] for row in rows]
    assert any(is_later) and not all(is_later), "both kinds are planted"
    assert {"bank_acceptance", "commercial_acceptance"} <= {row["instrument"] for row in rows}


def test_the_window_is_a_sum_of_months(demo: Demo) -> None:
    net: dict[str, Decimal] = defaultdict(Decimal)
    for row in demo.truth_table("months.csv"):
        if row["month"] >= demo.truth["window_start"][:7]:
            net[row["customer_id"]] += Decimal(row["net_sales"])
    for row in demo.truth_table("classes.csv"):
        if row["scored_party"] == "account":
            assert net[row["customer_id"]] == Decimal(row["net_sales"])


def test_branches_are_rolled_up_to_their_head_office(demo: Demo) -> None:
    table = demo.truth_table("classes.csv")
    bill_to = {row["customer_id"]: row["bill_to_customer_id"] for row in demo.truth_table("customers.csv")}
    rolled: dict[str, Decimal] = defaultdict(Decimal)
    for row in table:
        if row["scored_party"] == "account":
            rolled[bill_to[row["customer_id"]]] += Decimal(row["net_sales"])
    stated = {row["customer_id"]: Decimal(row["net_sales"]) for row in table if row["scored_party"] == "bill_to"}
    assert rolled == stated
    assert any(code != head for code, head in bill_to.items())


def test_counts_of_classes_add_up(demo: Demo) -> None:
    for party, counted in demo.truth["parties"].items():
        rows = [row for row in demo.truth_table("classes.csv") if row["scored_party"] == party]
        ranked = [row for row in rows if Decimal(row["net_sales"]) > 0 and row["is_internal"] == "false"]
        for method in ("quota", "cumulative"):
            given = [row[f"sales_class_{method}"] for row in rows]
            assert {letter: given.count(letter) for letter in "ABC"} == counted[f"sales_{method}"]
            assert sum(counted[f"sales_{method}"].values()) == len(ranked)
        assert tuple(counted["sales_quota"].values()) == quota_seats(len(ranked))


@pytest.mark.parametrize(
    ("population", "seats"),
    [(0, (0, 0, 0)), (1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (4, (1, 2, 1)), (5, (1, 2, 2)), (6, (1, 3, 2)),
     (7, (1, 3, 3)), (8, (2, 3, 3)), (9, (2, 4, 3)), (10, (2, 4, 4)), (43, (9, 17, 17)), (100, (20, 40, 40))],
)  # fmt: skip
def test_quota_seats_are_those_of_the_ruling(population: int, seats: tuple[int, int, int]) -> None:
    assert quota_seats(population) == seats


def test_the_published_table_comes_out() -> None:
    sales = (
        "131 66 54 48 44 39 37 34 28 28 27 27 26 26 25 25 24 22 21 21 21 21 18 17 17 16 16 16 15 15 13 11 11 10 10 10 "
        "10 9 8 6 6 6 5"
    )
    found = classes([(f"{place:02d}", int(value) * 1000) for place, value in enumerate(sales.split())])
    by_share = [share for _, share in found.values()]
    assert [by_share.count(letter) for letter in "ABC"] == [12, 15, 16]


def test_a_customer_with_three_fifths_of_all_is_a() -> None:
    assert classes([("large", 60), ("b", 20), ("c", 20), ("none", 0), ("minus", -5)])["large"] == ("A", "A")


def test_tax_is_taken_out_half_to_even() -> None:
    random = np.random.default_rng(7)
    cents = np.concatenate([random.integers(-(10**10), 10**10, 3000), np.arange(-53, 54)])
    for percent in (13, 9, 6, 0):
        net = net_of_tax(cents, np.full(len(cents), percent))
        expected = [
            (Decimal(value) / 100 / (1 + Decimal(percent) / 100)).quantize(MICRO, ROUND_HALF_EVEN)
            for value in cents.tolist()
        ]
        assert [Decimal(value).scaleb(-6) for value in net.tolist()] == expected


@pytest.mark.parametrize(
    ("as_of", "begin"),
    [
        (date(2026, 3, 31), date(2025, 4, 1)),
        (date(2026, 3, 15), date(2025, 3, 16)),
        (date(2024, 2, 29), date(2023, 3, 1)),
        (date(2025, 2, 28), date(2024, 2, 29)),
        (date(2025, 12, 31), date(2025, 1, 1)),
    ],
)
def test_the_window_is_twelve_months(as_of: date, begin: date) -> None:
    assert window_start(as_of) == begin

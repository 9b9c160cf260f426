"""Broken rows: put aside within tolerance, above it the gate closes; keys and counts are shown, never a person."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from shop import DELIVERED, MAPPING, NO_SCORES, SALES_HEADER, Shop, as_csv

SALES = f"销售_{DELIVERED}.csv"


def broken(shop: Shop, column: int, text: str, *lines: int) -> None:
    """Write `text` into a column of these lines, the first being 1."""
    for line in lines:
        shop.sales[line - 1][column] = text
    shop.export()


def test_text_in_an_amount_is_put_aside_and_the_night_goes_on(shop: Shop) -> None:
    broken(shop, 5, "见附件", 7)
    summary = shop.published()
    assert summary["quarantined"] == 1 and summary["gate"] == "open"
    assert shop.sales_total() == 82_000 - 700
    listed = shop.kehu(shop.here("quarantine", "list", "--json")).summary["quarantine"]
    assert [(row["file_name"], row["rule"], row["row_count"], row["example_keys"]) for row in listed] == [
        (SALES, "amount_net_not_an_amount", 1, ["invoice/XS0007/1"])
    ]


def test_text_in_too_many_amounts_closes_the_gate(shop: Shop) -> None:
    broken(shop, 5, "见附件", 7, 8, 9)
    error = shop.refused(12, "gate_closed")
    assert error["rule"] == "sales_line.amount_net_not_an_amount" and error["count"] == 3
    assert "3 of 40" in str(error["details"]) and "invoice/XS0007/1" in str(error["details"])
    listed = shop.kehu(shop.here("quarantine", "list", "--json")).summary["quarantine"]
    assert sum(row["row_count"] for row in listed) == 3  # what the hint says to look at is there

    broken(shop, 5, "1.00", 7, 8, 9)  # the next night has the mended file and knows nothing of the refused one
    shop.published(*NO_SCORES)
    assert shop.deliveries() == [f"客户_{DELIVERED}.csv", SALES]
    assert shop.accepted() == 82_000 - 700 - 800 - 900 + 3


def test_a_closed_gate_leaves_the_published_night_alone(shop: Shop) -> None:
    shop.published()
    shop.sales.append(["XS0041", "1", "2024-03-31", "C001", "1", "100.00", ""])
    broken(shop, 5, "见附件", 1, 2, 3)
    shop.refused(12, "gate_closed")
    assert shop.sales_total() == 82_000
    with duckdb.connect(str(shop.warehouse), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM kehu.run_log").fetchall() == [(1,)]


def test_one_key_twice_with_different_content(shop: Shop) -> None:
    shop.sales.append([*shop.sales[0][:5], "55.00", ""])
    shop.export()
    summary = shop.published(*NO_SCORES)
    assert summary["quarantined"] == 2  # which of them is right, nobody knows
    row = next(row for row in summary["files"] if row["entity"] == "sales_line")
    assert (row["rows_data"], row["rows_accepted"], row["rows_quarantined"]) == (41, 39, 2)
    listed = shop.kehu(shop.here("quarantine", "list", "--json")).summary["quarantine"]
    assert [(row["rule"], row["row_count"], row["example_keys"]) for row in listed] == [
        ("duplicate_key", 2, ["invoice/XS0001/1"])
    ]


def test_the_same_row_twice_is_one(shop: Shop) -> None:
    shop.sales.append(shop.sales[0])
    shop.export()
    row = next(row for row in shop.published(*NO_SCORES)["files"] if row["entity"] == "sales_line")
    assert (row["rows_accepted"], row["rows_merged"]) == (40, 1)
    assert shop.accepted() == 82_000


@pytest.mark.parametrize(("column", "rule"), [(0, "document_id_required"), (3, "customer_id_required")])
def test_a_key_that_is_missing_too_often(shop: Shop, column: int, rule: str) -> None:
    broken(shop, column, "", 1, 2, 3)
    error = shop.refused(12, "gate_closed")
    assert rule in str(error["rule"]) and error["count"] >= 3


def test_a_wrong_totals_row(shop: Shop) -> None:
    total = ["合计", "", "", "", "40", "82000.00", ""]
    shop.write(SALES, as_csv(SALES_HEADER, [*shop.sales, total]))
    assert shop.kehu(shop.night("--json", command="check")).summary["gate"] == "open"
    total[5] = "82100.00"
    shop.write(SALES, as_csv(SALES_HEADER, [*shop.sales, total]))
    error = shop.refused(12, "gate_closed")
    assert SALES in str(error["details"])
    assert "82100" in str(error["details"]) and "82000" in str(error["details"])


def test_a_date_after_delivery(shop: Shop) -> None:
    broken(shop, 2, "2024-04-02", 5)
    summary = shop.published(*NO_SCORES)
    assert summary["quarantined"] == 1
    listed = shop.kehu(shop.here("quarantine", "list", "--json")).summary["quarantine"]
    assert [row["rule"] for row in listed] == ["document_date_after_delivery"]
    broken(shop, 2, "2024-04-02", 6, 7)
    error = shop.refused(12, "gate_closed")
    assert error["rule"] == "sales_line.document_date_after_delivery" and error["count"] == 3


def test_a_date_after_the_judged_day_is_no_error(shop: Shop) -> None:
    outcome = shop.run("--as-of", "2024-03-28", *NO_SCORES)  # the later option counts
    row = next(row for row in outcome.summary["files"] if row["entity"] == "sales_line")
    later = sum(line[2] > "2024-03-28" for line in shop.sales)
    assert (row["rows_later"], row["rows_accepted"]) == (later, 40 - later)


def test_more_fields_than_headers(shop: Shop) -> None:
    shop.sales[2].append("多余")
    shop.export()
    assert shop.published(*NO_SCORES)["quarantined"] == 1
    listed = shop.kehu(shop.here("quarantine", "list", "--json")).summary["quarantine"]
    assert [row["rule"] for row in listed] == ["too_many_fields"]


def test_customers_who_merged_in_a_circle(shop: Shop) -> None:
    feed = "  aliases:\n    match: 合并_*.csv\n    mode: upsert\n    feeds:\n      - entity: customer_alias\n"
    columns = "        columns: {old_customer_id: 旧编码, customer_id: 新编码, from_date: 日期}\n"
    shop.map(MAPPING + feed + columns)
    shop.write(f"合并_{DELIVERED}.csv", "旧编码,新编码,日期\nC001,C002,2024-01-05\nC002,C001,2024-02-05\n")
    error = shop.refused(11, "customer_alias_cycle")
    assert "C001" in str(error)


def test_head_offices_in_a_circle_where_groups_are_scored(shop: Shop) -> None:
    shop.map(MAPPING.replace("          customer_name: 客户名称\n", "          parent_customer_id: 上级\n"))
    shop.write(f"客户_{DELIVERED}.csv", "客户编码,上级\nC001,C002\nC002,C003\nC003,C001\n")
    stated = "{value: group, reason: r, owner: o, source: s}"
    shop.policy(f"party:\n  scored:\n    values:\n      2024-01-01: {stated}\n")
    error = shop.refused(11, "customer_group_cycle")
    assert error["count"] == 3 and "C001" in str(error)


def test_nothing_about_persons_on_the_terminal(shop: Shop, tmp_path: Path) -> None:
    broken(shop, 5, "见附件", 7, 8, 9)
    shown = shop.kehu(shop.night())
    assert shown.exit_code == 12
    assert "欧阳" not in shown.out + shown.err and "见附件" not in shown.out + shown.err

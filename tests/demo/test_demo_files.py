"""The demo's files hold what the truth file says, read by a plain reader of their own."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from .conftest import CUSTOMERS, MONTHS, Demo, day, make_demo, number

AMOUNTS = {"sales_line": ("数量", "价税合计(万元)", "成本(万元)"), "payment": ("回款金额",)}
DAYS = {"sales_line": "单据日期", "payment": "回款日期"}


def planted(demo: Demo, file: str) -> dict[str, str]:
    return {str(row["record"]): row["rule"] for row in demo.truth["planted_rows"] if row["file"] == file}


def is_mended_by_hand(demo: Demo, entry: dict[str, Any]) -> bool:
    return entry["entity"] == "sales_line" and bool(planted(demo, entry["file"]))


def readable(text: str) -> Decimal:
    return Decimal(0) if text in ("", "-", "见附件") else number(text)


def monthly(demo: Demo) -> list[dict[str, Any]]:
    return [*demo.facts("sales_line"), *demo.facts("payment")]


def test_every_month_has_its_files_and_one_came_twice(demo: Demo) -> None:
    sales = demo.facts("sales_line")
    assert len(sales) == MONTHS + 1
    assert len(demo.facts("payment")) == MONTHS
    (early,) = [entry for entry in sales if entry["superseded_by"]]
    assert early["superseded_by"].split("_")[1] == early["file"].split("_")[1]
    assert early["file"] < early["superseded_by"]
    assert {path.name for path in demo.folder.iterdir()} == {entry["file"] for entry in demo.truth["files"]}
    assert {path.name for path in demo.receipt.files} == {entry["file"] for entry in demo.truth["files"]}


def test_the_truth_lies_outside_the_exports(demo: Demo) -> None:
    assert demo.receipt.truth.parent == demo.folder.with_name("exports.truth")


def test_document_files_are_gbk_with_windows_line_ends(demo: Demo) -> None:
    for entry in monthly(demo):
        content = (demo.folder / entry["file"]).read_bytes()
        content.decode("gbk")
        with pytest.raises(UnicodeDecodeError):
            content.decode("utf-8")
        assert content.count(b"\n") == content.count(b"\r\n")


def test_records_are_counted_by_class(demo: Demo) -> None:
    for entry in monthly(demo):
        header, *records = demo.records(entry["file"])
        counted = {
            "rows_header": 1 + records.count(header),
            "rows_blank": sum(not any(record) for record in records),
            "rows_total": sum(record[0] == "合计" for record in records),
            "rows_data": len(demo.rows(entry["file"])),
        }
        assert counted == {name: entry[name] for name in counted}, entry["file"]
        # The file with the broken rows has lost its total row.
        assert counted["rows_total"] == (not is_mended_by_hand(demo, entry)), entry["file"]
        assert all(len(record) == len(header) for record in records)
    assert any(entry["rows_blank"] and entry["rows_header"] > 1 for entry in demo.facts("sales_line"))


def test_the_total_row_is_the_sum_of_all_rows_in_the_unit_of_the_file(demo: Demo) -> None:
    for entry in monthly(demo):
        if is_mended_by_hand(demo, entry):
            continue
        records = demo.records(entry["file"])
        total = dict(zip(records[0], records[-1], strict=True))
        assert records[-1][0] == "合计"
        for header in AMOUNTS[entry["entity"]]:
            summed = sum((readable(row[header]) for row in demo.rows(entry["file"])), Decimal(0))
            assert number(total[header]) == summed == Decimal(entry["sums"][header]), (entry["file"], header)


def test_an_invoice_line_is_quantity_times_price(demo: Demo) -> None:
    for entry in demo.facts("sales_line"):
        broken = planted(demo, entry["file"])
        for row in demo.rows(entry["file"]):
            if row["#"] not in broken:
                assert number(row["数量"]) * number(row["单价"]) == number(row["价税合计(万元)"]) * 10_000


def test_no_date_lies_outside_its_month_or_after_its_delivery_but_the_planted_one(demo: Demo) -> None:
    for entry in monthly(demo):
        broken = planted(demo, entry["file"])
        delivered = date.fromisoformat(entry["delivered_date"])
        assert entry["file"].endswith(f"_{delivered:%Y%m%d}.csv")
        for row in demo.rows(entry["file"]):
            rule = broken.get(row["#"])
            if rule and rule.endswith("_not_a_date"):
                continue
            dated = day(row[DAYS[entry["entity"]]])
            assert (dated > delivered) == (rule == "document_date_after_delivery")
            if rule is None:
                assert f"{dated:%Y%m}" == entry["file"].split("_")[1]
        assert delivered <= demo.receipt.as_of


def test_broken_rows_stand_where_the_truth_says(demo: Demo) -> None:
    shown = {}
    for row in demo.truth["planted_rows"]:
        if row["rule"] != "uscc_check_digit":
            records = demo.records(row["file"])
            cells = dict(zip(records[0], records[row["record"] - 1], strict=True))
            assert cells.get("单据编号", cells.get("收款单号")) == row["key"]
            shown[row["rule"] + (" of a payment" if "收款单号" in cells else "")] = cells
    assert shown["amount_gross_not_an_amount"]["价税合计(万元)"] == "见附件"
    assert shown["document_date_not_a_date"]["单据日期"] == "待定"
    assert shown["code_in_scientific_notation"]["客户编码"] == "4.403E+11"
    assert shown["customer_id_required"]["客户编码"] == ""
    assert "document_date_after_delivery" in shown
    assert shown["received_date_not_a_date of a payment"]["回款日期"] == "月底"
    assert shown["customer_id_required of a payment"]["客户编码"] == ""
    assert len(shown) == 7
    assert demo.receipt.planted_rows == len(demo.truth["planted_rows"]) == 8
    assert {row["outcome"] for row in demo.truth["planted_rows"]} == {"quarantined", "accepted"}


def test_keys_are_unique_and_refer_to_the_masters(demo: Demo) -> None:
    customers = {row["客户编码"]: row for row in workbook(demo, "客户档案")}
    owners = {row["业务员编码"] for row in workbook(demo, "业务员")}
    products = {row["产品编码"] for row in workbook(demo, "产品目录")}
    assert len(customers) == demo.receipt.customers >= CUSTOMERS
    assert {row["业务员编码"] for row in customers.values()} <= owners
    assert {row["上级客户编码"] for row in customers.values() if row["上级客户编码"]} <= set(customers)
    keys = []
    for entry in demo.facts("sales_line"):
        broken = planted(demo, entry["file"])
        good = [row for row in demo.rows(entry["file"]) if row["#"] not in broken]
        assert {row["客户编码"].strip() for row in good} <= set(customers)
        assert {row["产品编码"] for row in good} <= products
        keys += [(row["单据编号"], row["行号"]) for row in good if not entry["superseded_by"]]
    assert len(keys) == len(set(keys)) == demo.receipt.lines


def test_returns_and_receipts_refer_to_earlier_invoices_of_the_customer(demo: Demo) -> None:
    moved = {merge["old_customer_id"]: merge["customer_id"] for merge in demo.truth["merges"]}
    first_month, early = demo.facts("sales_line")[0]["file"].split("_")[1], 0
    invoices = {}
    for entry in demo.facts("sales_line"):
        if entry["superseded_by"]:
            continue
        for row in demo.rows(entry["file"]):
            if row["#"] in planted(demo, entry["file"]):
                continue
            code = row["客户编码"].strip()
            invoices[row["单据编号"]] = (day(row["单据日期"]), moved.get(code, code))
            assert (row["是否退货"] == "是") == (number(row["数量"]) < 0)
            if row["原单据编号"] and row["原单据编号"][2:8] >= first_month:
                assert invoices[row["原单据编号"]][0] < day(row["单据日期"])
                assert invoices[row["原单据编号"]][1] == moved.get(code, code)
    for entry in demo.facts("payment"):
        for row in demo.rows(entry["file"]):
            if row["#"] in planted(demo, entry["file"]):
                continue
            code = row["客户编码"].strip()
            if row["核销发票号"][2:8] < first_month:
                early += 1
                continue
            dated, customer = invoices[row["核销发票号"]]
            assert dated <= day(row["回款日期"])
            assert customer == moved.get(code, code)
            assert bool(row["票据到期日"]) == (
                row["结算方式"] in {"银行承兑汇票", "银承", "商业承兑汇票", "商承", "供应链票据", "云信"}
            )
    assert early, "receipts for invoices from before the export"


def test_the_corrected_month_differs_from_its_first_delivery(demo: Demo) -> None:
    (early,) = [entry for entry in demo.facts("sales_line") if entry["superseded_by"]]
    before, after = (
        {(row["单据编号"], row["行号"]): number(row["数量"]) for row in demo.rows(file)}
        for file in (early["file"], early["superseded_by"])
    )
    assert {document for document, _ in after} - {document for document, _ in before}, "invoices entered late"
    assert {document for document, _ in before} - {document for document, _ in after}, "an invoice withdrawn"
    assert any(before[key] != after[key] for key in before.keys() & after.keys()), "quantities mended"


def workbook(demo: Demo, kind: str) -> list[dict[str, Any]]:
    """The rows of a workbook by header, below its two title rows."""
    (path,) = demo.folder.glob(f"{kind}_*.xlsx")
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    title, printed, header, *rows = sheet.to_python()
    assert sheet.name == title[0] == kind
    assert str(printed[0]).startswith("导出时间：2026-03-31")
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_workbooks_have_title_rows_texts_and_real_dates(demo: Demo) -> None:
    customers = workbook(demo, "客户档案")
    assert all(isinstance(row["客户编码"], str) for row in customers)
    assert {row["客户编码"] for row in customers} >= {"0101", "0102"}, "leading zeros"
    assert all(isinstance(row["创建日期"], date) for row in customers)
    assert all(row["创建日期"] <= (row["首次成交日期"] or row["创建日期"]) <= demo.receipt.as_of for row in customers)
    assert all(row["入职日期"] < (row["离职日期"] or demo.receipt.as_of) for row in workbook(demo, "业务员"))
    assert "䶮" in "".join(row["业务员"] for row in workbook(demo, "业务员")), "a name of four GB18030 bytes"


def test_moved_codes_stop_and_their_successors_go_on(demo: Demo) -> None:
    merges = {merge["old_customer_id"]: merge for merge in demo.truth["merges"]}
    (file,) = [entry["file"] for entry in demo.facts("customer_alias")]
    assert demo.folder.joinpath(file).read_bytes().startswith(b"\xef\xbb\xbf")
    listed = {row["原客户编码"]: (row["客户编码"], row["生效日期"]) for row in demo.rows(file)}
    assert listed == {old: (merge["customer_id"], merge["from_date"]) for old, merge in merges.items()}
    assert {merge["is_renamed"] for merge in merges.values()} == {True, False}
    assert not {merge["customer_id"] for merge in merges.values()} & set(merges), "no chains"
    latest = {row["customer_id"]: row["last_document_date"] for row in demo.truth_table("customers.csv")}
    for old, merge in merges.items():
        assert latest[old] < merge["from_date"]
    assert any(latest[merge["customer_id"]] >= merge["from_date"] for merge in merges.values() if merge["is_renamed"])


def test_a_clean_demo_is_the_same_trade_without_dirt(demo: Demo, tmp_path: Any) -> None:
    clean = make_demo(tmp_path / "clean", customers=CUSTOMERS, months=MONTHS, clean=True)
    assert clean.truth_table("classes.csv") == demo.truth_table("classes.csv")
    assert clean.truth["totals"] == demo.truth["totals"]
    assert clean.truth["planted_rows"] == []
    assert not any(
        entry["superseded_by"] or entry["rows_total"] or entry["rows_title"] for entry in clean.truth["files"]
    )
    for entry in monthly(clean):
        assert (clean.folder / entry["file"]).read_bytes().decode("utf-8").count("\r") == 0
        for row in clean.rows(entry["file"]):
            assert date.fromisoformat(row[DAYS[entry["entity"]]]) <= clean.receipt.as_of
            assert all(Decimal(row[header]) for header in AMOUNTS[entry["entity"]] if row[header])

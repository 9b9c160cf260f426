"""From a file to typed rows: where columns come from, what becomes of each row, what the receipt says."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from kehu.config.errors import InputError, SettingsError
from kehu.config.policy import PolicyBook
from kehu.config.sources import ColumnSource, DropRule
from kehu.schemas.expectations import row_expectations
from kehu.schemas.rendering import arrow_schema
from kehu.schemas.tables import CUSTOMER, ENTITIES, SALES_LINE
from kehu.tasks import conform
from kehu.tasks.row_rules import social_credit_code_breaks
from tests.conform.conftest import DELIVERED, World, broken, expression, feed, outcomes, source, total

HEADER = "发票号,行号,开票日期,客户编码,数量,金额\n"
LINE = feed()


def line(
    number: int,
    *,
    document: str = "F1",
    day: str = "2024-03-05",
    customer: str = "C1",
    quantity: str = "2",
    amount: str = "10",
) -> str:
    return f"{document},{number},{day},{customer},{quantity},{amount}\n"


# --- columns ----------------------------------------------------------------------------------------------------------


def test_headers_are_found_by_the_contract(world: World) -> None:
    receipt = world.conform(HEADER + line(1), LINE)
    columns = "source, company_id, document_type, document_id, line_id, document_date, customer_id, quantity"
    assert world.rows(receipt, f"{columns}, amount_tax_unknown, currency, source_row, delivery_id") == [
        (
            "erp",
            "main",
            "invoice",
            "F1",
            "1",
            date(2024, 3, 5),
            "C1",
            Decimal(2),
            Decimal(10),
            "CNY",
            2,
            receipt.delivery_id,
        )
    ]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda table: table.name)
def test_accepted_rows_have_exactly_the_types_of_the_contract(world: World, entity: Any) -> None:
    given = {"date": "2024-03-05", "flag": "是", "amount": "1", "quantity": "1", "ratio": "0.1", "count": "1"}
    columns = [c for c in entity.columns if c.name not in ("source", "delivery_id", "source_row", "is_tax_assumed")]
    texts = [
        c.codes.codes[0] if c.codes else "CNY" if c.name == "currency" else given.get(c.type.name, "x") for c in columns
    ]
    text = ",".join(c.name for c in columns) + "\n" + ",".join(texts) + "\n"
    receipt = world.conform(text, feed(entity.name, constants={}))
    assert receipt.rows_data == 1
    for kind in ("accepted", "flagged"):
        written = pq.read_schema(world.home / receipt.directory / f"{kind}.parquet")
        expected = arrow_schema(entity)
        assert [(name, written.field(name).type) for name in entity.column_names] == [
            (c.name, c.type) for c in expected
        ]
    flags = [name for name in written.names if name.startswith("broken__")]
    assert flags == [f"broken__{rule.rule}" for rule in row_expectations(entity)]


def test_the_mapping_wins_over_synonyms_and_takes_its_header_away_from_them(world: World) -> None:
    text = "发票号,行号,开票日期,客户编码,购货单位编码,金额\nF1,1,2024-03-05,C1,C9,5\n"
    receipt = world.conform(text, feed(columns={"customer_id": "购货单位编码", "ship_to_customer_id": "客户编码"}))
    assert world.rows(receipt, "customer_id, ship_to_customer_id") == [("C9", "C1")]
    assert receipt.key_headers == ("发票号", "行号")


def test_headers_nobody_takes_are_listed(world: World) -> None:
    receipt = world.conform("发票号,行号,开票日期,客户编码,金额,仓库,备注\nF1,1,2024-03-05,C1,5,w,n\n", LINE)
    assert receipt.unmapped_headers == ("仓库", "备注")


def test_expressions_are_exact_and_see_raw_texts(world: World) -> None:
    text = "No,Date,Customer,Qty,Price\nC7,2024-03-05,17850.0,-3,1234567.123456\n8,2024-03-05,A1,999999.5,999999.5\n"
    columns = {
        "document_id": "No", "document_date": "Date", "customer_id": "Customer", "quantity": "Qty",
        "amount_tax_unknown": expression('amount("Qty") * amount("Price")'),
        "is_return": expression("starts_with(code(\"No\"), 'C')"),
    }  # fmt: skip
    receipt = world.conform(text, feed(columns=columns))
    assert world.rows(receipt, "customer_id, amount_tax_unknown, is_return") == [
        ("A1", Decimal("999999000000.25"), False),
        ("17850", Decimal("-3703701.370368"), True),
    ]


def test_a_product_of_six_decimals_is_rounded_once_and_counted(world: World) -> None:
    text = (
        "No,Date,Customer,Qty,Price\n1,2024-03-05,A,0.001,0.0005\n2,2024-03-05,A,0.001,0.0015\n3,2024-03-05,A,1,0.5\n"
    )
    columns = {
        "document_id": "No", "document_date": "Date", "customer_id": "Customer",
        "amount_tax_unknown": expression('amount("Qty") * amount("Price")'),
    }  # fmt: skip
    receipt = world.conform(text, feed(columns=columns))
    assert [row[0] for row in world.rows(receipt, "amount_tax_unknown")] == [
        Decimal(0),
        Decimal("0.000002"),
        Decimal("0.5"),
    ]
    assert receipt.values_rounded == 2


def test_an_expression_over_a_text_breaks_the_rule_of_its_column(world: World) -> None:
    text = "No,Date,Customer,Pieces,Price\n1,2024-03-05,A,abc,1\n2,2024-03-05,A,,1\n3,2024-03-05,A,2,1\n"
    columns = {
        "document_id": "No", "document_date": "Date", "customer_id": "Customer",
        "amount_tax_unknown": expression('amount("Pieces") * amount("Price")'),
    }  # fmt: skip
    receipt = world.conform(text, feed(columns=columns))
    assert broken(receipt) == {"amount_tax_unknown_not_an_amount": 1, "amount_missing": 1}


def test_units_of_header_mapping_and_title(world: World) -> None:
    rows = "F1,1,2024-03-05,C1,2,1.5,3\n"
    by_header = "发票号,行号,开票日期,客户编码,数量,金额(万元),单价\n"
    receipt = world.conform(by_header + rows, LINE)
    assert world.rows(receipt, "quantity, amount_tax_unknown, unit_price") == [(Decimal(2), Decimal(15000), Decimal(3))]
    plain = "发票号,行号,开票日期,客户编码,数量,金额,单价\n"
    receipt = world.conform(plain + rows, LINE, name="b.csv", unit="千元")
    assert world.rows(receipt, "quantity, amount_tax_unknown, unit_price") == [(Decimal(2), Decimal(1500), Decimal(3))]
    stated = feed(columns={"unit_price": ColumnSource(header="单价", unit_factor=Decimal(10000))})
    receipt = world.conform("报表\n单位:万元\n" + plain + rows, stated, name="c.csv")
    assert world.rows(receipt, "quantity, amount_tax_unknown, unit_price") == [
        (Decimal(2), Decimal(15000), Decimal(30000))
    ]


def test_code_lists_are_translated(world: World) -> None:
    text = "客户编码,客户名称,客户类型,客户状态\n1,a,经销商,启用\n2,b,Corporate,停用\n3,c,外星人,-\n"
    receipt = world.conform(text, feed("customer"))
    assert world.rows(receipt, "customer_type, customer_status") == [("channel", "active"), ("b2b", "stopped")]
    assert broken(receipt) == {"customer_type_unknown_code": 1}


def test_percent_in_the_header_of_a_rate(world: World) -> None:
    text = "发票号,行号,开票日期,客户编码,价税合计,税率(%)\nF1,1,2024-03-05,C1,113,13\nF1,2,2024-03-05,C1,100.5,0.5\n"
    receipt = world.conform(text, LINE)
    assert world.rows(receipt, "tax_rate, amount_net, is_tax_assumed") == [
        (Decimal("0.13"), Decimal(100), False),
        (Decimal("0.005"), Decimal(100), False),
    ]


# --- tax and signs ----------------------------------------------------------------------------------------------------


def test_gross_becomes_net_by_the_line_the_source_or_the_dated_policy(world: World) -> None:
    text = (
        "发票号,行号,开票日期,客户编码,金额,税率\nF1,1,2018-01-01,C1,117,\nF1,2,2018-06-01,C1,116,\nF1,3,2024-03-05,C1,113,\n"
        "F1,4,2024-03-05,C1,106,6%\nF1,5,2024-03-05,C1,100,\n"
    )
    receipt = world.conform(text, LINE, tax="included")
    assert world.rows(receipt, "amount_gross, amount_net, is_tax_assumed, amount_tax_unknown") == [
        (Decimal(117), Decimal(100), True, None),
        (Decimal(116), Decimal(100), True, None),
        (Decimal(113), Decimal(100), True, None),
        (Decimal(106), Decimal(100), False, None),
        (Decimal(100), Decimal("88.495575"), True, None),
    ]
    receipt = world.conform(text, LINE, tax="included", tax_rate=Decimal("0.25"), name="own.csv")
    assert world.rows(receipt, "amount_net")[4] == (Decimal(80),)


def test_where_the_policy_is_blank_no_earlier_rate_lives_on(world: World) -> None:
    """Blank from 2024 on: a gross amount cannot be converted any more, a foreign one neither."""
    text = "发票号,行号,开票日期,客户编码,金额,币种\nF1,1,2023-12-31,C1,113,\nF1,2,2024-01-01,C1,113,\n"
    text += "F1,3,2023-12-31,C1,113,USD\nF1,4,2024-01-01,C1,113,USD\n"
    folder = world.home.parent / "policy"
    folder.mkdir()
    about = "reason: r, owner: o, source: s"
    (folder / "own.yaml").write_text(
        f"sales:\n  tax_rate_assumed:\n    values:\n      2024-01-01: {{value: , {about}}}\n"
        f"currency:\n  rates:\n    values:\n      2023-01-01: {{value: {{USD: 7}}, {about}}}\n"
        f"      2024-01-01: {{value: {{}}, {about}}}\n"
    )
    own = replace(world, policy=PolicyBook.load(folder).on(DELIVERED))
    receipt = own.conform(text, LINE, tax="included")
    assert world.rows(receipt, "line_id, amount_net") == [("1", Decimal(100)), ("3", Decimal(100))]
    assert broken(receipt) == {"rate_missing": 1, "tax_rate_missing": 2}


def test_net_becomes_gross(world: World) -> None:
    receipt = world.conform(HEADER + line(1, amount="100"), LINE, tax="excluded")
    assert world.rows(receipt, "amount_gross, amount_net, is_tax_assumed") == [(Decimal(113), Decimal(100), True)]


def test_unknown_tax_stays_unknown_and_is_never_beside_a_known_amount(world: World) -> None:
    receipt = world.conform(HEADER + line(1), LINE)
    assert world.rows(receipt, "amount_gross, amount_net, amount_tax_unknown, is_tax_assumed") == [
        (None, None, Decimal(10), None)
    ]
    text = "发票号,行号,开票日期,客户编码,金额,价税合计,不含税金额\nF1,1,2024-03-05,C1,100,113,100\n"
    receipt = world.conform(text, LINE, name="both.csv")
    assert world.rows(receipt, "amount_gross, amount_net, amount_tax_unknown, is_tax_assumed") == [
        (Decimal(113), Decimal(100), None, False)
    ]


def test_profit_is_net_amount_less_cost_where_the_export_has_none(world: World) -> None:
    header = "发票号,行号,开票日期,客户编码,不含税金额,成本,毛利\n"
    text = header + "F1,1,2024-03-05,C1,100,60,\nF1,2,2024-03-05,C1,100,,\nF1,3,2024-03-05,C1,100,60,39\n"
    receipt = world.conform(text, LINE)
    assert [row[0] for row in world.rows(receipt, "gross_profit_net")] == [Decimal(40), None, Decimal(39)]


def test_red_letters_without_sign_count_negative(world: World) -> None:
    text = "发票号,行号,开票日期,客户编码,数量,金额,红字\nF1,1,2024-03-05,C1,2,10,蓝字\n"
    text += "F2,1,2024-03-05,C1,2,10,红字\nF3,1,2024-03-05,C1,-2,-10,红字\n"
    receipt = world.conform(text, LINE)
    assert world.rows(receipt, "quantity, amount_tax_unknown, is_return") == [
        (Decimal(2), Decimal(10), False),
        (Decimal(-2), Decimal(-10), True),
        (Decimal(-2), Decimal(-10), True),
    ]


def test_a_signed_return_turns_its_unsigned_cost_too(world: World) -> None:
    text = "发票号,行号,开票日期,客户编码,数量,不含税金额,成本,红字\nF1,1,2024-03-05,C1,2,-100,80,红字\n"
    text += "F2,1,2024-03-05,C1,2,100,80,红字\nF3,1,2024-03-05,C1,-2,-100,-80,红字\n"
    receipt = world.conform(text, LINE)
    returned = (Decimal(-2), Decimal(-100), Decimal(-80), Decimal(-20))
    assert world.rows(receipt, "quantity, amount_net, cost_net, gross_profit_net") == [returned] * 3


# --- row rules, each with the dirt that breaks it ---------------------------------------------------------------------

SALES = (
    "document_type,document_id,line_id,document_date,customer_id,quantity,amount_gross,line_kind,tax_rate,currency,"
    "is_return,product_id\n"
)


@pytest.mark.parametrize(
    ("row", "rules"),
    [
        ("invoice,F1,1,2024-03-05,C1,1,5,goods,0.13,CNY,否,P1", set()),
        ("invoice,,1,2024-03-05,C1,1,5,goods,,,,", {"document_id_required"}),
        ("invoice,F1,,2024-03-05,C1,1,5,goods,,,,", {"line_id_required"}),
        ("invoice,F1,1,,C1,1,5,goods,,,,", {"document_date_required"}),
        ("invoice,F1,1,本月底,C1,1,5,goods,,,,", {"document_date_not_a_date"}),
        ("invoice,F1,1,0000-00-00,C1,1,5,goods,,,,", {"document_date_required"}),
        ("invoice,F1,1,1900-01-00,C1,1,5,goods,,,,", {"document_date_too_early", "tax_rate_missing"}),
        ("invoice,F1,1,1900-01-01,C1,1,5,goods,,,,", {"document_date_too_early"}),
        ("invoice,F1,1,2024-04-01,C1,1,5,goods,,,,", {"document_date_after_delivery"}),
        ("invoice,F1,1,2024-03-31,C1,1,5,goods,,,,", set()),
        ("invoice,F1,1,2024-03-05,无,1,5,goods,,,,", {"customer_id_required"}),
        ("invoice,F1,1,2024-03-05,C1,两个,5,goods,,,,", {"quantity_not_a_quantity"}),
        ("invoice,F1,1,2024-03-05,C1,1,见附件,goods,,,,", {"amount_gross_not_an_amount"}),
        ("invoice,F1,1,2024-03-05,C1,1,—,goods,,,,", {"amount_missing"}),
        ("invoice,F1,1,2024-03-05,C1,1,9999999999999,goods,,,,", {"amount_gross_not_an_amount"}),
        ("退单,F1,1,2024-03-05,C1,1,5,goods,,,,", {"document_type_unknown_code"}),
        ("invoice,F1,1,2024-03-05,C1,1,5,赠送,,,,", {"line_kind_unknown_code"}),
        ("invoice,F1,1,2024-03-05,C1,1,5,goods,1300,,,", {"tax_rate_too_large"}),
        ("invoice,F1,1,2024-03-05,C1,1,5,goods,-0.1,,,", {"tax_rate_too_small"}),
        ("invoice,F1,1,2024-03-05,C1,1,5,goods,免税,,,", {"tax_rate_not_a_ratio"}),
        ("invoice,F1,1,2024-03-05,C1,1,5,goods,,美刀,,", {"currency_malformed", "rate_missing"}),
        ("invoice,F1,1,2024-03-05,C1,1,5,goods,,美元,,", {"rate_missing"}),
        ("invoice,F1,1,2024-03-05,C1,1,5,goods,,人民币,,", set()),
        ("invoice,F1,1,2024-03-05,C1,1,5,goods,,,大概,", {"is_return_not_a_flag"}),
        ("invoice,F1,1,2024-03-05,9.13E+17,1,5,goods,,,,", {"code_in_scientific_notation"}),
        ("invoice,F1,1,2024-03-05,1E5,1,1E5,goods,,,,", set()),
        ("invoice,F1,1,2024-03-05,C1,1,5,goods,,,,P1,zu viel", {"too_many_fields"}),
        ("invoice,,,,,x,y,,,,,", {"document_id_required", "line_id_required", "document_date_required",
                                  "customer_id_required",
                                  "quantity_not_a_quantity", "amount_gross_not_an_amount"}),
    ],
)  # fmt: skip
def test_a_row_breaks_exactly_these_rules(world: World, row: str, rules: set[str]) -> None:
    receipt = world.conform(SALES + row + "\n", feed(constants={}))
    assert set(broken(receipt)) == rules
    assert receipt.rows_quarantined == bool(rules)
    assert receipt.rows_accepted == (not rules)


def test_dates_that_may_lie_ahead(world: World) -> None:
    text = "收款单号,客户编码,回款日期,回款金额,票据到期日\nR1,C1,2024-03-05,5,2024-09-05\n"
    assert broken(world.conform(text, feed("payment"))) == {}


def test_a_wrong_tax_number_warns_and_keeps_the_customer(world: World) -> None:
    # The first ends in its check digit (GB 32100-2015), the second in another; the third is an old 15-digit number.
    text = "客户编码,统一社会信用代码\n1,91350100m000100y43\n2,91350100M000100Y44\n3,110108123456789\n"
    receipt = world.conform(text, feed("customer"))
    assert world.rows(receipt, "uscc", "flagged")[0] == ("91350100M000100Y43",)
    assert [row[0] for row in world.rows(receipt, "broken__uscc_check_digit", "flagged")] == [False, True, False]
    assert receipt.rows_accepted + receipt.rows_quarantined == 3


def test_every_rule_of_every_entity_has_a_condition() -> None:
    from kehu.tasks.row_rules import RowContext, row_rules

    context = RowContext(date(2024, 1, 1), "CNY", ((date(2024, 1, 1), ("USD",)),), {}, "FALSE", "FALSE", "FALSE")
    for table in ENTITIES:
        assert [rule.name for rule in row_rules(table, context)] == [rule.rule for rule in row_expectations(table)]


def test_the_first_rule_is_the_reason_and_all_rules_stand_with_the_row(world: World) -> None:
    text = HEADER + "F1,1,2024-03-05,,两个,5\n" + line(2)
    receipt = world.conform(text, LINE)
    assert outcomes(receipt) == {("accepted", ""): 1, ("quarantined", "customer_id_required"): 1}
    assert world.rows(receipt, "*", "quarantined") == [
        (2, "customer_id_required,quantity_not_a_quantity", "invoice/F1/1", "F1", "1", "2024-03-05", None, "两个", "5")
    ]


# --- keys -------------------------------------------------------------------------------------------------------------


def test_one_key_with_other_content_is_put_aside_whole(world: World) -> None:
    text = HEADER + line(1) + line(1, amount="11") + line(2) + line(3) + line(3)
    receipt = world.conform(text, LINE)
    assert broken(receipt) == {"duplicate_key": 2}
    assert receipt.broken_rules[0].example_keys == ("invoice/F1/1",)
    assert outcomes(receipt) == {
        ("accepted", ""): 2, ("merged_into_key", "same_content"): 1, ("quarantined", "duplicate_key"): 2,
    }  # fmt: skip
    assert world.rows(receipt, "line_id, source_row") == [("2", 4), ("3", 5)]


def test_a_key_conflicts_even_if_one_of_its_rows_cannot_be_read(world: World) -> None:
    receipt = world.conform(HEADER + line(1) + line(1, amount="abc") + line(1, amount="xyz"), LINE)
    assert broken(receipt) == {"duplicate_key": 3, "amount_tax_unknown_not_an_amount": 2}


def test_rows_without_line_number_are_told_apart_by_content_and_occurrence(world: World) -> None:
    header = "发票号,开票日期,客户编码,产品编码,数量,金额,备注\n"
    rows = [
        "F1,2024-03-05,C1,P1,1,5,\n",
        "F1,2024-03-05,C1,P1,1,5,\n",
        "F1,2024-03-05,C1,P1,1,5,other\n",
        "F2,2024-03-05,C1,P1,1,5,\n",
    ]
    receipt = world.conform(header + "".join(rows), LINE)
    ids = [row[0] for row in world.rows(receipt, "line_id")]
    content = ids[0].rsplit("-", 1)[0]
    assert ids == [f"{content}-1", f"{content}-2", f"{content}-3", f"{content}-1"]
    assert content.startswith("~") and len(content) == 13
    # The third differs in a column nobody reads: the same content to us, but no exact repetition.
    assert outcomes(receipt) == {("accepted", ""): 3, ("accepted", "repeated_line"): 1}
    assert receipt.key_headers == ()


def test_exact_repetitions_are_dropped_where_the_source_says_so(world: World) -> None:
    header = "发票号,开票日期,客户编码,金额,备注\n"
    rows = "F1,2024-03-05,C1,5,\nF1,2024-03-05,C1,5,\nF1,2024-03-05,C1,5,other\n"
    receipt = world.conform(header + rows, feed(duplicates="drop"))
    assert outcomes(receipt) == {("accepted", ""): 2, ("merged_into_key", "repeated_line"): 1}


def test_content_ids_do_not_depend_on_how_a_value_is_written(world: World) -> None:
    one = world.conform("发票号,开票日期,客户编码,金额\nF1,2024-03-05,C1,1234.5\n", LINE, name="a.csv")
    other = world.conform('客户编码,金额,发票号,开票日期\nC1,"1,234.50",F1,2024年3月5日\n', LINE, name="b.csv")
    assert world.rows(one, "line_id") == world.rows(other, "line_id")
    assert one.content_sha256 == other.content_sha256


def test_accepted_rows_and_their_hash_do_not_depend_on_row_order(world: World) -> None:
    lines = [line(n, amount=str(n)) for n in range(1, 30)]
    one = world.conform(HEADER + "".join(lines), LINE, name="a.csv")
    other = world.conform(HEADER + "".join(reversed(lines)), LINE, name="b.csv")
    columns = ", ".join(name for name in SALES_LINE.column_names if name not in ("delivery_id", "source_row"))
    assert world.rows(one, columns) == world.rows(other, columns)
    assert one.content_sha256 == other.content_sha256


# --- where, drop, distinct, deleted -----------------------------------------------------------------------------------


def test_a_ledger_feeds_two_entities_and_every_row_is_accounted_for(world: World) -> None:
    text = "类型,单号,日期,客户编码,金额\n发票,F1,2024-03-05,C1,100\n收款,R1,2024-03-06,C1,-40\n"
    text += "发票,F2,2024-03-07,C2,5\n备忘,M1,2024-03-07,C2,\n"
    invoices = feed(columns={"document_id": "单号", "document_date": "日期"}, where="\"类型\" = '发票'")
    payments = feed(
        "payment", where='"类型" = \'收款\'',
        columns={"payment_id": "单号", "received_date": "日期", "received_gross": expression('-amount("金额")')},
    )  # fmt: skip
    first, second = world.conform_all(text, (invoices, payments))
    assert outcomes(first) == {("accepted", ""): 2, ("unmapped", "not_selected"): 2}
    assert outcomes(second) == {("accepted", ""): 1, ("unmapped", "not_selected"): 3}
    assert world.rows(second, "received_gross") == [(Decimal(40),)]
    assert [item.amount_total for item in first.reasons] == [Decimal(105), Decimal(-40)]


def test_drop_rules_count_under_their_reason_in_order(world: World) -> None:
    text = HEADER + line(1) + line(2, customer="") + line(3, customer="测试客户") + line(4, customer="", amount="x")
    rules = (DropRule('code("客户编码") IS NULL', "no_customer"), DropRule("\"客户编码\" LIKE '测试%'", "test_row"))
    receipt = world.conform(text, feed(drop=rules))
    assert outcomes(receipt) == {("accepted", ""): 1, ("dropped", "no_customer"): 2, ("dropped", "test_row"): 1}
    totals = {item.reason: item.amount_total for item in receipt.reasons}
    # A total with a value that cannot be read is not known.
    assert totals == {"": Decimal(10), "no_customer": None, "test_row": Decimal(10)}
    assert world.rows(receipt, "count(*) FILTER (WHERE is_dropped)", "flagged") == [(3,)]


def test_a_master_from_document_lines(world: World) -> None:
    text = (
        "客户编码,客户名称,城市,地区,订单日期\nC1,旧名,广州,华南,2023-01-01\nC1,新名,广州,华东,2024-01-01\nC1,,,华南,2024-02-01\nC2,乙,深圳,,2024-01-01\n"
        ",甲,,,2024-01-01\n"
    )
    lines = feed(constants={"document_type": "order", "document_id": "x", "amount_net": "1"})
    receipt = world.conform_all(text, (feed("customer", distinct=True), lines))[0]
    assert world.rows(receipt, "customer_id, customer_name, city, region, source_row") == [
        ("C1", "新名", "广州", None, 2),
        ("C2", "乙", "深圳", None, 5),
    ]
    assert dict(receipt.conflicts) == {"customer_name": ("C1",), "region": ("C1",)}
    assert outcomes(receipt) == {
        ("accepted", ""): 2, ("merged_into_key", "same_key"): 2, ("quarantined", "customer_id_required"): 1,
    }  # fmt: skip


def test_labels_of_one_day_are_taken_in_order_of_text(world: World) -> None:
    receipt = world.conform("客户编码,客户名称\nC1,b\nC1,a\n", feed("customer", distinct=True))
    assert world.rows(receipt, "customer_name") == [("a",)]


def test_deleted_keys_are_accepted_with_their_mark(world: World) -> None:
    text = "客户编码,客户名称,是否删除\nC1,a,否\nC2,b,是\nC3,c,\n"
    by_header = world.conform(text, feed("customer", deleted="是否删除"), mode="upsert")
    assert world.rows(by_header, "customer_id, is_deleted") == [("C1", False), ("C2", True), ("C3", False)]
    by_condition = world.conform(text, feed("customer", deleted="\"客户名称\" = 'a'"), mode="upsert", name="other.csv")
    assert world.rows(by_condition, "customer_id, is_deleted") == [("C1", True), ("C2", False), ("C3", False)]


def test_two_companies_in_one_file(world: World) -> None:
    text = "组织编码,客户编码,客户名称\n100,C1,a\n200,C1,b\n,C1,c\n"
    receipt = world.conform(text, feed("customer"), company_id="300")
    assert world.rows(receipt, "company_id, customer_name") == [("100", "a"), ("200", "b"), ("300", "c")]


# --- counts -----------------------------------------------------------------------------------------------------------


def test_every_record_of_a_file_is_counted(world: World) -> None:
    text = "销售明细\n,\n" + HEADER + line(1) + ",,,,,\n" + HEADER + line(2) + "小计,,,,4,20\n合计,,,,4,20\n制表:张三\n"
    receipt = world.conform(text, LINE)
    counts = (receipt.rows_title, receipt.rows_header, receipt.rows_blank, receipt.rows_total, receipt.rows_data)
    assert counts == (2, 2, 2, 2, 2)
    assert receipt.rows_read == 10 == text.count("\n")
    assert [row[0] for row in world.rows(receipt, "source_row")] == [4, 7]
    assert [(item.column, item.is_equal) for item in receipt.control_totals] == [
        ("quantity", True), ("amount_tax_unknown", True), ("quantity", True), ("amount_tax_unknown", True),
    ]  # fmt: skip


def test_a_file_of_a_header_only(world: World) -> None:
    receipt = world.conform(HEADER, LINE)
    assert (receipt.rows_read, receipt.rows_data, receipt.reasons, receipt.control_totals) == (1, 0, (), ())
    assert world.rows(receipt) == []


def test_totals_are_exact_for_every_measure(world: World) -> None:
    text = "发票号,行号,开票日期,客户编码,价税合计\n" + "".join(f"F{n},1,2024-03-05,C1,0.1\n" for n in range(1000))
    receipt = world.conform(text, LINE, tax="included")
    assert total(receipt, "amount_gross") == Decimal(100)
    assert total(receipt, "amount_net") == Decimal("88.496")


def test_file_mode_and_partition_stand_in_the_receipt(world: World) -> None:
    receipt = world.conform(
        HEADER + line(1), LINE, mode="partition", partition="_([0-9]{6})_", name="销售_202403_x.csv"
    )
    assert (receipt.mode, receipt.partition, receipt.partition_value) == ("partition", None, "202403")
    receipt = world.conform(HEADER + line(1), LINE, mode="partition", partition="company_id", name="b.csv")
    assert (receipt.partition, receipt.partition_value) == ("company_id", None)


def test_gbk_and_utf8_give_the_same_rows(world: World) -> None:
    text = "客户编码,客户名称,城市\n1,䶮记商行,广州\n"
    one = world.conform(text, feed("customer"), name="a.csv")
    other = world.conform(text.encode("gb18030"), feed("customer"), name="b.csv")
    assert other.encoding.lower() == "gb18030"
    assert one.content_sha256 == other.content_sha256


# --- reuse ------------------------------------------------------------------------------------------------------------


def test_what_was_conformed_by_the_same_rules_is_reused(world: World) -> None:
    (world.exports / "lines.csv").write_text(HEADER + line(1), encoding="utf-8")
    (first,) = world.run(source((LINE,)))
    written = (world.home / first.directory / "accepted.parquet").stat().st_mtime_ns
    (again,) = world.run(source((LINE,)))
    assert again == first
    assert (world.home / again.directory / "accepted.parquet").stat().st_mtime_ns == written
    (other,) = world.run(source((LINE,), tax="included"))
    assert other.directory != first.directory
    (currency,) = world.run(source((LINE,)), currency="EUR")
    assert currency.directory not in (first.directory, other.directory)
    assert broken(currency) == {"rate_missing": 1}
    assert not list((world.home / "scratch").iterdir())
    assert (world.home / "landed").stat().st_mode & 0o777 == 0o700


def test_who_is_second_leaves_the_rows_of_the_first_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sandbox may conform a file beside the night: the folder that has its name already may be in use."""
    first = world.conform(HEADER + line(1), LINE)
    kept = (world.home / first.directory / "accepted.parquet").stat().st_ino
    real, not_there_yet = conform._receipt_in, iter([None])
    monkeypatch.setattr(conform, "_indexed", lambda *_: None)
    monkeypatch.setattr(conform, "_receipt_in", lambda folder: next(not_there_yet, real(folder)))
    second = world.conform(HEADER + line(1), LINE)
    assert second == first
    assert (world.home / first.directory / "accepted.parquet").stat().st_ino == kept
    assert [path for path in (world.home / first.directory).parent.iterdir() if path.name.startswith(".")] == []


def test_code_that_makes_rows_is_part_of_what_they_depend_on() -> None:
    """Every module of `tasks` that conform loads counts, but those that make no row of one file."""
    folder = Path(conform.__file__).parent
    reached, todo = set(), ["conform"]
    while todo:
        name = todo.pop()
        reached.add(name)
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            if module.startswith("kehu.tasks.") and (found := module.removeprefix("kehu.tasks.")) not in reached:
                todo.append(found)
    assert reached - {"land", "in_force"} == set(conform.ROW_MAKING_MODULES)


def test_rows_that_were_removed_are_made_again(world: World) -> None:
    import shutil

    (world.exports / "lines.csv").write_text(HEADER + line(1), encoding="utf-8")
    (first,) = world.run(source((LINE,)))
    shutil.rmtree(world.home / first.directory)
    (again,) = world.run(source((LINE,)))
    assert again == first and world.rows(again, "count(*)") == [(1,)]


# --- what is wrong with a mapping or a file ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "code", "hint"),
    [
        (feed("kunde", constants={}), "unknown_entity", "customer"),
        (feed(columns={"amount": "金额"}), "unknown_column", "amount"),
        (feed(columns={"delivery_id": "金额"}), "unknown_column", ""),
        (feed(constants={"document_type": "invoice", "foo": "1"}), "unknown_column", ""),
        (feed(tolerances={"amount_mising": Decimal(0)}), "unknown_rule", "amount_missing"),
        (feed(constants={"document_type": "bill"}), "constant_unreadable", "invoice"),
        (feed(constants={"document_type": "invoice", "tax_rate": "viel"}), "constant_unreadable", ""),
        (feed(where="amount("), "expression_malformed", ""),
        (feed(where='amount("金额")'), "expression_malformed", "compare"),
        (feed(where="1 = 1; DROP TABLE x"), "expression_malformed", ""),
        (feed(where="(SELECT true)"), "expression_not_allowed", ""),
        (feed(where="read_text('/etc/passwd') = ''"), "expression_not_allowed", ""),
        (feed(where="getenv('HOME') = ''"), "expression_not_allowed", ""),
        (feed(where="current_setting('threads') = 1"), "expression_not_allowed", ""),
        (feed(where="random() > 0.5"), "expression_not_allowed", ""),
        (feed(where="current_date > day(\"开票日期\")"), "expression_not_allowed", ""),
        (feed(where="count(*) > 1"), "expression_not_allowed", ""),
        (feed(where='row_number() OVER () > 1'), "expression_not_allowed", ""),
        (feed(where="x.y = 1"), "expression_not_allowed", ""),
        (feed(where="COLUMNS('.*') = '1'"), "expression_not_allowed", ""),
        (feed(where="CAST(\"金额\" AS DOUBLE) > 1"), "expression_not_allowed", ""),
        (feed(columns={"amount_net": expression('amount("金额") / 2')}), "expression_not_allowed", "0.01"),
        (feed(columns={"amount_net": expression('amount("金额") * 1e-2')}), "expression_not_allowed", "amount"),
        (feed(columns={"amount_net": expression("upper(amount(\"金额\"), 2)")}), "expression_malformed", ""),
    ],
)  # fmt: skip
def test_a_mapping_that_does_not_fit_is_refused_with_its_place(world: World, stated: Any, code: str, hint: str) -> None:
    with pytest.raises(SettingsError) as caught:
        world.conform(HEADER + line(1), stated)
    assert caught.value.code == code
    assert caught.value.file == "sources/erp.yaml"
    assert caught.value.setting is not None and caught.value.setting.startswith("files.lines.")
    assert hint in (caught.value.hint or "")


def test_one_entity_twice_is_refused(world: World) -> None:
    with pytest.raises(SettingsError) as caught:
        world.conform_all(HEADER + line(1), (LINE, LINE))
    assert caught.value.code == "entity_fed_twice"


def test_all_missing_headers_are_named_at_once(world: World) -> None:
    with pytest.raises(InputError) as caught:
        world.conform(HEADER + line(1), feed(columns={"customer_id": "客户代号", "quantity": "件数"}))
    assert caught.value.code == "column_missing"
    assert caught.value.count == 2 and "客户编码" in " ".join(caught.value.details)


def test_a_file_without_what_the_entity_needs(world: World) -> None:
    with pytest.raises(InputError) as caught:
        world.conform("单据号,业务日,备注\n1,2024-03-05,x\n", LINE)
    assert caught.value.code == "column_missing"
    assert caught.value.column == "document_date, customer_id, amount_net/amount_gross/amount_tax_unknown"


def test_no_error_shows_a_value_of_a_row(world: World) -> None:
    text = HEADER + "F1,1,2024-03-05,C1,2,张三 13800000000\n"
    receipt = world.conform(text, LINE)
    assert "张三" not in receipt.to_json()


def test_a_receipt_survives_its_file(world: World) -> None:
    from kehu.tasks.conformed import Conformed

    text = HEADER + line(1) + line(1, amount="x") + "合计,,,,4,20\n"
    receipt = world.conform(text, feed(tolerances={"duplicate_key": Decimal("0.5")}))
    assert Conformed.from_json(receipt.to_json()) == receipt
    assert receipt.control_totals and receipt.broken_rules and receipt.tolerances
    assert CUSTOMER.name != receipt.entity


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000600037341L", "91440300708461136T"])
def test_the_check_digit_finds_every_change_of_one_character(world: World, code: str) -> None:
    """G9: remainders 0 and 30 included, which some public implementations get wrong."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    changed = [code[:i] + other + code[i + 1 :] for i in range(18) for other in alphabet if other != code[i]]
    breaks = (
        f"SELECT bool_or(b), bool_and(b), count(*) FROM (SELECT {social_credit_code_breaks('c')} AS b FROM unnest(?) "
        f"AS t(c))"
    )
    assert world.con.execute(breaks, [[code]]).fetchone() == (False, False, 1)
    assert world.con.execute(breaks, [changed]).fetchone() == (True, True, 18 * 30)

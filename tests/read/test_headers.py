"""Headers: their normal form, their units, which record they are, and which of our columns they mean."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kehu.config.errors import InputError
from kehu.config.sources import ColumnSource, DropRule, Feed, FileMapping
from kehu.schemas.tables import CUSTOMER, ENTITIES, PAYMENT, SALES_LINE
from kehu.tasks.headers import (
    find_header,
    header_unit,
    mapped_headers,
    match_headers,
    normalise_header,
    title_unit,
    unique_headers,
)


def mapping(*feeds: Feed, **stated: object) -> FileMapping:
    return FileMapping(name="files", match=("*",), feeds=feeds or (Feed("sales_line"),), **stated)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "printed",
    [
        "客户编码",
        " 客户编码 ",
        "客户 编码",
        "客户\n编码",
        "客户\u3000编码",
        "*客户编码",
        "客户编码*",
        "＊客户编码",
        "客户编码（必填）",
        "客户编码【必填】",
        "客戶編碼",
        "\ufeff客户编码",
        '"客户编码"',
        "客户\u200b编码",
    ],
)
def test_typesetting_is_forgotten(printed: str) -> None:
    assert normalise_header(printed) == "客户编码"


def test_brackets_case_and_width() -> None:
    assert normalise_header("金额（不含税）") == normalise_header("金额(不含税)")
    assert normalise_header("ＣｕｓｔｏｍｅｒＩＤ") == normalise_header("customerid") == "customerid"
    assert normalise_header("Customer ID") == normalise_header("customer_id") == "customerid"
    assert normalise_header("省/自治区") == "省/自治区"


@pytest.mark.parametrize(
    ("printed", "factor"),
    [
        ("金额(万元)", 10_000),
        ("金额（万元）", 10_000),
        ("金额(元)", 1),
        ("金额（单位：千元）", 1_000),
        ("金额/亿元", 100_000_000),
        ("金额_万元", 10_000),
        ("注册资本【百万元】", 1_000_000),
        ("金额(人民币元)", 1),
        ("金额", None),
        ("税率(%)", None),
        ("数量(个)", None),
        ("金额(不含税)", None),
        ("万元以上客户", None),
        ("单元", None),
    ],
)
def test_units_in_headers(printed: str, factor: int | None) -> None:
    assert header_unit(printed) == (None if factor is None else Decimal(factor))


@pytest.mark.parametrize(
    ("cells", "factor"),
    [
        (["单位:万元"], 10_000),
        (["销售表", "", "单位： 元"], 1),
        (["金额单位：人民币千元"], 1_000),
        (["（单位：万元）"], 10_000),
        (["单位名称:某公司"], None),
        (["单位:元素公司"], None),
        (["单位:件"], None),
        ([], None),
    ],
)
def test_units_in_titles(cells: list[str], factor: int | None) -> None:
    assert title_unit(cells) == (None if factor is None else Decimal(factor))


def test_the_unit_nearest_to_the_column_holds() -> None:
    records = [["单位:万元"], ["客户编码", "金额", "成本(元)"]]
    assert find_header(records, mapping(), "x").unit_factors == (Decimal(10_000), Decimal(10_000), Decimal(1))
    assert find_header(records, mapping(unit="千元"), "x").unit_factors == (Decimal(1000), Decimal(1000), Decimal(1))


def test_synonyms_of_the_contract() -> None:
    assert match_headers(["客户编号", "往来单位", "行业", "备注"], CUSTOMER) == {
        "customer_id": 0,
        "customer_name": 1,
        "industry": 2,
    }
    assert match_headers(["单据编号", "价税合计(万元)", "金额（不含税）"], SALES_LINE) == {
        "document_id": 0,
        "amount_gross": 1,
        "amount_net": 2,
    }


def test_headers_of_public_systems() -> None:
    """Default labels of a Chinese CRM and of Western ones."""
    yudao = ["编号", "客户名称", "负责人的用户编号", "负责人名字", "负责人部门", "地区名称", "所属行业", "创建时间"]
    assert list(match_headers(yudao, CUSTOMER)) == [
        "customer_name",
        "industry",
        "region",
        "owner_id",
        "owner_name",
        "department",
        "created_date",
    ]
    western = ["Account ID", "Account Name", "Billing City", "Account Owner", "Create Date", "Parent Account ID"]
    assert list(match_headers(western, CUSTOMER)) == [
        "customer_id",
        "customer_name",
        "city",
        "parent_customer_id",
        "owner_name",
        "created_date",
    ]


def test_of_two_headers_the_first_synonym_wins() -> None:
    assert match_headers(["客户代码", "客户编码"], CUSTOMER) == {"customer_id": 1}


def test_a_header_is_given_to_one_column_only() -> None:
    for table in ENTITIES:
        headers = sorted({word for column in table.columns for word in (column.name, *column.synonyms)})
        found = match_headers(headers, table)
        assert len(set(found.values())) == len(found)


def test_columns_of_ours_are_never_in_an_export() -> None:
    assert match_headers(["source", "delivery_id", "source_row"], PAYMENT) == {}


def test_every_synonym_finds_its_column() -> None:
    """A synonym that an earlier column of the same entity claims too would be dead."""
    for table in ENTITIES:
        for column in table.columns:
            for word in column.synonyms:
                assert list(match_headers([word], table)) == [column.name], (table.name, word)


def test_unique_headers() -> None:
    assert unique_headers(["金额", "金额", "", "金额.1", "金额"]) == (
        "金额",
        "金额.1",
        "column 3",
        "金额.1.1",
        "金额.2",
    )


def test_headers_a_mapping_names() -> None:
    feed = Feed(
        "sales_line",
        columns={
            "quantity": ColumnSource(header="数量"),
            "amount_net": ColumnSource(expression='amount("单价") * amount("数 ""量") - length(\'"无"\')'),
        },
        where='"状态" <> \'"作废"\'',
        drop=(DropRule('"客户" IS NULL', "no_customer"),),
    )
    assert mapped_headers(mapping(feed, fill_down=("部门",))) == ("部门", "数量", "单价", '数 "量', "状态", "客户")


def test_the_header_is_the_record_with_most_known_cells() -> None:
    records = [
        ["客户", "金额"],
        ["", ""],
        ["客户编码", "客户名称", "单据日期", "金额"],
        ["C1", "甲", "2024-03-05", "1"],
    ]
    layout = find_header(records, mapping(), "x")
    assert layout.header_record == 3
    assert dict(layout.leading) == {"title": 1, "blank": 1, "header": 1}


def test_unknown_headers_are_the_first_record_of_texts() -> None:
    records = [["某报表"], ["2024", "3"], ["甲列", "乙列"], ["丙", "丁"]]
    assert find_header(records, mapping(), "x").header_record == 3
    assert find_header([["1", "2"], ["3", "4"]], mapping(), "x").header_record == 1


def test_the_mapping_says_which_record() -> None:
    records = [["客户编码", "金额"], ["a", "b"], ["C1", "1"]]
    assert find_header(records, mapping(header_row=2), "x").headers == ("a", "b")


def test_mapped_headers_may_be_typeset_otherwise() -> None:
    feed = Feed("customer", columns={"customer_id": ColumnSource(header="客户 编码"), "x": ColumnSource(header="额度")})
    assert find_header([["*客户编码", "额度（万元）"]], mapping(feed), "x").header_record == 1


def test_nothing_like_it() -> None:
    feed = Feed("customer", columns={"customer_id": ColumnSource(header="编码")})
    with pytest.raises(InputError) as caught:
        find_header([["a", "b"]], mapping(feed), "文件.csv")
    assert caught.value.lines() == [
        "The file lacks 1 of the columns its mapping names.",
        "  file 文件.csv, row 1, column 编码, count 1",
        "  “编码” is not there, nor anything like it",
        "  → correct the header in the source mapping, or name the header row with `header_row`",
    ]

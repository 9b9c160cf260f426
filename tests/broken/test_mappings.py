"""Broken source mappings: refused with file, line, the key, and what was probably meant."""

from __future__ import annotations

import pytest
from shop import MAPPING, NO_SCORES, Shop

CUSTOMERS = MAPPING[: MAPPING.index("  sales:")]
SQL_FEED = (
    CUSTOMERS
    + """\
  sales:
    match: 销售_*.csv
    mode: append
    feeds:
      - entity: sales_line
        constants: {document_type: invoice}
        sql: >-
          STATEMENT
"""
)
GOOD = (
    'SELECT s._record, s."单据编号" AS document_id, s."行号" AS line_id, s."日期" AS document_date, '
    's."客户编码" AS customer_id, s."数量" AS quantity, s."金额" AS amount_net '
    'FROM sales s JOIN customers c ON c."客户编码" = s."客户编码"'
)


def with_sql(shop: Shop, statement: str) -> None:
    shop.map(SQL_FEED.replace("STATEMENT", statement))


def test_a_select_over_two_files_works(shop: Shop) -> None:
    with_sql(shop, GOOD)
    shop.published(*NO_SCORES)
    assert shop.accepted() == 82_000


@pytest.mark.parametrize(
    "statement",
    [
        f"{GOOD}; {GOOD}",
        "COPY sales TO '/tmp/stolen.csv'",
        "ATTACH '/tmp/other.duckdb' AS other",
        "DROP TABLE sales",
        "INSERT INTO sales SELECT * FROM sales",
        "SET enable_external_access = true",
        "SELEC 1",
    ],
)
def test_sql_that_is_not_one_select(shop: Shop, statement: str) -> None:
    with_sql(shop, statement)
    error = shop.refused(10, "sql_not_one_select")
    assert error["file"] == "sources/shop.yaml" and error["line"] == line_of(SQL_FEED, "entity: sales_line")
    assert error["setting"] == "files.sales.sales_line.sql"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 AS _record, content AS document_id FROM read_text('/etc/passwd')",
        "SELECT 1 AS _record, * FROM '/etc/passwd'",
        "SELECT 1 AS _record, * FROM read_csv('/etc/passwd')",
        "SELECT 1 AS _record, (SELECT content FROM read_text('/etc/hostname')) AS document_id FROM sales",
        "SELECT _record, getenv('HOME') AS document_id FROM sales",
        "SELECT _record, random() AS document_id FROM sales",
        "SELECT _record, now() AS document_date FROM sales",
    ],
)
def test_sql_that_reaches_out(shop: Shop, statement: str) -> None:
    with_sql(shop, statement)
    outcome = shop.kehu(shop.night("--json"))
    assert "root:" not in outcome.out + outcome.err  # nothing of the file it reached for
    error = outcome.refused(10, outcome.summary["error"]["code"])
    assert error["code"] in ("sql_not_allowed", "sql_unknown_table")
    assert error["file"] == "sources/shop.yaml" and error["line"] == line_of(SQL_FEED, "entity: sales_line")
    assert shop.deliveries() == [] and not shop.warehouse.exists()


def test_sql_that_is_not_allowed(shop: Shop) -> None:
    with_sql(shop, "SELECT _record, content AS document_id FROM read_text('/etc/passwd')")
    assert "sales" in shop.refused(10, "sql_not_allowed")["hint"]


def test_sql_over_an_unknown_table(shop: Shop) -> None:
    with_sql(shop, GOOD.replace("FROM sales s", "FROM sale s"))
    assert "sales" in shop.refused(10, "sql_unknown_table")["hint"]


def test_sql_over_an_unknown_column(shop: Shop) -> None:
    with_sql(shop, GOOD.replace('s."行号"', 's."行号码"'))
    assert "行号码" in shop.refused(10, "sql_fails")["message"]


def test_sql_without_record(shop: Shop) -> None:
    with_sql(shop, GOOD.replace("s._record, ", ""))
    assert "_record" in shop.refused(10, "sql_without_record")["message"]


def test_sql_that_repeats_records(shop: Shop) -> None:
    with_sql(shop, GOOD.split(" JOIN")[0] + " CROSS JOIN customers")
    assert "320" in shop.refused(10, "sql_repeats_record")["message"]  # 40 lines × 8 customers


def line_of(text: str, part: str) -> int:
    """The first line that holds the part."""
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


@pytest.mark.parametrize(
    ("before", "after", "code", "named", "at"),
    [
        ("entity: sales_line", "entity: sales_lines", "unknown_entity", "sales_line", "entity: sales_lines"),
        ("document_id: 单据编号", "documentid: 单据编号", "unknown_column", "document_id", "documentid"),
        ("document_type: invoice", "document_type: bill", "constant_unreadable", "invoice", "entity: sales_line"),
        ("mode: append", "mode: apend", "value_malformed", "append", "mode: apend"),
        ("match: 客户_*.csv", "matches: 客户_*.csv", "unknown_key", "match", "matches"),
        ("tax: excluded", "tax: excluded\ntax: included", "duplicate_key", "tax", "tax: included"),
        ("entity: customer\n", "entities: customer\n", "unknown_key", "entity", "entities"),
        ("tax: excluded", "tax: [excluded", "yaml_malformed", "", "delivered_at"),
        ("    match: 客户_*.csv\n", "", "missing_key", "match", "customers:"),
        (
            "name: 客户名称",
            "name: 客户名称\n        tolerances: {name_missing: 0.1}",
            "unknown_rule",
            "",
            "entity: customer",
        ),
        ("name: 客户名称", "name: 客户名称\n      - {entity: customer}", "entity_fed_twice", "", "- {entity"),
        ("金额", '{expression: "amount(\\"金额\\") * 0.5e0"}', "expression_not_allowed", "exact", "0.5e0"),
        ("金额", '{expression: "amount(\\"金额\\""}', "expression_malformed", "", "expression"),
    ],
)
def test_mapping_that_cannot_be(shop: Shop, before: str, after: str, code: str, named: str, at: str) -> None:
    assert before in MAPPING
    text = MAPPING.replace(before, after, 1)
    shop.map(text)
    error = shop.refused(10, code)
    assert error["file"] == "sources/shop.yaml"
    assert named in str(error)
    assert error["line"] == line_of(text, at)


def test_two_kinds_of_file_claim_one_file(shop: Shop) -> None:
    shop.map(MAPPING.replace("match: 客户_*.csv", "match: '*.csv'"))
    error = shop.refused(10, "file_claimed_twice")
    assert error["file"] == "sources/shop.yaml" and "customers" in error["message"] and "sales" in error["message"]


def test_an_unknown_source(shop: Shop) -> None:
    error = shop.refused(2, "unknown_source", "--source", "shopp")
    assert "shop" in error["hint"]


def test_a_file_that_is_no_longer_mapped(shop: Shop) -> None:
    shop.published(*NO_SCORES)
    shop.map(MAPPING.replace("  sales:", "  lines:"))
    error = shop.refused(10, "file_mapping_gone")
    assert error["setting"] == "files.sales"


def test_a_correction_of_a_column_that_is_not_there(shop: Shop) -> None:
    (shop.project / "corrections" / "mine.yaml").write_text(
        "corrections:\n  - {source: shop, file: 销售_*.csv, match: {单据编号: XS0007}, column: 价格, from: a, to: b, "
        "reason: r, by: Li Na, date: 2024-04-01}\n"
    )
    error = shop.refused(10, "correction_header_missing")
    assert "价格" in str(error) and "corrections/mine.yaml" in str(error)

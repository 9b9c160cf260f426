"""What holds for any file: nothing is lost, and the same rows give the same result."""

from __future__ import annotations

import csv
import io
import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kehu.config.policy import Policy
from kehu.config.sources import DropRule
from kehu.schemas.tables import entity_named
from kehu.tasks.conformed import Conformed
from tests.conform.conftest import World, feed

HEADER = ("发票号", "行号", "开票日期", "客户编码", "数量", "金额", "备注")
NO_LINE_NUMBER = tuple(header for header in HEADER if header != "行号")

cells = {
    "发票号": st.sampled_from(["F1", "F2", "F3", "", "-", "9.1E+17"]),
    "行号": st.sampled_from(["1", "2", "3", "", "1.0"]),
    "开票日期": st.sampled_from(["2024-03-05", "2024年3月6日", "45356", "本月底", "2025-01-01", "1900-01-00", ""]),
    "客户编码": st.sampled_from(["C1", "C2", " C1 ", "无", ""]),
    "数量": st.sampled_from(["1", "2", "(3)", "两个", ""]),
    "金额": st.sampled_from(["1", "2.5", "1,000.25", "(3)", "0.0000005", "0.0000015", "见附件", "1.2万", "—", ""]),
    "备注": st.sampled_from(["", "", "", "测试", "退货", "a\nb"]),
}
data_rows = st.fixed_dictionaries(cells)
other_rows = st.sampled_from(
    [
        {},
        {"发票号": "合计", "金额": "3"},
        {"发票号": "小计"},
        {header: header for header in HEADER},
        {"发票号": "制表: x"},
    ]
)
files = st.lists(st.one_of(data_rows, data_rows, data_rows, other_rows), max_size=25)
headers = st.sampled_from([HEADER, NO_LINE_NUMBER])

FEEDS = (
    feed(drop=(DropRule("\"备注\" = '测试'", "test_row"),), where="\"备注\" IS NULL OR \"备注\" <> '退货'"),
    feed("customer", distinct=True),
    feed("payment", columns={"payment_id": "发票号", "received_date": "开票日期", "received_gross": "金额"}),
)  # fmt: skip

_number = itertools.count()


def as_text(rows: list[dict[str, str]], header: tuple[str, ...]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([row.get(name, "") for name in header] for row in rows)
    return out.getvalue()


def fresh(con: duckdb.DuckDBPyConnection, policy: Policy, folder: Path) -> World:
    place = folder / str(next(_number))
    (place / "exports").mkdir(parents=True)
    return World(con, policy, place / "home", place / "exports")


def identities(receipt: Conformed) -> None:
    assert receipt.rows_read == (
        receipt.rows_data + receipt.rows_header + receipt.rows_title + receipt.rows_total + receipt.rows_blank
    )
    parts = (
        receipt.rows_accepted,
        receipt.rows_merged,
        receipt.rows_quarantined,
        receipt.rows_dropped,
        receipt.rows_unmapped,
    )
    assert receipt.rows_data == sum(parts)
    for measure in {item.measure_name for item in receipt.reasons}:
        assert sum(item.row_count for item in receipt.reasons if item.measure_name == measure) == receipt.rows_data


@given(rows=files, header=headers, tax=st.sampled_from(["unknown", "included", "excluded"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_lost(
    engine: duckdb.DuckDBPyConnection,
    policy: Policy,
    tmp_path: Path,
    rows: list[dict[str, str]],
    header: tuple[str, ...],
    tax: Any,
) -> None:
    world = fresh(engine, policy, tmp_path)
    text = as_text(rows, header)
    receipts = world.conform_all(text, FEEDS, tax=tax)
    records = len(list(csv.reader(io.StringIO(text))))
    for receipt in receipts:
        identities(receipt)
        assert receipt.rows_read == records
        keys = ", ".join(entity_named(receipt.entity).key_names)
        counted = world.rows(receipt, f"count(*), count(DISTINCT ({keys}))")
        assert counted == [(receipt.rows_accepted, receipt.rows_accepted)]
        assert world.rows(receipt, "count(*)", "flagged") == [(receipt.rows_data,)]
        assert world.rows(receipt, "count(*)", "quarantined") == [(receipt.rows_quarantined,)]
        assert {row[0] for row in world.rows(receipt, "unnest(string_split(_rules, ','))", "quarantined")} == {
            rule.rule for rule in receipt.broken_rules
        }
        accepted = [item for item in receipt.reasons if item.outcome == "accepted" and item.measure_name]
        for measure in {item.measure_name for item in accepted}:
            totals = [item.amount_total for item in accepted if item.measure_name == measure]
            summed = world.rows(receipt, f"coalesce(sum({measure}), 0)")[0][0]
            assert sum((total or Decimal(0) for total in totals), Decimal(0)) == summed


@given(rows=st.lists(data_rows, max_size=25), header=headers, shuffled=st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_rows_does_not_matter(
    engine: duckdb.DuckDBPyConnection,
    policy: Policy,
    tmp_path: Path,
    rows: list[dict[str, str]],
    header: tuple[str, ...],
    shuffled: Any,
) -> None:
    other_order = list(rows)
    shuffled.shuffle(other_order)
    made = [fresh(engine, policy, tmp_path).conform_all(as_text(order, header), FEEDS) for order in (rows, other_order)]
    for one, other in zip(*made, strict=True):
        assert one.content_sha256 == other.content_sha256
        assert one.reasons == other.reasons
        # Not the keys: a row without any is named by its place.
        assert [(rule.rule, rule.row_count) for rule in one.broken_rules] == [
            (rule.rule, rule.row_count) for rule in other.broken_rules
        ]
        assert one.conflicts == other.conflicts


def test_threads_change_nothing(policy: Policy, tmp_path: Path) -> None:
    """Enough rows for several row groups: what later steps read is the same, byte for byte; flagged rows are the same
    set."""
    rows = [
        {"发票号": f"F{n // 7}", "行号": str(n % 7), "开票日期": "2024-03-05", "客户编码": f"C{n % 997}", "数量": "1",
         "金额": f"{n % 10007}.{n % 100:02d}" if n % 50 else "x"}
        for n in range(150_000)
    ]  # fmt: skip
    text = as_text(rows, NO_LINE_NUMBER)
    seen = []
    for threads in (1, 2, 4):
        with duckdb.connect(config={"threads": threads}) as con:
            world = fresh(con, policy, tmp_path)
            receipts = world.conform_all(text, FEEDS[:2])
            content = [
                (world.home / receipt.directory / f"{kind}.parquet").read_bytes()
                for receipt in receipts
                for kind in ("accepted", "quarantined")
            ]
            every_row = "string_agg(md5(flagged::VARCHAR), '' ORDER BY source_row)"
            flagged = [world.rows(receipt, f"sha256({every_row})", "flagged") for receipt in receipts]
            seen.append((receipts, content, flagged))
    assert seen[0] == seen[1] == seen[2]

"""Places written in odd ways, terminals of other encodings, and what is said of files that are not quite right."""

from __future__ import annotations

import os
import subprocess
import sys

from shop import AS_OF, Shop


def test_a_home_named_by_way_of_another_folder(shop: Shop) -> None:
    shop.write("销售_20240330.csv", (shop.exports / "销售_20240331.csv").read_text(encoding="utf-8").replace("S", "T"))
    detour = shop.exports / ".." / "home"
    outcome = shop.kehu([*shop.night(), "--home", str(detour)])
    assert outcome.exit_code == 0, outcome.err
    assert str(shop.home.resolve()) in outcome.out and ".." not in outcome.out


def test_a_terminal_without_the_characters(shop: Shop) -> None:
    shop.customers[0][1] = "红日😀商贸"
    shop.export()
    ended = subprocess.run(
        [sys.executable, "-m", "kehu.flows.cli", *shop.night("--lang", "zh")],
        capture_output=True, check=False, env={**os.environ, "PYTHONIOENCODING": "gbk"},
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr.decode("gbk")
    assert "红日?商贸" in ended.stdout.decode("gbk")


def test_a_closed_gate_shows_what_the_files_held(shop: Shop) -> None:
    for line in shop.sales[:3]:
        line[5] = "见附件"
    shop.export()
    summary = shop.run().summary
    assert (summary["exit_code"], summary["status"], summary["gate"]) == (12, "gate_closed", "closed")
    sales = next(row for row in summary["files"] if row["entity"] == "sales_line")
    assert (sales["rows_data"], sales["rows_quarantined"], summary["published"]) == (40, 3, {})
    printed = shop.kehu(shop.night())
    assert "Tonight's files" in printed.out and "The gate is closed" in printed.err


def test_a_copy_of_a_file_is_read_once_and_said(shop: Shop) -> None:
    shop.write("销售_20240331副本.csv", (shop.exports / "销售_20240331.csv").read_bytes())
    summary = shop.published()
    assert summary["warnings"] == ["销售_20240331副本.csv repeats 销售_20240331.csv byte for byte and is read once"]
    assert shop.sales_total() == 82_000


def test_a_total_that_only_rounding_of_all_rows_could_explain_is_said(shop: Shop) -> None:
    shop.sales.append(["合计", "", "", "", "", "82010", ""])
    shop.export()
    summary = shop.published()
    assert summary["gate"] == "warned"
    assert [found["rule"] for found in summary["quality"]] == ["amount_net_total_rough"]


def test_a_project_where_none_can_be_made(shop: Shop) -> None:
    taken = shop.folder / "taken"
    taken.write_text("not a folder")
    shop.kehu(["init", str(taken / "project"), "--json"]).refused(10, "not_permitted")


def test_a_warehouse_is_a_folder(shop: Shop) -> None:
    error = shop.kehu([*shop.night("--json"), "--warehouse", "duckdb:///other.duckdb"]).refused(10, "value_malformed")
    assert "duckdb:////srv/kehu/warehouse" in str(error["hint"])
    assert AS_OF not in str(error)


def test_a_day_mistyped_by_decades_is_not_published(shop: Shop) -> None:
    error = shop.refused(12, "gate_closed", "--as-of", "2099-03-31")
    assert "sales_line.delivery_expired" in error["rule"]
    assert "gate.delivery_expires_days" in str(error["details"])
    assert error["hint"] == "check --as-of 2099-03-31, or deliver newer files", "no row is at fault"

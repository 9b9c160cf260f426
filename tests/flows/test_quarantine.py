"""From a rejected row to a mended one: list, export, mend a cell, release, run again; and what happens when the source
mends it too."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import yaml
from shop import DELIVERED, NO_SCORES, Outcome, Shop

SALES = f"销售_{DELIVERED}.csv"


def put_one_aside(shop: Shop) -> None:
    """Line 7, worth 700, carries a text in its amount; the night goes on without it."""
    shop.sales[6][5] = "见附件"
    shop.export()
    assert shop.published(*NO_SCORES)["quarantined"] == 1
    assert shop.accepted() == 82_000 - 700


def mend(path: Path, column: str, text: str) -> None:
    """Write one cell of the only row of an exported file, as a spreadsheet would."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1
    rows[0][column] = text
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def release(shop: Shop, path: Path, *options: str) -> Outcome:
    reason = ["--reason", "the amount stands in the attachment", "--by", "Li Na"]
    return shop.kehu(shop.here("quarantine", "release", str(path), *reason, *options))


def released(shop: Shop, tmp_path: Path) -> Path:
    """Export, mend 700 into the amount, release; returns the file of corrections."""
    path = tmp_path / "rejected.csv"
    assert shop.kehu(shop.here("quarantine", "export", "--to", str(path))).exit_code == 0
    mend(path, "金额", "700.00")
    outcome = release(shop, path, "--json")
    assert outcome.exit_code == 0 and outcome.summary["corrections"] == 1
    return Path(outcome.summary["file"])


def test_a_mended_row_is_accepted_and_moves_the_mart_by_its_amount(shop: Shop, tmp_path: Path) -> None:
    put_one_aside(shop)
    shop.published()
    assert shop.sales_total() == 82_000 - 700
    written = released(shop, tmp_path)
    assert written.parent == shop.project / "corrections"
    entry = yaml.safe_load(written.read_text(encoding="utf-8"))["corrections"][0]
    assert (entry["column"], entry["from"], entry["to"], entry["by"]) == ("金额", "见附件", "700.00", "Li Na")
    assert entry["match"] == {"单据编号": "XS0007", "行号": "1"}

    summary = shop.published()
    row = next(row for row in summary["files"] if row["entity"] == "sales_line")
    assert (row["rows_accepted"], row["rows_quarantined"]) == (40, 0)
    assert shop.sales_total() == 82_000
    assert shop.kehu(shop.here("corrections", "check")).exit_code == 0
    assert shop.kehu(shop.here("quarantine", "list", "--json")).summary["quarantine"] == []


def test_a_correction_that_no_longer_finds_its_error(shop: Shop, tmp_path: Path) -> None:
    put_one_aside(shop)
    written = released(shop, tmp_path)
    shop.published(*NO_SCORES)

    shop.sales[6][5] = "777.00"  # the source mends it by itself, otherwise than we did
    shop.export()
    error = shop.refused(10, "correction_without_error")
    assert error["file"] == SALES and error["count"] == 1
    assert f"corrections/{written.name} line 2" in str(error["details"]) and "金额" in str(error["details"])
    assert shop.accepted() == 82_000  # the published night stands

    text = written.read_text(encoding="utf-8")
    written.write_text(text.replace("  reason:", "  until: 2024-03-30\n  reason:"), encoding="utf-8")
    shop.published(*NO_SCORES)  # the entry says until when the error was delivered
    assert shop.accepted() == 82_000 + 77


def test_check_names_the_file_and_line_of_a_stale_correction(shop: Shop, tmp_path: Path) -> None:
    put_one_aside(shop)
    written = released(shop, tmp_path)
    written.write_text(written.read_text(encoding="utf-8").replace("见附件", "见邮件"), encoding="utf-8")
    error = shop.kehu(shop.here("corrections", "check", "--json")).refused(10, "correction_without_error")
    assert error["count"] == 1 and f"corrections/{written.name} line 2" in str(error["details"])


def test_the_export_is_for_its_owner_only_and_opens_in_a_spreadsheet(shop: Shop, tmp_path: Path) -> None:
    put_one_aside(shop)
    path = tmp_path / "rejected.csv"
    outcome = shop.kehu(shop.here("quarantine", "export", "--to", str(path), "--json"))
    assert outcome.summary == {"exit_code": 0, "rows": 1, "file": str(path)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["_file"], row["_record"], row["_rules"], row["金额"]) == (
        SALES,
        "8",
        "amount_net_not_an_amount",
        "见附件",
    )


def test_what_is_printed(shop: Shop, tmp_path: Path) -> None:
    put_one_aside(shop)
    listed = shop.kehu(shop.here("quarantine", "list"))
    assert "amount_net_not_an_amount" in listed.out and "invoice/XS0007/1" in listed.out and "见附件" not in listed.out
    assert "销售明细" in shop.kehu(shop.here("quarantine", "list", "--lang", "zh")).out
    none = shop.kehu(shop.here("quarantine", "list", "--entity", "payment"))
    assert none.exit_code == 0 and none.out.startswith("No rows in quarantine")
    path = tmp_path / "rejected.csv"
    assert f"1 row written to {path}" in shop.kehu(shop.here("quarantine", "export", "--to", str(path))).out.replace(
        "\n", ""
    )
    mend(path, "金额", "700.00")
    assert "1 correction written to" in release(shop, path).out
    assert (
        shop.kehu(shop.here("corrections", "check")).out.strip() == "Every correction still finds the error it mends."
    )

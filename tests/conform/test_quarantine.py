"""See rejected rows, mend them, send them back; corrections that outlive their error."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from kehu.config.errors import SettingsError, UsageError
from kehu.tasks.conformed import Conformed
from kehu.tasks.corrections import load_corrections
from kehu.tasks.quarantine import check_corrections, export_quarantine, list_quarantine, release_quarantine
from tests.conform.conftest import DELIVERED, World, broken, feed, source

LINES = (
    "发票号,行号,开票日期,客户编码,金额\n"
    "F1,1,2024-03-05,C1,见附件\nF1,2,本月底,C1,5\nF2,1,2024-03-05,,x\nF3,1,2024-03-05,C3,8\n"
)
TODAY = date(2024, 4, 2)


@pytest.fixture
def quarantined(world: World) -> Conformed:
    return world.conform(LINES, feed(), mode="snapshot")


@pytest.fixture
def exported(world: World, quarantined: Conformed, tmp_path: Path) -> Path:
    assert export_quarantine(world.home, tmp_path / "rejected.csv") == quarantined.rows_quarantined == 3
    return tmp_path / "rejected.csv"


def mend(path: Path, *changes: tuple[int, str, str]) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, header, text in changes:
        rows[number][header] = text
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_rows_are_listed_by_rule(world: World, quarantined: Conformed) -> None:
    entries = list_quarantine(world.home)
    assert [(entry.rule, entry.row_count, entry.example_keys) for entry in entries] == [
        ("amount_tax_unknown_not_an_amount", 2, ("invoice/F1/1", "invoice/F2/1")),
        ("customer_id_required", 1, ("invoice/F2/1",)),
        ("document_date_not_a_date", 1, ("invoice/F1/2",)),
    ]
    assert entries[0].as_row()["file_name"] == "lines.csv"
    assert list_quarantine(world.home, entity="customer") == ()
    assert len(list_quarantine(world.home, rule="customer_id_required", delivery=quarantined.delivery_id)) == 1


def test_of_snapshots_only_the_newest_day_is_listed(world: World, quarantined: Conformed) -> None:
    (world.exports / "lines.csv").write_text(LINES.replace("见附件", "9"), encoding="utf-8")
    world.run(source((feed(),), mode="snapshot", delivered_at=date(2024, 4, 1)))
    assert {entry.delivery_id[:8] for entry in list_quarantine(world.home)} == {"20240401"}
    assert list_quarantine(world.home, delivery=quarantined.delivery_id)


def test_an_export_holds_the_texts_as_received(exported: Path) -> None:
    assert exported.read_bytes().startswith(b"\xef\xbb\xbf")
    assert exported.stat().st_mode & 0o777 == 0o600
    with exported.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["_record"], row["_rules"], row["金额"], row["开票日期"]) for row in rows] == [
        ("2", "amount_tax_unknown_not_an_amount", "见附件", "2024-03-05"),
        ("3", "document_date_not_a_date", "5", "本月底"),
        ("4", "customer_id_required,amount_tax_unknown_not_an_amount", "x", "2024-03-05"),
    ]


def test_no_cell_is_a_formula_to_a_spreadsheet(world: World, tmp_path: Path) -> None:
    """And the same cells come back: a file saved unchanged releases nothing."""
    cells = ["=1+1", "+SUM(A1)", "-x", "@x", "'=y", "-5", '"+1,000.5"', "plain"]
    lines = [f"F{n},1,2024-03-05,{cell},见附件" for n, cell in enumerate(cells)]
    world.conform("\n".join([LINES.splitlines()[0], *lines, ""]), feed(), mode="snapshot")
    path = tmp_path / "rejected.csv"
    export_quarantine(world.home, path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        shown = [row["客户编码"] for row in csv.DictReader(file)]
    assert all(cell[:1] not in "=@" and cell[:2] not in ("+S", "-x") for cell in shown)
    assert {"-5", "+1,000.5", "plain"} <= set(shown)
    with pytest.raises(UsageError) as refused:
        release_quarantine(world.home, path, tmp_path / "corrections", reason="r", by="b", today=TODAY)
    assert refused.value.code == "nothing_changed"


def test_mended_rows_come_back_with_the_next_run(world: World, exported: Path, tmp_path: Path) -> None:
    mend(exported, (0, "金额", "1280.00"), (2, "客户编码", "C2"), (2, "金额", "7"))
    folder = tmp_path / "corrections"
    written = release_quarantine(world.home, exported, folder, reason="amount in attachment", by="Li Na", today=TODAY)
    assert (written.count, written.path.name) == (3, "2024-04-02-rejected.yaml")
    corrections = load_corrections(folder)
    assert [(item.column, item.wrong, item.right, item.match) for item in corrections] == [
        ("金额", "见附件", "1280.00", (("发票号", "F1"), ("行号", "1"))),
        ("客户编码", "", "C2", (("发票号", "F2"), ("行号", "1"))),
        ("金额", "x", "7", (("发票号", "F2"), ("行号", "1"))),
    ]
    assert {(item.reason, item.by, item.decided, item.since) for item in corrections} == {
        ("amount in attachment", "Li Na", TODAY, DELIVERED)
    }
    (again,) = world.run(source((feed(),), mode="snapshot"), corrections=corrections)
    assert broken(again) == {"document_date_not_a_date": 1}
    assert world.rows(again, "document_id, customer_id, amount_tax_unknown") == [
        ("F1", "C1", 1280),
        ("F2", "C2", 7),
        ("F3", "C3", 8),
    ]
    mended_mapping(tmp_path)
    assert check_corrections(world.home, folder) == ()


def test_a_row_can_be_mended_in_two_steps(world: World, exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "corrections"
    mend(exported, (2, "客户编码", "C2"))
    release_quarantine(world.home, exported, folder, reason="a", by="b", today=TODAY)
    world.run(source((feed(),), mode="snapshot"), corrections=load_corrections(folder))
    export_quarantine(world.home, exported, rule="amount_tax_unknown_not_an_amount")
    mend(exported, (1, "金额", "7"))
    assert (
        release_quarantine(world.home, exported, folder, reason="a", by="b", today=TODAY).path.name
        == "2024-04-02-rejected-2.yaml"
    )
    (again,) = world.run(source((feed(),), mode="snapshot"), corrections=load_corrections(folder))
    assert ("F2", "C2", 7) in world.rows(again, "document_id, customer_id, amount_tax_unknown")


def test_rows_without_a_key_are_known_by_their_other_cells(world: World, tmp_path: Path) -> None:
    text = "发票号,开票日期,客户编码,金额\nF1,2024-03-05,C1,x\nF1,2024-03-05,C2,x\n"
    world.conform(text, feed(), mode="append")
    path, folder = tmp_path / "r.csv", tmp_path / "corrections"
    export_quarantine(world.home, path)
    mend(path, (0, "金额", "1"), (1, "金额", "2"))
    release_quarantine(world.home, path, folder, reason="a", by="b", today=TODAY)
    corrections = load_corrections(folder)
    assert corrections[0].match == (("发票号", "F1"), ("开票日期", "2024-03-05"), ("客户编码", "C1"))
    (again,) = world.run(source((feed(),), mode="append"), corrections=corrections)
    assert sorted(world.rows(again, "customer_id, amount_tax_unknown")) == [("C1", 1), ("C2", 2)]


def test_rows_nobody_can_tell_apart_need_one_answer(world: World, tmp_path: Path) -> None:
    world.conform("发票号,开票日期,客户编码,金额\nF1,2024-03-05,C1,x\nF1,2024-03-05,C1,x\n", feed())
    path = tmp_path / "r.csv"
    export_quarantine(world.home, path)
    mend(path, (0, "金额", "1"), (1, "金额", "2"))
    with pytest.raises(UsageError) as caught:
        release_quarantine(world.home, path, tmp_path / "corrections", reason="a", by="b")
    assert caught.value.code == "rows_alike"


def test_a_release_needs_a_change_and_an_export(world: World, exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "corrections"
    with pytest.raises(UsageError) as caught:
        release_quarantine(world.home, exported, folder, reason="a", by="b")
    assert caught.value.code == "nothing_changed"
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        release_quarantine(world.home, other, folder, reason="a", by="b")
    assert caught.value.code == "not_an_export"
    with pytest.raises(UsageError) as caught:
        release_quarantine(world.home, tmp_path / "absent.csv", folder, reason="a", by="b")
    assert caught.value.code == "file_not_readable"
    mend(exported, (0, "_record", "77"))
    with pytest.raises(UsageError) as caught:
        release_quarantine(world.home, exported, folder, reason="a", by="b")
    assert (caught.value.code, caught.value.row) == ("row_not_in_quarantine", 2)
    assert not folder.exists()


def test_nothing_to_export_is_said(world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        export_quarantine(world.home, tmp_path / "r.csv")
    assert caught.value.code == "nothing_in_quarantine"
    assert not (tmp_path / "r.csv").exists()


# --- guards -----------------------------------------------------------------------------------------------------------


def released(world: World, exported: Path, tmp_path: Path) -> Path:
    mend(exported, (0, "金额", "1280.00"))
    release_quarantine(world.home, exported, tmp_path / "corrections", reason="a", by="b", today=TODAY)
    return tmp_path / "corrections"


def mended_mapping(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "erp.yaml").write_text(
        "description: t\ntax: unknown\ndelivered_at: 2024-04-01\nfiles:\n"
        "  lines:\n    match: lines.csv\n    mode: snapshot\n    feeds:\n"
        "      - entity: sales_line\n        constants: {document_type: invoice}\n",
        encoding="utf-8",
    )


def test_a_correction_whose_error_is_gone_stops_the_file(world: World, exported: Path, tmp_path: Path) -> None:
    folder = released(world, exported, tmp_path)
    mended_mapping(tmp_path)
    assert check_corrections(world.home, folder) == ()
    (world.exports / "lines.csv").write_text(LINES.replace("见附件", "1280"), encoding="utf-8")
    april = source((feed(),), mode="snapshot", delivered_at=date(2024, 4, 1))
    with pytest.raises(SettingsError) as caught:
        world.run(april, corrections=load_corrections(folder))
    assert (caught.value.code, caught.value.count, caught.value.file) == ("correction_without_error", 1, "lines.csv")
    assert "corrections/2024-04-02-rejected.yaml line 2" in caught.value.details[0]
    assert "1280" not in " ".join(caught.value.lines())
    (stale,) = check_corrections(world.home, folder)
    assert "the text it mends is not" in stale
    # The entry stays for the days on which the error was delivered.
    (path,) = folder.glob("*.yaml")
    path.write_text(path.read_text(encoding="utf-8") + "  until: 2024-03-31\n", encoding="utf-8")
    assert check_corrections(world.home, folder) == ()
    assert world.run(april, corrections=load_corrections(folder))[0].rows_accepted == 2


def test_a_correction_whose_row_is_gone_is_stale(world: World, exported: Path, tmp_path: Path) -> None:
    folder = released(world, exported, tmp_path)
    mended_mapping(tmp_path)
    (path,) = folder.glob("*.yaml")
    path.write_text(path.read_text(encoding="utf-8").replace("F1", "F9"), encoding="utf-8")
    (stale,) = check_corrections(world.home, folder)
    assert "no delivered file has such a row" in stale


def test_corrections_for_other_files_and_days_are_left_alone(world: World, exported: Path, tmp_path: Path) -> None:
    folder = released(world, exported, tmp_path)
    corrections = load_corrections(folder)
    (world.exports / "lines.csv").write_text(LINES.replace("见附件", "1280"), encoding="utf-8")
    early = source((feed(),), mode="snapshot", delivered_at=date(2024, 3, 30))
    assert world.run(early, corrections=corrections)[0].rows_accepted == 2
    other = replace(source((feed(),), system="other"), name="other")
    assert world.run(other, corrections=corrections)[0].rows_accepted == 2


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ("{source: erp}", "missing_key"),
        (
            "{source: erp, file: x, match: {}, column: a, from: b, to: c, reason: d, by: e, date: 2024-01-01}",
            "value_malformed",
        ),
        ("{source: erp, file: x, match: {a: b}, column: a, to: c, reason: d, by: e, date: 2024-01-01}", "missing_key"),
        ("{source: erp, file: x, match: {a: b}, column: a, from: b, to: c, by: e, date: 2024-01-01}", "missing_key"),
        (
            "{source: erp, file: x, match: {a: b}, column: a, from: b, to: c, reason: d, by: e, date: gestern}",
            "value_malformed",
        ),
        ("{source: erp, fiel: x}", "unknown_key"),
    ],
)
def test_an_incomplete_correction_is_refused_with_its_line(tmp_path: Path, entry: str, code: str) -> None:
    (tmp_path / "a.yaml").write_text(f"corrections:\n  - {entry}\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_corrections(tmp_path)
    assert caught.value.code == code and caught.value.line == 2


def test_a_correction_naming_a_header_the_file_lacks(world: World, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "corrections:\n  - {source: erp, file: '*', match: {单号: b}, column: 金额, from: b, to: c, "
        "reason: d, by: e, date: 2024-01-01}\n",
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as caught:
        world.conform(LINES, feed(), corrections=load_corrections(tmp_path))
    assert (caught.value.code, caught.value.column, caught.value.line) == ("correction_header_missing", "单号", 2)

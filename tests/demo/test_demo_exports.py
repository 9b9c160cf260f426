"""The generator as a whole: equal arguments give equal bytes, sizes hold, and the firm is believable."""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from kehu.config.errors import UsageError
from kehu.tasks import demo_masters
from kehu.tasks.demo_exports import usual_lines, write_demo_exports
from kehu.tasks.demo_names import social_credit_codes
from kehu.tasks.demo_world import make_customers, make_owners

from .conftest import CUSTOMERS, MONTHS, Demo, day, make_demo
from .test_demo_files import workbook

LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def hashes(folder: Path) -> dict[str, str]:
    files = [*folder.iterdir(), *folder.with_name(f"{folder.name}.truth").iterdir()]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_arguments_give_the_same_bytes(demo: Demo, tmp_path: Path) -> None:
    write_demo_exports(tmp_path / "again", customers=CUSTOMERS, months=MONTHS)
    assert hashes(tmp_path / "again") == hashes(demo.folder)
    write_demo_exports(tmp_path / "again", customers=CUSTOMERS, months=MONTHS)
    assert hashes(tmp_path / "again") == hashes(demo.folder)


def test_another_seed_gives_another_firm(demo: Demo, tmp_path: Path) -> None:
    other = make_demo(tmp_path / "other", customers=CUSTOMERS, months=MONTHS, seed=7)
    assert other.truth["totals"] != demo.truth["totals"]
    ours, theirs = hashes(demo.folder), hashes(other.folder)
    assert not [
        name for name in ours.keys() & theirs.keys() if ours[name] == theirs[name] and not name.startswith("产品")
    ]


def test_workbooks_carry_no_clock(demo: Demo) -> None:
    for path in demo.folder.glob("*.xlsx"):
        with zipfile.ZipFile(path) as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            stamps = archive.read("docProps/core.xml").decode()
        assert stamps.count("2026-03-31T18:05:12Z") == 2


def test_an_earlier_demo_is_replaced_and_foreign_files_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    write_demo_exports(folder, customers=10, months=2, as_of=date(2025, 12, 31))
    receipt = write_demo_exports(folder, customers=10, months=2)
    assert {path.name for path in folder.iterdir()} == {path.name for path in receipt.files}
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        write_demo_exports(folder, customers=10, months=2)
    assert caught.value.code == "folder_not_empty"
    assert caught.value.keys == ("notes.txt",)
    assert (folder / "notes.txt").exists() and len(list(folder.iterdir())) == len(receipt.files) + 1


@pytest.mark.parametrize("arguments", [{"customers": 0}, {"months": 0}, {"months": 121}, {"lines": 0}])
def test_sizes_out_of_range_are_refused(arguments: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        write_demo_exports(tmp_path / "exports", **arguments)  # type: ignore[arg-type]
    assert caught.value.code == "demo_size"
    assert not (tmp_path / "exports").exists()


@pytest.mark.parametrize(
    ("customers", "months", "as_of"), [(1, 1, date(2026, 3, 31)), (3, 2, date(2024, 2, 29)), (25, 8, date(2026, 3, 2))]
)
def test_the_smallest_demos_work(customers: int, months: int, as_of: date, tmp_path: Path) -> None:
    demo = make_demo(tmp_path / "exports", customers=customers, months=months, as_of=as_of)
    delivered = [date.fromisoformat(entry["delivered_date"]) for entry in demo.truth["files"]]
    assert max(delivered) == as_of
    assert not list(tmp_path.glob(".kehu-demo-*"))


def test_as_many_lines_as_asked_for(demo: Demo, tmp_path: Path) -> None:
    assert demo.receipt.lines == pytest.approx(usual_lines(CUSTOMERS, MONTHS), rel=0.1)
    assert usual_lines(300, 36) == 12_000
    assert usual_lines(1_000_000, 36) == pytest.approx(10_000_000, rel=0.01)
    asked = make_demo(tmp_path / "asked", customers=CUSTOMERS, months=MONTHS, lines=6000)
    assert asked.receipt.lines == pytest.approx(6000, rel=0.1)


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    write_demo_exports(tmp_path / "exports", customers=5, months=3, on_progress=lambda *step: told.append(step))
    assert told == [
        ("documents", 1, 3), ("documents", 2, 3), ("documents", 3, 3), ("master data", 1, 1), ("truth", 1, 1),
    ]  # fmt: skip


def test_many_customers_are_written_as_text(monkeypatch: pytest.MonkeyPatch, demo: Demo, tmp_path: Path) -> None:
    monkeypatch.setattr(demo_masters, "MOST_CUSTOMERS_IN_A_WORKBOOK", 50)
    monkeypatch.setattr(demo_masters, "_CHUNK", 70)
    large = make_demo(tmp_path / "large", customers=CUSTOMERS, months=MONTHS)
    (file,) = [entry["file"] for entry in large.facts("customers")]
    title, printed, header, *rows = large.records(file)
    assert title[0] == "客户档案" and printed[0].startswith("导出时间")
    assert [row[0] for row in rows] == [row["客户编码"] for row in workbook(demo, "客户档案")]
    assert header[0] == "客户编码" and len(rows) == large.receipt.customers


# --- identity codes ---------------------------------------------------------------------------------------------------


def is_valid_uscc(code: str) -> bool:
    """GB 32100-2015 by the book: both check characters."""
    if len(code) != 18 or set(code) - set(LETTERS):
        return False
    total = sum(LETTERS.index(letter) * pow(3, place, 31) for place, letter in enumerate(code[:17]))
    inner = sum(int(letter, 36) * weight for letter, weight in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    return LETTERS[(31 - total % 31) % 31] == code[17] and "0123456789X"[(11 - inner % 11) % 11] == code[16]


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91110000600037341L", "91440300708461136T"])
def test_the_checker_knows_published_codes(code: str) -> None:
    assert is_valid_uscc(code)
    assert not any(is_valid_uscc(code[:9] + letter + code[10:]) for letter in LETTERS if letter != code[9])


def test_made_codes_are_valid_and_distinct() -> None:
    serials = np.arange(20_000)
    codes = social_credit_codes(np.full(20_000, 440300), serials).to_pylist()
    assert all(map(is_valid_uscc, codes))
    assert len(set(codes)) == len(codes)


def test_all_customers_have_valid_codes_but_the_planted_one(demo: Demo) -> None:
    rows = workbook(demo, "客户档案")
    wrong = [row["客户编码"] for row in rows if row["统一社会信用代码"] and not is_valid_uscc(row["统一社会信用代码"])]
    (planted,) = [row for row in demo.truth["planted_rows"] if row["rule"] == "uscc_check_digit"]
    assert wrong == [planted["key"]]
    assert rows[planted["record"] - 4]["客户编码"] == planted["key"], "below two title rows and the header"
    assert 0 < sum(not row["统一社会信用代码"] for row in rows) < len(rows) / 4


# --- is it believable? ------------------------------------------------------------------------------------------------


def test_few_customers_make_most_of_the_sales(demo: Demo) -> None:
    sales = sorted(
        (Decimal(row["net_sales"]) for row in demo.truth_table("classes.csv") if row["scored_party"] == "bill_to"),
        reverse=True,
    )
    top = sum(sales[: len(sales) // 5]) / sum(sales)
    assert Decimal("0.55") < top < Decimal("0.9")
    assert sales[0] / sum(sales) < Decimal("0.3")


def test_margins_are_those_of_a_distributor(demo: Demo) -> None:
    margin = Decimal(demo.truth["totals"]["gross_profit"]) / Decimal(demo.truth["totals"]["net_sales"])
    assert Decimal("0.05") < margin < Decimal("0.3")


def test_the_year_has_its_seasons(tmp_path: Path) -> None:
    demo = make_demo(tmp_path / "exports", customers=1000, months=36)
    lines = {entry["file"].split("_")[1]: entry["rows_data"] for entry in demo.facts("sales")}
    september, december = (sum(lines[f"{year}{month}"] for year in (2023, 2024, 2025)) for month in ("09", "12"))
    assert december > 1.1 * september
    for festival, usual in (("202402", "202309"), ("202501", "202409"), ("202602", "202509")):
        assert lines[festival] < 0.9 * lines[usual]


def test_stories_come_true(demo: Demo) -> None:
    rows = demo.truth_table("customers.csv")
    begin, end = date(2024, 12, 1), date(2026, 4, 1)
    for row in rows:
        turn = begin + (end - begin) * float(row["turning_point"])
        last = row["last_document_date"]
        if row["story"] == "churned" and last:
            # A return or a red letter may still follow in the next month.
            assert (date.fromisoformat(last) - turn).days < 62, row["customer_id"]
        if row["story"] == "prospect":
            assert not last
        if row["story"] == "new" and row["first_document_date"]:
            assert (turn - date.fromisoformat(row["first_document_date"])).days < 31
    assert len({row["story"] for row in rows}) >= 8


def test_customers_pay_as_their_habit_says(demo: Demo) -> None:
    invoiced = {}
    for entry in demo.facts("sales"):
        for row in demo.rows(entry["file"]):
            if not any(row["单据编号"] == planted["key"] for planted in demo.truth["planted_rows"]):
                invoiced[row["单据编号"]] = day(row["单据日期"])
    habits = {row["customer_id"]: (row["payer"], int(row["term_days"])) for row in demo.truth_table("customers.csv")}
    late: dict[str, list[int]] = {}
    for entry in demo.facts("payments"):
        for row in demo.rows(entry["file"]):
            if row["核销发票号"] not in invoiced:
                continue  # an invoice from before the export
            payer, term = habits[row["客户编码"].strip()]
            late.setdefault(payer, []).append((day(row["回款日期"]) - invoiced[row["核销发票号"]]).days - term)
    middle = {payer: float(np.median(days)) for payer, days in late.items()}
    assert middle["prompt"] < middle["usual"] < middle["late"] < middle["very_late"]


def test_a_larger_world_holds_together() -> None:
    owners = make_owners(1, 20_000, date(2026, 3, 31))
    customers = make_customers(1, 20_000, 36, owners)
    assert len(set(customers.code)) == len(customers)
    heads = customers.head[customers.head >= 0]
    assert (customers.head[customers.head[heads][customers.head[heads] >= 0]] < 0).all(), "three levels at most"
    assert 0 < (customers.head[np.unique(heads)] >= 0).sum() < len(np.unique(heads)) / 10
    assert (customers.copy_of >= 0).sum() == 200
    assert (customers.moved_to[heads] < 0).all(), "a head office keeps its code"
    kinds = Counter(customers.kind.tolist())
    assert kinds[0] > kinds[1] > kinds[2] > kinds[3] == 2

"""Landing: which files are taken, for which day, and how each is known again."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from kehu.config.errors import InputError, SettingsError
from kehu.config.sources import Feed, FileMapping, SourceMapping
from kehu.tasks.land import Delivery, all_deliveries, date_in_name, known_deliveries, land_exports

NOW = datetime(2024, 3, 6, 20, 30, tzinfo=UTC)
"""Already the seventh of March in Shanghai."""


def source(
    *files: FileMapping,
    delivered_at: date | Literal["name", "arrival"] = "name",
    ignore: tuple[tuple[str, str], ...] = (),
) -> SourceMapping:
    return SourceMapping(
        name="crm",
        system="crm",
        description="",
        files=files or (kind("sales", "销售*.csv"), kind("customers", "客户*.csv")),
        tax="unknown",
        delivered_at=delivered_at,
        ignore=ignore,
        file="sources/crm.yaml",
    )


def kind(
    name: str, *match: str, mode: Any = "snapshot", required: bool = True, sheet: str | None = None
) -> FileMapping:
    feeds = (Feed("sales_line"),)
    return FileMapping(name=name, match=match, mode=mode, required=required, sheet=sheet, feeds=feeds)


@pytest.fixture
def exports(tmp_path: Path) -> Path:
    folder = tmp_path / "exports"
    folder.mkdir()
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "var"


def put(exports: Path, name: str, content: str = "客户编码,金额\nC1,1\n") -> None:
    path = exports / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("客户_20240305.csv", date(2024, 3, 5)),
        ("客户20240305123000.csv", date(2024, 3, 5)),
        ("客户_2024-03-05.csv", date(2024, 3, 5)),
        ("客户 2024.3.5 (1).csv", date(2024, 3, 5)),
        ("客户_2024_03_05.csv", date(2024, 3, 5)),
        ("客户2024年3月5日.xlsx", date(2024, 3, 5)),
        ("客户２０２４年３月５日.xlsx", date(2024, 3, 5)),
        ("销售明细20240301-20240305.csv", date(2024, 3, 5)),
        ("2024年2月.xlsx", date(2024, 2, 29)),
        ("2023年2月份.xlsx", date(2023, 2, 28)),
        ("客户_2024-02.csv", date(2024, 2, 29)),
        ("客户_202402.csv", date(2024, 2, 29)),
        ("202312销售_20240105.csv", date(2024, 1, 5)),
        ("20240305/客户.csv", date(2024, 3, 5)),
        ("2024/20240305/客户.csv", date(2024, 3, 5)),
        ("20240305/客户_20240304.csv", date(2024, 3, 4)),
        ("客户_20241305.csv", None),
        ("客户_20240230.csv", None),
        ("客户_1709640000000.csv", None),
        ("客户.csv", None),
        ("客户2024.csv", None),
    ],
)
def test_dates_in_names(name: str, day: date | None) -> None:
    assert date_in_name(name) == day


def test_files_are_kept_as_received(exports: Path, home: Path) -> None:
    put(exports, "销售_20240305.csv")
    put(exports, "上海/客户_20240304.csv", "客户编码\nC1\n")
    put(exports, "说明.docx")
    landing = land_exports(source(), exports, home, NOW)
    assert [delivery.file_name for delivery in landing.batch] == ["销售_20240305.csv", "上海/客户_20240304.csv"]
    assert landing.unmapped_files == ("说明.docx",)
    assert landing.missing_files == ()
    assert landing.reused == 0
    first = landing.batch[0]
    assert first.delivered_date == date(2024, 3, 5)
    assert first.delivery_id == f"20240305-{first.sha256[:12]}"
    assert first.raw_path == home / "raw" / first.sha256[:2] / first.sha256 / "销售_20240305.csv"
    assert first.raw_path.read_bytes() == (exports / "销售_20240305.csv").read_bytes()
    assert first.byte_count == first.raw_path.stat().st_size
    assert known_deliveries(home, "crm", None) == (landing.batch[1], first)
    assert known_deliveries(home, "crm", date(2024, 3, 4)) == (landing.batch[1],)
    assert known_deliveries(home, "erp", None) == ()


def test_only_the_owner_may_look(exports: Path, home: Path) -> None:
    put(exports, "销售_20240305.csv")
    land_exports(source(kind("sales", "销售*.csv")), exports, home, NOW)
    for path in (home / "raw").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_home_can_be_moved(exports: Path, home: Path, tmp_path: Path) -> None:
    put(exports, "销售_20240305.csv")
    land_exports(source(), exports, home, NOW)
    moved = home.rename(tmp_path / "elsewhere")
    assert known_deliveries(moved, "crm", None)[0].raw_path.is_file()


def test_a_second_landing_finds_everything_known(exports: Path, home: Path) -> None:
    put(exports, "销售_20240305.csv")
    put(exports, "客户_20240305.csv", "客户编码\nC1\n")
    first = land_exports(source(), exports, home, NOW)
    again = land_exports(source(), exports, home, datetime(2024, 4, 1, tzinfo=UTC))
    assert again.batch == first.batch
    assert again.reused == 2
    assert len(known_deliveries(home, "crm", None)) == 2


def test_snapshots_are_known_by_content_and_day(exports: Path, home: Path) -> None:
    """The same master on two days says that nothing changed in between: two deliveries."""
    put(exports, "客户_20240305.csv")
    put(exports, "客户_20240306.csv")
    put(exports, "客户_20240306 (1).csv")
    landing = land_exports(source(kind("customers", "客户*.csv")), exports, home, NOW)
    assert [delivery.delivered_date.day for delivery in landing.batch] == [5, 6]
    assert landing.reused == 1


def test_events_are_known_by_content_alone(exports: Path, home: Path) -> None:
    """The same events under another name and day would count twice."""
    put(exports, "销售_20240305.csv")
    put(exports, "销售_20240306.csv")
    landing = land_exports(source(kind("sales", "销售*.csv", mode="append")), exports, home, NOW)
    assert [delivery.file_name for delivery in landing.batch] == ["销售_20240305.csv"]
    assert landing.reused == 1


def test_arrival_is_the_day_in_the_time_zone_of_the_source(exports: Path, home: Path) -> None:
    mapping = source(kind("customers", "客户.csv"), delivered_at="arrival")

    def land(content: str, day: int) -> Delivery:
        put(exports, "客户.csv", content)
        return land_exports(mapping, exports, home, NOW.replace(day=day)).batch[0]

    first = land("A\n", 6)
    assert first.delivered_date == date(2024, 3, 7)
    # The same content stays the same delivery, until another has come in between.
    assert land("A\n", 7) == first
    second = land("B\n", 8)
    assert second.delivered_date == date(2024, 3, 9)
    third = land("A\n", 9)
    assert third.delivered_date == date(2024, 3, 10)
    assert land("A\n", 10) == third
    assert known_deliveries(home, "crm", None) == (first, second, third)


def test_a_fixed_day(exports: Path, home: Path) -> None:
    put(exports, "销售.csv")
    landing = land_exports(source(delivered_at=date(2017, 12, 31)), exports, home, NOW)
    assert landing.batch[0].delivered_date == date(2017, 12, 31)
    assert landing.missing_files == ("customers",)


def test_what_is_left_alone(exports: Path, home: Path) -> None:
    put(exports, "销售_20240305.csv")
    for name in (
        "~$销售_20240305.csv",
        ".销售_20240305.csv",
        "销售_20240306.csv.part",
        "销售.tmp",
        ".git/销售_1.csv",
        "Thumbs.db",
    ):
        put(exports, name)
    put(exports, "旧/销售_20230101.csv")
    landing = land_exports(source(kind("sales", "销售*"), ignore=(("旧/*", "old"),)), exports, home, NOW)
    assert len(landing.batch) == 1
    assert len(landing.ignored_files) == 7
    assert landing.unmapped_files == ()


def test_patterns_do_not_care_for_case_or_composition(exports: Path, home: Path) -> None:
    put(exports, "SALES_Café_20240305.CSV")
    landing = land_exports(source(kind("sales", "sales_cafe\u0301*.csv")), exports, home, NOW)
    assert len(landing.batch) == 1


def test_a_workbook_may_be_several_kinds_of_file(exports: Path, home: Path) -> None:
    put(exports, "全部_20240305.xlsx")
    kinds = (kind("sales", "全部*.xlsx", sheet="销售"), kind("customers", "全部*.xlsx", sheet="客户"))
    landing = land_exports(source(*kinds), exports, home, NOW)
    assert [delivery.file_mapping for delivery in landing.batch] == ["sales", "customers"]
    assert len(known_deliveries(home, "crm", None)) == 2
    assert land_exports(source(*kinds), exports, home, NOW).batch == landing.batch


def test_a_killed_landing_leaves_no_delivery(exports: Path, home: Path) -> None:
    with (exports / "销售_20240305.csv").open("wb") as file:
        file.truncate(4 << 30)  # long to hash, no room on disk
    program = (
        "import sys; from datetime import UTC, datetime; from pathlib import Path\n"
        "from kehu.config.sources import Feed, FileMapping, SourceMapping\n"
        "from kehu.tasks.land import land_exports\n"
        "kind = FileMapping(name='sales', match=('*.csv',), feeds=(Feed('sales_line'),))\n"
        "mapping = SourceMapping('crm', 'crm', '', (kind,), 'unknown', 'name')\n"
        "land_exports(mapping, Path(sys.argv[1]), Path(sys.argv[2]), datetime.now(UTC))\n"
    )
    landing = subprocess.Popen([sys.executable, "-c", program, str(exports), str(home)])
    try:
        deadline = time.monotonic() + 30
        while not any(path.stat().st_size for path in (home / "raw").glob(".landing-*")):
            assert landing.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
    finally:
        os.kill(landing.pid, signal.SIGKILL)
        landing.wait()
    assert known_deliveries(home, "crm", None) == ()
    put(exports, "销售_20240305.csv")
    mapping = source(kind("sales", "*.csv"))
    assert land_exports(mapping, exports, home, NOW).batch == known_deliveries(home, "crm", None)
    # What the killed one left behind is gone too.
    assert not list((home / "raw").glob(".landing-*"))


# --- what is refused --------------------------------------------------------------------------------------------------


def test_no_date_in_the_name(exports: Path, home: Path) -> None:
    put(exports, "销售_20240305.csv")
    put(exports, "客户.csv")
    with pytest.raises(InputError) as caught:
        land_exports(source(), exports, home, NOW)
    assert caught.value.code == "no_date_in_name"
    assert caught.value.file == "客户.csv"
    assert "delivered_at" in (caught.value.hint or "")
    # Nothing is taken of a folder that cannot be taken whole.
    assert known_deliveries(home, "crm", None) == ()


def test_nothing_mapped(exports: Path, home: Path) -> None:
    put(exports, "a.csv")
    with pytest.raises(InputError) as caught:
        land_exports(source(), exports, home, NOW)
    assert caught.value.lines() == [
        "No file of the export folder fits the source.",
        "  count 1",
        "  found: a.csv",
        "  wanted: sales: 销售*.csv",
        "  wanted: customers: 客户*.csv",
        "  → see --exports and --source, or the `match` patterns of source crm",
    ]
    with pytest.raises(InputError) as caught:
        land_exports(source(), exports / "nowhere", home, NOW)
    assert caught.value.code == "exports_not_found"


def test_a_file_that_is_still_being_written(exports: Path, home: Path) -> None:
    path = exports / "销售_20240305.csv"
    with path.open("wb") as file:
        file.truncate(256 << 20)
    is_over = threading.Event()

    def write_on() -> None:
        while not is_over.wait(0.001):
            with path.open("ab") as file:
                file.write(b"1")

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        with pytest.raises(InputError) as caught:
            land_exports(source(kind("sales", "*.csv")), exports, home, NOW)
    finally:
        is_over.set()
        writer.join()
    assert caught.value.code == "file_still_changing"
    assert known_deliveries(home, "crm", None) == ()


def test_a_day_s_file_that_goes_back_to_its_first_content_counts_again(exports: Path, home: Path) -> None:
    stated = source(kind("客户", "客户*.csv", mode="snapshot"), delivered_at="name")
    path = exports / "客户_20240305.csv"
    ids = []
    for hour, name in enumerate("甲乙甲"):
        path.write_text(f"客户编码,客户名称\nA,{name}\n", encoding="utf-8")
        landing = land_exports(stated, exports, home, datetime(2024, 3, 6, hour, tzinfo=UTC))
        assert landing.reused == 0
        ids.append(landing.batch[0].delivery_id)
    known = all_deliveries(home, None)
    assert ids[0] == ids[2] != ids[1]
    arrivals = [(delivery.delivery_id, delivery.arrived_at[11:13]) for delivery in known]
    assert arrivals == [(ids[1], "01"), (ids[0], "02")]


def test_a_file_claimed_twice(exports: Path, home: Path) -> None:
    put(exports, "销售_20240305.csv")
    with pytest.raises(SettingsError) as caught:
        land_exports(source(kind("one", "销售*.csv"), kind("two", "*.csv")), exports, home, NOW)
    assert caught.value.code == "file_claimed_twice"
    assert caught.value.file == "sources/crm.yaml"

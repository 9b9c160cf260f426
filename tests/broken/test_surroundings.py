"""What surrounds a night: home, disk, lock, warehouse, an impatient user."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from shop import NO_SCORES, Outcome, Shop

HOLDS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from kehu.warehouse.lock import hold_lock
with hold_lock(Path(sys.argv[1]), command="kehu run shop 2024-03-31", started_at=datetime(2024, 4, 1, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


def outcome(process: subprocess.Popen[str]) -> Outcome:
    out, err = process.communicate(timeout=120)
    return Outcome(process.returncode, out, err)


def test_another_run_holds_the_lock(shop: Shop) -> None:
    arguments = [sys.executable, "-c", HOLDS, str(shop.home)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None and first.stdout.readline() == b"held\n"
        error = shop.refused(14, "locked")
        assert f"pid {first.pid}" in error["details"] and "command kehu run shop 2024-03-31" in error["details"]
        assert shop.kehu(shop.night("--json", command="check")).exit_code == 0  # a dry run needs no lock
        first.communicate(b"")
    shop.published(*NO_SCORES)


@pytest.mark.parametrize("place", ["file", "/proc/kehu"])
def test_a_home_that_cannot_be_written(shop: Shop, place: str) -> None:
    # Root may write everywhere, so permissions cannot be tried; these refuse everyone.
    home = Path(place) if place.startswith("/") else shop.folder / place
    if not place.startswith("/"):
        home.write_text("not a folder")
    error = shop.run("--home", str(home)).refused(10, "home_not_writable")
    assert error["file"] == str(home)


def test_a_warehouse_link_that_is_not_ours(shop: Shop) -> None:
    shop.warehouse.parent.mkdir(parents=True)
    shop.warehouse.write_text("not a database")
    error = shop.kehu(shop.night("--json")).refused(13, "not_our_link")
    assert error["file"] == str(shop.warehouse)
    assert shop.warehouse.read_text() == "not a database"


def test_a_published_file_that_is_no_database(shop: Shop) -> None:
    shop.published(*NO_SCORES)
    published = shop.warehouse.resolve()
    published.chmod(0o644)
    published.write_text("not a database")
    for arguments in (["runs"], ["runs", "show", "2024"]):
        error = shop.kehu(shop.here(*arguments, "--json")).refused(13, "not_a_warehouse")
        assert error["file"] == str(published)
    shop.published(*NO_SCORES)  # the same night again: published anew, from the private master
    assert shop.warehouse.resolve() != published and shop.accepted() == 82_000


def test_a_published_file_that_is_gone(shop: Shop) -> None:
    shop.published(*NO_SCORES)
    shop.warehouse.resolve().unlink()
    error = shop.kehu(shop.here("runs", "--json")).refused(13, "version_missing")
    assert "again" in error["hint"]
    shop.published(*NO_SCORES)
    assert shop.accepted() == 82_000
    shop.warehouse.unlink()
    shop.refused(13, "link_missing")


def test_a_warehouse_folder_that_cannot_be_reached(shop: Shop) -> None:
    error = shop.refused(13, "not_reachable", "--warehouse", "duckdb:////proc/kehu/kehu.duckdb")
    assert error["file"] == "/proc/kehu"


def test_no_warehouse_yet(shop: Shop) -> None:
    error = shop.kehu(shop.here("runs", "--json")).refused(13, "warehouse_missing")
    assert "kehu run" in error["hint"]


def test_a_published_file_somebody_writes_to(shop: Shop) -> None:
    shop.published(*NO_SCORES)
    shop.warehouse.resolve().chmod(0o644)
    writes = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    arguments = [sys.executable, "-c", writes, str(shop.warehouse.resolve())]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"open\n"
        shop.kehu(shop.here("runs", "--json")).refused(13, "opened_for_writing")
        shop.sales[0][5] = "101.00"
        shop.export(day="20240401")
        assert shop.published(*NO_SCORES)["status"] == "published"  # it does not stop a night, nor get into it
        assert shop.accepted() == 82_001
        other.communicate(b"")


@pytest.mark.parametrize(("most_bytes", "options"), [(2_000, NO_SCORES), (60_000, ())])
def test_disk_full(shop: Shop, most_bytes: int, options: tuple[str, ...]) -> None:
    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    shop.sales *= 4  # a file above the smaller limit
    shop.export()
    before = shop.state()
    error = outcome(shop.start(shop.night("--json", *options), before=small_disk)).refused(15, "disk_full")
    assert "run" in error["hint"]
    after = shop.state()
    assert after["warehouse"] is None and (after["unfinished"], after["scratch"]) == (before["unfinished"], [])
    assert shop.published(*options)["gate"] == "open"  # with room again, the same command gets through


@pytest.mark.parametrize("stage", ["landing files", "accounting for every row"])
def test_interrupted(shop: Shop, stage: str) -> None:
    process = shop.start(shop.night())
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(stage):
            break
    os.kill(process.pid, signal.SIGINT)
    ended = outcome(process)
    assert ended.exit_code == 130, ended.err
    assert ended.err.strip().endswith("run the same command again")
    assert "Traceback" not in ended.err
    state = shop.state()
    assert (state["warehouse"], state["deliveries"], state["unfinished"], state["scratch"]) == (None, [], [], [])


def test_interrupted_with_json(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from kehu.flows import steps

    def impatient(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(steps, "conform", impatient)
    shop.refused(130, "interrupted", *NO_SCORES)
    monkeypatch.undo()
    shop.published(*NO_SCORES)  # nothing that was left stands in the way


def test_the_reader_of_our_output_goes_away(shop: Shop) -> None:
    with shop.start(shop.here("dictionary")) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_defect_of_ours_is_said_to_be_one(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from kehu.flows import steps

    def defective(*_: object) -> None:
        raise ZeroDivisionError(f"{shop.customers[0][1]} {shop.customers[0][2]}")

    monkeypatch.setattr(steps, "land", defective)
    error = shop.kehu(shop.night("--json")).refused(1, "defect")
    written = Path(error["message"].split(" is in ")[1])
    assert "ZeroDivisionError" in written.read_text() and written.parent == shop.home / "defects"


def test_what_a_reader_of_the_pipe_sees_is_whole_lines(shop: Shop) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "kehu.flows.cli", *shop.night()],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True,
    )  # fmt: skip
    lines = process.stdout.splitlines()
    stages = [line for line in lines if line.endswith(" s") and line.startswith(("settings", "publishing"))]
    assert len(stages) == 2 and lines[0] == stages[0]
    assert lines[-1].startswith("What this run used") and process.stdout.endswith("\n")
    with duckdb.connect(str(shop.warehouse), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM kehu.v_abc_customer").fetchall() == [(8,)]
    assert json.loads(shop.kehu(shop.here("runs", "--json")).out)["runs"][0]["gate"] == "open"

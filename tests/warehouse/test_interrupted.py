"""A publication killed or starved at any step leaves the old version or the new one, and the next one succeeds."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
import tiny_nights
from tiny_nights import make_night, publish

from kehu.config.errors import EXIT_RESOURCES, EXIT_WAREHOUSE, KehuError, OutOfResources, WarehouseError
from kehu.warehouse.connections import readable_failures
from kehu.warehouse.duckdb_file import linked_version
from kehu.warehouse.publish import PUBLISH_STEPS
from kehu.warehouse.read import list_runs, reading

NEW_FROM = PUBLISH_STEPS.index("linked")


def publish_and_die(folder: Path, day: int, mark: str, step: str) -> None:
    program = [sys.executable, tiny_nights.__file__, str(folder), str(day), mark, step, "3"]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def days(warehouse: Path) -> list[date]:
    """The published days as a reader meets them: rows, pointers and log must tell the same."""
    with reading(warehouse) as con:
        rows = con.execute("SELECT DISTINCT as_of FROM v_abc_customer_history ORDER BY 1").fetchall()
        pointers = con.execute("SELECT DISTINCT as_of FROM run_current ORDER BY 1").fetchall()
        log = con.execute("SELECT DISTINCT as_of FROM run_log ORDER BY 1").fetchall()
    assert rows == pointers == log
    return [row[0] for row in rows]


@pytest.mark.parametrize("step", PUBLISH_STEPS)
def test_killed_at_any_step_of_a_later_night(tmp_path: Path, step: str) -> None:
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    publish_and_die(tmp_path, 6, "b" * 12, step)
    is_new = PUBLISH_STEPS.index(step) >= NEW_FROM
    old, new = [date(2026, 1, 5)], [date(2026, 1, 5), date(2026, 1, 6)]
    assert days(warehouse) == (new if is_new else old)

    again = publish(warehouse, make_night(tmp_path / "rows", 6, "b" * 12))
    assert again.changed != is_new
    assert days(warehouse) == new
    publish(warehouse, make_night(tmp_path / "rows", 7, "c" * 12))
    assert len(days(warehouse)) == 3
    linked = linked_version(warehouse)
    assert sorted(p.name for p in (warehouse / ".master").iterdir()) == [
        f"kehu-{linked:06d}.duckdb", f"kehu-{linked:06d}.json", "lock", "published",
    ]  # fmt: skip
    assert len(list(warehouse.glob("kehu-*"))) == 3 and not list(warehouse.glob(".kehu-*"))


@pytest.mark.parametrize("step", ["source_copied", "master_named", "version_named", "linked"])
def test_killed_in_the_first_night(tmp_path: Path, step: str) -> None:
    warehouse = tmp_path / "warehouse"
    publish_and_die(tmp_path, 5, "a" * 12, step)
    if step == "linked":
        assert days(warehouse) == [date(2026, 1, 5)]
    else:
        with pytest.raises(WarehouseError) as raised:
            list_runs(warehouse)
        assert raised.value.code == "warehouse_missing"
    publish(warehouse, make_night(tmp_path / "rows", 6, "b" * 12))
    assert days(warehouse)[-1] == date(2026, 1, 6)


def test_a_number_is_never_used_twice(tmp_path: Path) -> None:
    """A reader may hold the leftover of a killed publication open: the next version must not bear its name."""
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    for step in ("version_named", "source_copied", "master_named"):
        publish_and_die(tmp_path, 6, "b" * 12, step)
    assert publish(warehouse, make_night(tmp_path / "rows", 6, "b" * 12)).version == 5


def test_an_interrupted_publication_cleans_up_at_once(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    before = sorted(path.name for path in warehouse.rglob("*"))

    def interrupt(at: str) -> Callable[[str], None]:
        def on_step(step: str) -> None:
            if step == at:
                raise KeyboardInterrupt

        return on_step

    for step in PUBLISH_STEPS[: PUBLISH_STEPS.index("master_named")]:
        with pytest.raises(KeyboardInterrupt):
            publish(warehouse, make_night(tmp_path / "rows", 6), on_step=interrupt(step))
        assert sorted(path.name for path in warehouse.rglob("*")) == before, step


STARVED = """
import resource, signal, sys
from pathlib import Path
sys.path.append(sys.argv[1])
from tiny_nights import make_night, publish
from kehu.config.errors import KehuError
night = make_night(Path(sys.argv[2]) / "rows", 6, "b" * 12, customers=60_000)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    publish(Path(sys.argv[2]) / "warehouse", night)
except KehuError as error:
    print(error.code, error.exit_code)
"""


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_no_room_on_the_disk(tmp_path: Path, share: float) -> None:
    """Files may not grow beyond a limit, which is how a full disk shows itself to one process."""
    warehouse = tmp_path / "warehouse"
    publish(warehouse, make_night(tmp_path / "rows", 5))
    needed = publish(tmp_path / "elsewhere", make_night(tmp_path / "rows", 6, customers=60_000)).path.stat().st_size
    limit = max(int(needed * share), (warehouse / "kehu-000001.duckdb").stat().st_size)
    here = str(Path(tiny_nights.__file__).parent)
    ended = subprocess.run(
        [sys.executable, "-c", STARVED, here, str(tmp_path), str(limit)], capture_output=True, text=True, timeout=120
    )
    assert ended.stdout.split() == ["disk_full", str(EXIT_RESOURCES)], ended.stderr
    assert days(warehouse) == [date(2026, 1, 5)]
    assert sorted(p.name for p in (warehouse / ".master").iterdir()) == [
        "kehu-000001.duckdb", "kehu-000001.json", "lock", "published",
    ]  # fmt: skip
    assert publish(warehouse, make_night(tmp_path / "rows", 6)).changed
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("error", "kind", "exit_code"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), OutOfResources, EXIT_RESOURCES),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), OutOfResources, EXIT_RESOURCES),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES)), WarehouseError, EXIT_WAREHOUSE),
        (MemoryError(), OutOfResources, EXIT_RESOURCES),
    ],
)
def test_failures_of_the_machine_are_told_as_what_they_are(
    error: Exception, kind: type[KehuError], exit_code: int
) -> None:
    with pytest.raises(kind) as raised, readable_failures("here"):
        raise error
    assert raised.value.exit_code == exit_code and raised.value.file == "here"


def test_memory_that_runs_out(tmp_path: Path) -> None:
    night = make_night(tmp_path / "rows", 5, customers=200_000)
    with pytest.raises(OutOfResources) as raised:
        publish(tmp_path / "warehouse", night, memory_limit="1MB")
    assert raised.value.code == "out_of_memory"
    assert not list((tmp_path / "warehouse").glob("kehu*"))

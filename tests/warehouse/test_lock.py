"""One writer at a time; the lock of a killed run is free."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tiny_nights import make_night, publish

from kehu.config.errors import EXIT_LOCKED, AnotherRunHoldsTheLock
from kehu.warehouse.lock import hold_lock, lock_owner

BEGAN = datetime(2026, 1, 5, 18, tzinfo=UTC)

HOLDS = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from kehu.warehouse.lock import hold_lock
with hold_lock(Path(sys.argv[1]), command="run demo 2026-01-05", started_at=datetime(2026, 1, 5, 18, tzinfo=UTC)):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_writer_is_told_who_holds_it_and_since_when(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None and first.stdout.readline() == b"held\n"
        with pytest.raises(AnotherRunHoldsTheLock) as raised, hold_lock(home, command="second", started_at=BEGAN):
            pass
        error = raised.value
        assert error.exit_code == EXIT_LOCKED and error.code == "locked"
        assert f"pid {first.pid}" in error.details and "command run demo 2026-01-05" in error.details
        assert "started_at 2026-01-05T18:00:00+00:00" in error.details
        assert json.loads((home / "lock").read_text())["pid"] == first.pid  # the refused one did not wipe it

        os.kill(first.pid, signal.SIGKILL)
        first.wait(timeout=10)
    with hold_lock(home, command="third", started_at=BEGAN):
        assert lock_owner(home)["command"] == "third"
    assert lock_owner(home) == {}


def test_a_lock_in_the_same_process_is_a_lock_too_and_is_given_back_after_an_error(tmp_path: Path) -> None:
    with (
        hold_lock(tmp_path, command="first", started_at=BEGAN),
        pytest.raises(AnotherRunHoldsTheLock),
        hold_lock(tmp_path, command="second", started_at=BEGAN),
    ):
        pass
    with pytest.raises(RuntimeError), hold_lock(tmp_path, command="fails", started_at=BEGAN):
        raise RuntimeError
    with hold_lock(tmp_path, command="again", started_at=BEGAN):
        pass


def test_an_owner_that_is_not_yet_written_is_said_so(tmp_path: Path) -> None:
    with hold_lock(tmp_path, command="first", started_at=BEGAN):
        (tmp_path / "lock").write_text("")
        with pytest.raises(AnotherRunHoldsTheLock) as raised, hold_lock(tmp_path, command="second", started_at=BEGAN):
            pass
    assert raised.value.details == ("the other run has only just begun",)


def test_two_publications_into_one_folder_exclude_each_other(tmp_path: Path) -> None:
    night, other = make_night(tmp_path / "rows", 5), make_night(tmp_path / "rows", 6)

    def publish_another(step: str) -> None:
        if step == "rows_added":
            with pytest.raises(AnotherRunHoldsTheLock):
                publish(tmp_path / "warehouse", other)

    assert publish(tmp_path / "warehouse", night, on_step=publish_another).changed
    assert publish(tmp_path / "warehouse", other).changed

"""Scratch folders: gone when the work ends, cleared when their process was killed, left alone while it lives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kehu.warehouse.scratch import clear_abandoned_scratch, new_scratch_folder, scratch_folder, scratch_root

KILLED = """
import os, signal, sys
from pathlib import Path
from kehu.warehouse.scratch import new_scratch_folder
(new_scratch_folder(Path(sys.argv[1]), "stage") / "rows.parquet").write_text("half")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_is_gone_when_the_work_ends_or_fails(tmp_path: Path) -> None:
    with scratch_folder(tmp_path, "stage") as folder:
        (folder / "rows.parquet").write_text("rows")
        assert folder.parent == scratch_root(tmp_path) and folder.parent.stat().st_mode & 0o077 == 0
    with pytest.raises(ZeroDivisionError), scratch_folder(tmp_path, "stage"):
        _ = 1 / 0
    assert list(scratch_root(tmp_path).iterdir()) == []


def test_what_a_killed_process_left_is_cleared_and_the_living_keep_theirs(tmp_path: Path) -> None:
    ours = new_scratch_folder(tmp_path, "stage")
    unknown = scratch_root(tmp_path) / "somebodys"
    unknown.mkdir()
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False).returncode == -9
    left = {folder.name for folder in scratch_root(tmp_path).iterdir()} - {ours.name, unknown.name}
    assert len(left) == 1
    assert set(clear_abandoned_scratch(tmp_path)) == left
    assert {folder.name for folder in scratch_root(tmp_path).iterdir()} == {ours.name, unknown.name}

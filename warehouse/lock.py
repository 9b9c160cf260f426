"""One writer at a time: an advisory lock on a file, given back by the system when its holder dies.

May import: `config`.

The lock is the kernel's (`flock`), not the file's existence: a killed run leaves the file, never the lock. What stands
in the file only says who holds it.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from kehu.config.errors import AnotherRunHoldsTheLock

LOCK_NAME = "lock"
"""File name of the lock in the folder it guards."""


@contextmanager
def hold_lock(folder: Path, *, started_at: datetime, command: str) -> Iterator[None]:
    """Hold `folder/lock` for the body of the `with` statement.

    Args:
        folder: folder to lock; made if absent.
        started_at: when the run began, told to a second writer.
        command: what is run, told to a second writer; must hold no password.

    Raises:
        AnotherRunHoldsTheLock: another process (or another call in this one) holds it; says who and since when.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK_NAME
    # Never O_TRUNC: a second writer must not wipe the facts of the first. Not inherited by programs a run starts.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held_by_another(path) from None
        _write_owner(
            descriptor,
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "started_at": started_at.isoformat(),
                "command": command,
            },
        )
        try:
            yield
        finally:
            # The file stays: removing it would let two writers lock two different files of the same name.
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def lock_owner(folder: Path) -> dict[str, Any]:
    """Who holds (or, killed, last held) the lock: pid, host, started_at, command; empty when nobody does."""
    try:
        text = (folder / LOCK_NAME).read_text(encoding="utf-8")
        owner = json.loads(text) if text else {}
    except (FileNotFoundError, ValueError):  # a second writer may look while the first is still writing
        return {}
    return owner if isinstance(owner, dict) else {}


def _write_owner(descriptor: int, owner: dict[str, Any]) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(owner, ensure_ascii=False).encode(), 0)


def _held_by_another(path: Path) -> AnotherRunHoldsTheLock:
    owner = lock_owner(path.parent)
    details = [f"{name} {owner[name]}" for name in ("pid", "host", "started_at", "command") if name in owner]
    return AnotherRunHoldsTheLock(
        "Another run is under way here; only one may write at a time.",
        code="locked",
        file=str(path),
        details=details or ["the other run has only just begun"],
        hint="wait until it has ended; a killed run gives its lock back by itself",
    )

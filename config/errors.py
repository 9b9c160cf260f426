"""The errors a user can meet, and the exit code each ends the command with.

Imports nothing of ours: every other module may raise from here.

A `KehuError` keeps its facts as attributes and builds its own sentence from them, so tests and the `--json` summary
assert on `code` and `facts`, never on wording. No error ever holds a row value of a person: keys and counts only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

EXIT_DONE = 0
EXIT_DEFECT = 1
EXIT_USAGE = 2
EXIT_SETTINGS = 10
EXIT_INPUT = 11
EXIT_GATE_CLOSED = 12
EXIT_WAREHOUSE = 13
EXIT_LOCKED = 14
EXIT_RESOURCES = 15
EXIT_INTERRUPTED = 130

MOST_KEYS_SHOWN = 5
"""At most this many keys stand in an error or a data-quality row; counts are always complete."""


class KehuError(Exception):
    """An error the user can act on: printed as a few lines without traceback, with its own exit code.

    Args:
        message: one sentence that says what is wrong.
        code: short machine-readable name of the situation, e.g. `column_missing`.
        file: the file the trouble is in, as the user knows it (name or relative path).
        line: line number in a settings, policy or mapping file, the first line being 1.
        setting: dotted name of the setting, e.g. `abc.cumulative_cuts`.
        row: record number in that file, the first record being 1.
        column: header or contract column.
        rule: name of the broken rule.
        count: how many rows (or keys, or files) are affected.
        keys: some of the affected keys; at most five are shown.
        details: further lines, one fact each.
        hint: the next thing to do or command to type.
    """

    exit_code: ClassVar[int] = EXIT_DEFECT

    def __init__(
        self,
        message: str,
        *,
        code: str,
        file: str | None = None,
        line: int | None = None,
        setting: str | None = None,
        row: int | None = None,
        column: str | None = None,
        rule: str | None = None,
        count: int | None = None,
        keys: Sequence[str] = (),
        details: Sequence[str] = (),
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.file = file
        self.line = line
        self.setting = setting
        self.row = row
        self.column = column
        self.rule = rule
        self.count = count
        self.keys = tuple(keys)[:MOST_KEYS_SHOWN]
        self.details = tuple(details)
        self.hint = hint

    @property
    def facts(self) -> Mapping[str, Any]:
        """The facts of the error that are set, by name: what `--json` prints under `error`."""
        named = {
            "file": self.file,
            "line": self.line,
            "setting": self.setting,
            "row": self.row,
            "column": self.column,
            "rule": self.rule,
            "count": self.count,
            "keys": list(self.keys) or None,
            "details": list(self.details) or None,
            "hint": self.hint,
        }
        return {name: value for name, value in named.items() if value is not None}

    def lines(self) -> list[str]:
        """The lines a terminal shows: the sentence, where it is, how much, and what to do next."""
        places = ("file", "line", "setting", "row", "column", "rule", "count")
        where = ", ".join(f"{name} {self.facts[name]}" for name in places if name in self.facts)
        shown = [self.message]
        if where:
            shown.append(f"  {where}")
        if self.keys:
            shown.append(f"  keys {', '.join(self.keys)}")
        shown.extend(f"  {line}" for line in self.details)
        if self.hint:
            shown.append(f"  → {self.hint}")
        return shown

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep keyword-only facts when the error crosses a process (Prefect pickles what a task raises)."""
        return (_rebuild, (type(self), self.message, {"code": self.code, **self.facts}))


def _rebuild(kind: type[KehuError], message: str, facts: dict[str, Any]) -> KehuError:
    return kind(message, **facts)


class UsageError(KehuError):
    """The command line itself is off: an unknown name, a flag that does not go with another."""

    exit_code = EXIT_USAGE


class SettingsError(KehuError):
    """Settings, policy or a source mapping is missing, malformed or contradicts the warehouse."""

    exit_code = EXIT_SETTINGS


class InputError(KehuError):
    """An export cannot be read or mapped."""

    exit_code = EXIT_INPUT


class GateClosed(KehuError):
    """The batch broke a blocking expectation: nothing is published."""

    exit_code = EXIT_GATE_CLOSED


class WarehouseError(KehuError):
    """The warehouse cannot be reached, or holds something this code must not touch."""

    exit_code = EXIT_WAREHOUSE


class AnotherRunHoldsTheLock(KehuError):
    """A second writer was started while a run is under way."""

    exit_code = EXIT_LOCKED


class OutOfResources(KehuError):
    """Disk or memory ran out."""

    exit_code = EXIT_RESOURCES

"""What a terminal shows: tables people can read, progress on long work, or one JSON summary.

May import: `config`, `schemas`. Results go to standard output, progress and warnings to standard error, so that a pipe gets
results only.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, ParamSpec, TypeVar

from rich.console import Console
from rich.table import Table

P = ParamSpec("P")
T = TypeVar("T")

WIDTH_WITHOUT_TERMINAL = 140
"""Columns to lay tables out for when output goes to a file or pipe."""

_STAGE_WORDS = {
    "plan_night": "settings, policy, mapping",
    "land": "landing files",
    "conform": "conforming rows",
    "account": "accounting for every row",
    "gate": "checking the batch",
    "build": "scoring customers",
    "publish": "publishing",
}


def results() -> Console:
    """The console for results: standard output."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False, emoji=False)


def messages() -> Console:
    """The console for progress and warnings: standard error."""
    return Console(stderr=True, highlight=False, emoji=False)


def print_json(summary: Mapping[str, Any]) -> None:
    """Print one summary as JSON: the only thing on standard output with `--json`."""
    print(json.dumps(summary, ensure_ascii=False, default=str))  # noqa: T201


class Progress:
    """Shows the stage under way on a terminal, and each stage's time when it ends; silent with `--json`."""

    def __init__(self, *, is_silent: bool) -> None:
        self._console = messages()
        self._is_silent = is_silent

    def around(self, stage: Callable[P, T]) -> Callable[P, T]:
        """The stage, with its name shown while it works and its seconds after."""
        if self._is_silent:
            return stage
        words = _STAGE_WORDS.get(stage.__name__, stage.__name__)

        def shown(*args: P.args, **kwargs: P.kwargs) -> T:
            started = time.monotonic()
            with self._console.status(f"{words} …"):
                result = stage(*args, **kwargs)
            self._console.print(f"[dim]{words:<28}{time.monotonic() - started:6.1f} s[/dim]")
            return result

        shown.__name__ = stage.__name__
        return shown


def table(title: str, headers: Sequence[str], rows: Sequence[Sequence[Any]], *, numbers: Sequence[int] = ()) -> Table:
    """A table for the terminal; `numbers` are the positions of right-aligned columns."""
    shown = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for position, header in enumerate(headers):
        is_number = position in numbers
        shown.add_column(header, justify="right" if is_number else "left", no_wrap=is_number, overflow="fold")
    for row in rows:
        shown.add_row(*(_cell(value) for value in row))
    return shown


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | Decimal):
        return f"{value:,}"
    return str(value).replace("[", "\\[")


def percent(share: Decimal | None) -> str | None:
    """A share as a percentage with one decimal; None stays None."""
    return None if share is None else f"{share * 100:.1f} %"

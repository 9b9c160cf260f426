"""How long each stage of a night takes, as a multiple of a bare typed scan of the same rows.

    python benchmarks/night.py [--lines 1000000] [--customers N] [--threads 2] [--keep DIR]

The demo's exports are written with about so many invoice lines, orders and receipts beside, dirt and all, and the night
is run on them once, into a new home. The floor is DuckDB reading the same data rows from plain files — UTF-8, ISO
dates, plain numbers, the contract's types given — and counting every column, on as many threads.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table as Printed

from kehu.config.settings import Settings
from kehu.flows.night import night
from kehu.flows.receipts import NightRequest
from kehu.schemas.tables import ENTITIES
from kehu.tasks.demo_exports import write_demo_exports

AS_OF = date(2026, 3, 31)
LINES_PER_CUSTOMER = 50
"""Invoice lines of a customer in three years, unless told otherwise."""


class Stopwatch:
    """Seconds by name, in the order in which they were taken."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def taking(self, name: str) -> Iterator[None]:
        """Add what the block takes to a name."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    def step(self, stage: Callable[..., Any]) -> Callable[..., Any]:
        """The step of a night that takes the time of each stage."""

        def timed(*arguments: Any) -> Any:
            with self.taking(stage.__name__):
                return stage(*arguments)

        timed.__name__ = stage.__name__
        return timed


def write_plain(home: Path, folder: Path) -> dict[str, tuple[Path, int]]:
    """The accepted rows of every entity as one plain CSV file each, with their number."""
    written = {}
    with duckdb.connect() as con:
        for entity in ENTITIES:
            files = sorted(str(path) for path in home.glob(f"landed/*/{entity.name}/*/*/accepted.parquet"))
            if not files:
                continue
            path = folder / f"{entity.name}.csv"
            columns = ", ".join(entity.column_names)
            rows = f"SELECT {columns} FROM read_parquet({files!r}, union_by_name => true)"
            (count,) = con.execute(f"COPY ({rows}) TO '{path}' (FORMAT csv, HEADER)").fetchone() or (0,)
            written[entity.name] = (path, count)
    return written


def scan_plain(plain: dict[str, tuple[Path, int]], threads: int) -> None:
    """Read every plain file with the contract's types, and count each column's values."""
    with duckdb.connect(config={"threads": threads}) as con:
        for entity in ENTITIES:
            if entity.name not in plain:
                continue
            types = {column.name: column.type.duckdb for column in entity.columns}
            counts = ", ".join(f"count({name})" for name in types)
            path, _ = plain[entity.name]
            con.execute(f"SELECT {counts} FROM read_csv('{path}', header => true, columns => {types!r})").fetchone()


def run(lines: int, customers: int, threads: int, folder: Path) -> None:
    """Write, run, scan, print."""
    watch = Stopwatch()
    exports, home, plain_folder = folder / "exports", folder / "home", folder / "plain"
    plain_folder.mkdir()
    with watch.taking("write the exports"):
        write_demo_exports(exports, customers=customers, lines=lines, as_of=AS_OF)
    writing = watch.seconds.pop("write the exports")
    request = NightRequest(Settings(None, home, threads=threads), "demo", exports, AS_OF)
    with watch.taking("whole night"):
        receipt = night(request, step=watch.step)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    plain = write_plain(home, plain_folder)
    floor = min(_seconds_of(lambda: scan_plain(plain, threads)) for _ in range(3))
    size = sum(path.stat().st_size for path in exports.iterdir()) / 1024**2
    rows = sum(count for _, count in plain.values())
    out = Console()
    out.print(
        f"{rows:,} accepted rows ({', '.join(f'{name} {count:,}' for name, (_, count) in plain.items())}), "
        f"{customers:,} customers, {size:,.0f} MB of exports written in {writing:.1f} s; {threads} threads, "
        f"peak {peak:.1f} GB; gate {receipt.gate}"
    )
    table = Printed("stage", "seconds", "x floor")
    for column in table.columns[1:]:
        column.justify = "right"
    table.add_row("typed scan (floor)", f"{floor:.2f}", "1.0")
    for name, seconds in watch.seconds.items():
        table.add_row(name, f"{seconds:.2f}", f"{seconds / floor:.1f}")
    out.print(table)


def _seconds_of(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=1_000_000, help="about so many invoice lines (default 1000000)")
    parser.add_argument("--customers", type=int, help=f"default: one for {LINES_PER_CUSTOMER} lines")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="an empty folder to work in and leave as it is")
    asked = parser.parse_args()
    customers = asked.customers or max(asked.lines // LINES_PER_CUSTOMER, 1)
    if asked.keep:
        asked.keep.mkdir(parents=True, exist_ok=True)
        run(asked.lines, customers, asked.threads, asked.keep)
        return
    with tempfile.TemporaryDirectory(prefix="kehu-night-") as folder:
        run(asked.lines, customers, asked.threads, Path(folder))


if __name__ == "__main__":
    main()

"""The demo: seeded exports of an invented Chinese distributor, dirty the way real ones are, and the truth beside them.

May import: `config`, `tasks.demo_*`, duckdb, numpy, pyarrow. Equal arguments give equal bytes. How it is built:
`demo_names` (places, company names, identity codes) → `demo_world` (products, salespeople, customers and their stories)
→ `demo_timeline` (trade month by month) → `demo_documents`, `demo_masters` (files) and `demo_truth` (what was planted).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from kehu.config.errors import UsageError
from kehu.tasks.demo_documents import FileFacts, Printer, as_first_delivered
from kehu.tasks.demo_masters import Masters
from kehu.tasks.demo_timeline import Month, MonthOfTrade, months_until, trade
from kehu.tasks.demo_truth import Ledger, window_start, write_truth
from kehu.tasks.demo_world import make_customers, make_owners, make_products, stream

MOST_MONTHS = 120
LINES_OF_A_SMALL_CUSTOMER_BASE = 40
"""Average invoice lines per customer in 36 months, up to a thousand customers; more customers buy less each."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class DemoReceipt:
    """What was written: the files by name, the truth file, and counts of what they hold.

    `lines`, `documents` and `payments` count what is true, without broken rows and superseded deliveries.
    """

    files: tuple[Path, ...]
    truth: Path
    as_of: date
    customers: int
    owners: int
    products: int
    documents: int
    lines: int
    payments: int
    planted_rows: int


def usual_lines(customers: int, months: int) -> int:
    """How many invoice lines so many customers make: 40 each in 36 months, and 10 each for a million customers."""
    per_customer = LINES_OF_A_SMALL_CUSTOMER_BASE * min(1.0, (customers / 1000) ** -0.2)
    return round(float(customers * per_customer * months / 36))


def truth_folder(directory: Path) -> Path:
    """Where the truth of the exports in `directory` lies: beside them, never among them."""
    return directory.with_name(f"{directory.name}.truth")


def write_demo_exports(
    directory: Path,
    *,
    customers: int = 300,
    months: int = 36,
    seed: int = 20260331,
    as_of: date = date(2026, 3, 31),
    clean: bool = False,
    lines: int | None = None,
    on_progress: Progress = lambda stage, done, total: None,
) -> DemoReceipt:
    """Write the demo's exports into `directory` and the truth into `<directory>.truth/`.

    One file of invoice lines and one of receipts a month, delivered early in the next month (the last on as_of);
    customers, salespeople, products and merged codes as of as_of. Unless `clean`: one month delivered again corrected,
    one with broken rows, one with page breaks, total rows, GBK, and values in many forms. Files of an earlier demo in
    the folder are replaced.

    Args:
        directory: export folder; made if absent.
        customers: how many customers to invent, at least one (renamed ones add a code each).
        months: how many months of trade, the last being the one of as_of.
        seed: equal arguments give equal bytes, another seed another firm.
        as_of: last day of the export.
        clean: plain UTF-8 without title rows, total rows, odd values and broken rows: for benchmarks.
        lines: about how many invoice lines; default `usual_lines`.
        on_progress: called with stage, steps done and steps in all.

    Raises:
        UsageError: a count out of range, or a folder that holds files no demo has written.
    """
    _check_counts(customers, months, lines)
    truth = truth_folder(directory)
    _clear(directory, truth)
    owners, products = make_owners(seed, customers, as_of), make_products(seed)
    people = make_customers(seed, customers, months, owners)
    calendar = months_until(as_of, months)
    ledger = Ledger(people, products, window_start(as_of))
    facts: list[FileFacts] = []
    counts = np.zeros(3, dtype=np.int64)
    with _workshop(directory) as (connection, scratch):
        printer = Printer(connection, scratch, seed, clean, pa.array(people.code), pa.array(products.codes), products)
        plan = _plan(seed, calendar, as_of, clean)
        wanted = usual_lines(customers, months) if lines is None else lines
        for month in trade(seed, people, products, calendar, wanted):
            facts += _write_month(directory, printer, month, plan[month.month.number])
            ledger.add(month)
            counts += (len(month.documents.day), len(month.lines.document), len(month.receipts.day))
            on_progress("documents", month.month.number + 1, months)
        masters = Masters(people, owners, products, ledger, [month.first for month in calendar], as_of, seed, clean)
        facts += [
            masters.write_customers(directory, connection, scratch),
            masters.write_owners(directory),
            masters.write_products(directory),
            masters.write_aliases(directory, connection, scratch),
        ]
        on_progress("master data", 1, 1)
    arguments = {
        "customers": customers,
        "months": months,
        "seed": seed,
        "as_of": as_of.isoformat(),
        "clean": clean,
        "lines": lines,
    }
    path = write_truth(truth, ledger, facts, arguments, as_of, [month.first for month in calendar])
    on_progress("truth", 1, 1)
    return DemoReceipt(
        files=tuple(directory / fact.file for fact in facts),
        truth=path,
        as_of=as_of,
        customers=len(people),
        owners=len(owners),
        products=len(products.codes),
        documents=int(counts[0]),
        lines=int(counts[1]),
        payments=int(counts[2]),
        planted_rows=sum(len(fact.planted) for fact in facts),
    )


# --- when what is delivered -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Delivery:
    """When a month is delivered, when its correction (if any), and what is odd about the sales file."""

    delivered: date
    corrected: date | None
    special: str


def _plan(seed: int, calendar: list[Month], as_of: date, clean: bool) -> list[_Delivery]:
    """Months come days after their end; the fourth last is corrected, the sixth last broken, the ninth last paged."""
    random = stream(seed, "deliveries")
    late = random.integers(3, 9, len(calendar)).tolist()
    plan = [
        _Delivery(as_of if month is calendar[-1] else min(month.last + timedelta(days=days), as_of), None, "")
        for month, days in zip(calendar, late, strict=True)
    ]
    if clean:
        return plan
    corrected, broken, paged = len(plan) - 4, max(len(plan) - 6, 0), len(plan) - 9
    if corrected > 0:
        plan[corrected] = replace(plan[corrected], corrected=plan[corrected].delivered + timedelta(days=12))
    plan[broken] = replace(plan[broken], special="broken")
    if paged > 0:
        plan[paged] = replace(plan[paged], special="page_breaks")
    return plan


def _write_month(directory: Path, printer: Printer, trade: MonthOfTrade, delivery: _Delivery) -> list[FileFacts]:
    def named(kind: str, delivered: date) -> Path:
        return directory / f"{kind}_{trade.month.name}_{delivered:%Y%m%d}.csv"

    facts = []
    first = named("销售明细", delivery.delivered)
    if delivery.corrected:
        final = named("销售明细", delivery.corrected)
        early = printer.sales(first, delivery.delivered, trade.month, *as_first_delivered(trade.documents, trade.lines))
        facts.append(replace(early, superseded_by=final.name))
        facts.append(printer.sales(final, delivery.corrected, trade.month, trade.documents, trade.lines))
    else:
        facts.append(
            printer.sales(
                first, delivery.delivered, trade.month, trade.documents, trade.lines, special=delivery.special
            )
        )
    receipts = named("回款明细", delivery.delivered)
    facts.append(printer.payments(receipts, delivery.delivered, trade.month, trade.receipts, special=delivery.special))
    return facts


# --- the folder -------------------------------------------------------------------------------------------------------


def _check_counts(customers: int, months: int, lines: int | None) -> None:
    for name, value, most in (
        ("customers", customers, 10_000_000),
        ("months", months, MOST_MONTHS),
        ("lines", lines, 10**9),
    ):
        if value is not None and not 1 <= value <= most:
            raise UsageError(f"a demo has 1 to {most} {name}, not {value}", code="demo_size", rule=name)


def _clear(directory: Path, truth: Path) -> None:
    """Remove what an earlier demo wrote, known by its truth file; refuse a folder that holds anything else."""
    if directory.exists():
        manifest = truth / "truth.json"
        known = {entry["file"] for entry in json.loads(manifest.read_bytes())["files"]} if manifest.exists() else set()
        present = {path.name for path in directory.iterdir()}
        if foreign := sorted(present - known):
            raise UsageError(
                "the folder holds files that no demo has written",
                code="folder_not_empty",
                file=directory.name,
                count=len(foreign),
                keys=foreign,
                hint="name an empty or new folder",
            )
        for name in present:
            (directory / name).unlink()
    directory.mkdir(parents=True, exist_ok=True)
    if truth.exists():
        shutil.rmtree(truth)


@contextmanager
def _workshop(directory: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A connection in memory and a folder for intermediate files, both gone afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix=".kehu-demo-", dir=directory.parent) as scratch,
        duckdb.connect() as connection,
    ):
        yield connection, Path(scratch)

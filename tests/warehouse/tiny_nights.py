"""Tiny nights to publish: real Parquet and Arrow by contract, a few rows each. Also run as a program, to be killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kehu.config.settings import Portfolio
from kehu.schemas.model import Table
from kehu.schemas.rendering import arrow_schema
from kehu.schemas.tables import (
    DIM_CUSTOMER,
    MART_ABC_CUSTOMER,
    PUBLISHED_TABLES,
    RUN_INPUT,
    RUN_MART,
)
from kehu.warehouse.publish import PublishReceipt, RunFacts, publish_run

PORTFOLIO = Portfolio(name="demo", reporting_currency="CNY")
MARTS = (DIM_CUSTOMER.name, MART_ABC_CUSTOMER.name)


@dataclass(frozen=True)
class Night:
    """Everything `publish_run` wants of one run."""

    run: RunFacts
    marts: Mapping[str, Path]
    run_tables: Mapping[str, pa.Table]


def make_night(
    folder: Path,
    day: int,
    mark: str = "aaaaaaaaaaaa",
    *,
    customers: int = 3,
    value: int = 100,
    marts: tuple[str, ...] = MARTS,
    skipped: Mapping[str, str] | None = None,
    tables: tuple[Table, ...] = PUBLISHED_TABLES,
    **facts: Any,
) -> Night:
    """A run of day `day` of January 2026 with as many customers, each of the same sales."""
    as_of = date(2026, 1, day)
    run_id = f"{as_of:%Y%m%d}-{mark}"
    run = RunFacts(
        run_id=run_id, as_of=as_of, known_at=as_of, gate="open",
        started_at=datetime(2026, 1, day, 18, tzinfo=UTC), finished_at=datetime(2026, 1, day, 18, 5, tzinfo=UTC),
        code_version="0.1.0", inputs_hash=f"in-{mark}", policy_hash="policy", parameters_json="{}", reason="nightly",
    )  # fmt: skip
    run = replace(run, **facts)
    identity = {"as_of": run.as_of, "run_id": run.run_id, "source": "demo", "company_id": "main"}
    rows = [
        {**identity, "customer_id": f"{n:05d}", "customer_name": f"客户{n}", "scored_party": "bill_to",
         "tax_basis": "net", "sales_net": Decimal(value), "sales_lines": 1, "sales_class": "A", "indicator": "sales"}
        for n in range(customers)
    ]  # fmt: skip
    by_name = {table.name: table for table in tables}
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for mart in marts:
        paths[mart] = folder / f"{run.run_id}-{mart}.parquet"
        pq.write_table(rows_of(by_name[mart], rows), paths[mart])
    states = [
        {**identity, "mart": mart, "mart_status": "published", "row_count": customers, "checksum": f"{mark}-{mart}"}
        for mart in marts
    ]
    for mart, reason in (skipped or {}).items():
        states.append({**identity, "mart": mart, "mart_status": "skipped", "reason": reason, "row_count": 0})
    # Tonight's file with one of 300 rows put aside, and an earlier one that must not count into tonight's share.
    inputs = [
        {**identity, "delivery_id": f"{as_of:%Y%m%d}-{mark}", "file_name": file_name, "sheet_name": "",
         "entity": "sales_line", "is_new_delivery": is_new, "rows_data": 300, "rows_quarantined": put_aside}
        for file_name, is_new, put_aside in (("new.csv", True, 1), ("old.csv", False, 300))
    ]  # fmt: skip
    given = {
        RUN_MART.name: rows_of(by_name[RUN_MART.name], states),
        RUN_INPUT.name: rows_of(by_name[RUN_INPUT.name], inputs),
    }
    return Night(run, paths, given)


def rows_of(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    """An Arrow table by contract; columns a row does not name are null."""
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in table.column_names} for row in rows], arrow_schema(table)
    )


def publish(warehouse: Path, night: Night, *, hour: int = 20, **given: Any) -> PublishReceipt:
    """Publish a night at an hour (UTC) of its day; hours beyond 23 are on the days after."""
    at = datetime(night.run.as_of.year, night.run.as_of.month, night.run.as_of.day, tzinfo=UTC) + timedelta(hours=hour)
    given = {"portfolio": PORTFOLIO, "published_at": at, "threads": 1, **given}
    return publish_run(warehouse, night.run, night.marts, night.run_tables, **given)


def kill_me_at(step: str) -> Callable[[str], None]:
    """Kill this process without warning as soon as the step is done."""

    def on_step(done: str) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return on_step


if __name__ == "__main__":
    folder, day, mark, step, customers = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
    publish(folder / "warehouse", make_night(folder / "rows", day, mark, customers=customers), on_step=kill_me_at(step))

"""A small company whose nights are run: its project folder, its export folder, its home, and what came of it.

Everything goes in as text files and comes out through the published warehouse, as for a user.
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from kehu.config.settings import Settings
from kehu.flows.night import night
from kehu.flows.receipts import NightReceipt, NightRequest
from kehu.schemas.tables import MARTS, table_named
from kehu.warehouse.read import reading, show_run

MONTH_END = date(2024, 3, 31)
"""The day most tests judge."""

NO_SCORES = ("dim_class_policy",)
"""What `only` is where the scores do not matter: the one mart that reads no row. Scoring takes most of a night."""

Row = dict[str, Any]

TINY_SOURCE = """
description: A small company that writes one file of customers and one of invoice lines.
tax: {tax}
delivered_at: name
files:
  customers:
    match: 客户_*.csv
    mode: snapshot
    required: false
    feeds:
      - entity: customer
  invoices:
    match: 发票_*.csv
    mode: {mode}
    feeds:
      - entity: sales_line
        constants:
          document_type: invoice
"""


class Company:
    """A project with one source mapping, `tiny`, and the folders of its exports and its home."""

    def __init__(self, root: Path, *, is_new: bool = True) -> None:
        self.root = root
        self.exports = root / "exports"
        self.home = root / "home"
        self.project = root / "project"
        self.built: dict[str, str] = {}
        if is_new:
            self.exports.mkdir(parents=True)
            for folder in ("sources", "policy"):
                (self.project / folder).mkdir(parents=True)
            self.configure()
            self.map_tiny()

    def copied_to(self, root: Path) -> Company:
        """The same company in another place, home and all."""
        shutil.copytree(self.root, root, symlinks=True)
        return Company(root, is_new=False)

    # --- what goes in -------------------------------------------------------------------------------------------------

    def configure(self, text: str = "") -> None:
        """Write kehu.toml."""
        (self.project / "kehu.toml").write_text(text, encoding="utf-8")

    def map_tiny(self, tax: str = "excluded", mode: str = "snapshot") -> None:
        """Write the source mapping."""
        self._write(self.project / "sources" / "tiny.yaml", TINY_SOURCE.format(tax=tax, mode=mode))

    def decide(self, topic: str, key: str, values: Mapping[str, str]) -> None:
        """Write one policy key: first day → value as YAML, empty for a blank."""
        dated = "".join(
            f"      {day}: {{value: {value}, reason: test, owner: test, source: test}}\n"
            for day, value in values.items()
        )
        self._write(self.project / "policy" / f"{topic}.yaml", f"{topic}:\n  {key}:\n    values:\n{dated}")

    def export(self, name: str, rows: Iterable[Mapping[str, object]]) -> Path:
        """Write a CSV file; the first row names the columns."""
        listed = [dict(row) for row in rows]
        text = io.StringIO()
        writer = csv.DictWriter(text, list(listed[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(listed)
        return self._write(self.exports / name, text.getvalue())

    def _write(self, path: Path, text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    # --- the night ----------------------------------------------------------------------------------------------------

    def request(
        self, as_of: date = MONTH_END, *, source: str = "tiny", exports: Path | None = None, **stated: Any
    ) -> NightRequest:
        """A request; `threads`, `portfolio` and `required_marts` go to the settings."""
        of_settings = {name: stated.pop(name) for name in ("threads", "portfolio", "required_marts") if name in stated}
        settings = Settings(self.project, self.home, **of_settings)
        return NightRequest(settings, source, exports or self.exports, as_of, **stated)

    def run(self, as_of: date = MONTH_END, **stated: Any) -> NightReceipt:
        """Run a night directly; `built` then holds a hash of each mart's file as it was handed to the warehouse."""
        return night(self.request(as_of, **stated), step=self._watching)

    def _watching(self, stage: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            result = stage(*arguments)
            if stage.__name__ == "build":
                paths = {mart.mart: mart.path for mart in result.receipts if mart.path}
                self.built = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in paths.items()}
            return result

        called.__name__ = stage.__name__
        return called

    # --- what came of it ----------------------------------------------------------------------------------------------

    def warehouse(self, sandbox: str | None = None) -> Path:
        """The folder of the warehouse."""
        return self.home / "sandboxes" / sandbox if sandbox else self.home / "warehouse"

    def versions(self, sandbox: str | None = None) -> dict[str, str]:
        """The published files and where the link points, each with a hash of its bytes."""
        return {
            path.name: f"{path.resolve().name} {hashlib.sha256(path.read_bytes()).hexdigest()}"
            for path in sorted(self.warehouse(sandbox).glob("*.duckdb"))
        }

    def ask(self, sql: str, sandbox: str | None = None) -> list[Row]:
        """The rows of a query on the newest version."""
        with reading(self.warehouse(sandbox)) as con:
            rows: list[Row] = con.execute(sql).to_arrow_table().to_pylist()
        return rows

    def table(self, name: str, receipt: NightReceipt, sandbox: str | None = None) -> pa.Table:
        """The rows of one run in key order, `run_id` included."""
        contract = table_named(name)
        order = ", ".join(contract.key_names)
        with reading(self.warehouse(sandbox)) as con:
            chosen = con.execute(f"SELECT * FROM {name} WHERE run_id = '{receipt.run_id}' ORDER BY {order}")
            table: pa.Table = chosen.to_arrow_table().replace_schema_metadata(None)
        return table

    def rows(self, name: str, receipt: NightReceipt, sandbox: str | None = None) -> list[Row]:
        """The rows of one run in key order, without `run_id`."""
        table = self.table(name, receipt, sandbox)
        rows: list[Row] = table.drop_columns(["run_id"]).to_pylist()
        return rows

    def marts(self, receipt: NightReceipt, sandbox: str | None = None) -> dict[str, list[Row]]:
        """All mart rows of one run, without `run_id`."""
        return {mart.name: self.rows(mart.name, receipt, sandbox) for mart in MARTS}

    def checksums(self, receipt: NightReceipt, sandbox: str | None = None) -> dict[str, str]:
        """What `run_mart` says of each mart of a run."""
        story = show_run(self.warehouse(sandbox), receipt.run_id)
        return {row["mart"]: row["checksum"] for row in story.marts}

    def ipc(self, receipt: NightReceipt, sandbox: str | None = None) -> dict[str, bytes]:
        """Every mart of one run as an Arrow IPC stream, `run_id` included."""
        return {mart.name: as_ipc(self.table(mart.name, receipt, sandbox)) for mart in MARTS}

    def one(self, name: str, receipt: NightReceipt, sandbox: str | None = None, **values: object) -> Row:
        """The only row of a run's table with these values."""
        rows = self.rows(name, receipt, sandbox)
        (row,) = [row for row in rows if all(row[column] == value for column, value in values.items())]
        return row

    def ask_landed(self, sql: str, entity: str, which: str = "accepted") -> list[Row]:
        """The rows of a query on what conform wrote for an entity; `{}` stands for it."""
        with duckdb.connect() as con:
            files = f"read_parquet('{self.home}/landed/*/{entity}/*/*/{which}.parquet')"
            rows: list[Row] = con.execute(sql.format(files)).to_arrow_table().to_pylist()
        return rows

    def landed(self, entity: str, which: str = "accepted") -> list[Row]:
        """The rows conform wrote for an entity, over all deliveries in the home, in file order."""
        paths = sorted(self.home.glob(f"landed/*/{entity}/*/*/{which}.parquet"))
        rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
        return sorted(rows, key=lambda row: row["_record"] if which == "quarantined" else row["source_row"])


@dataclass(frozen=True)
class Night:
    """One night of a company: its receipt, and where it published."""

    company: Company
    receipt: NightReceipt
    sandbox: str | None = None

    def rows(self, name: str) -> list[Row]:
        """The rows of the run in a table, in key order, without `run_id`."""
        return self.company.rows(name, self.receipt, self.sandbox)

    def one(self, name: str, **values: object) -> Row:
        """The only row of the run in a table with these values."""
        return self.company.one(name, self.receipt, self.sandbox, **values)

    def marts(self) -> dict[str, list[Row]]:
        """All mart rows of the run, without `run_id`."""
        return self.company.marts(self.receipt, self.sandbox)

    def checksums(self) -> dict[str, str]:
        """What `run_mart` says of each mart."""
        return self.company.checksums(self.receipt, self.sandbox)


def as_ipc(table: pa.Table) -> bytes:
    """A table as one Arrow IPC stream of one batch."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def noise(*words: object) -> int:
    """A number that depends on the words only."""
    return int(hashlib.sha256("|".join(map(str, words)).encode()).hexdigest()[:8], 16)


def invoice_lines(customers: int = 12, count: int = 60, last: date = MONTH_END, days: int = 90) -> list[Row]:
    """Invoice lines of one to three a document, over the days up to `last`; one in nine is a return."""
    lines = []
    for n in range(count):
        document = n // 2
        day = last - timedelta(days=noise("day", document) % days)
        amount = Decimal(noise("amount", n) % 10**7 + 1).scaleb(-3) * (-1 if n % 9 == 8 else 1)
        lines.append(
            {
                "发票号": f"F{document:04}", "行号": n % 2 + 1, "开票日期": day.isoformat(),
                "客户编码": f"K{noise('who', document) % customers:03}", "数量": n % 5 + 1, "不含税金额": amount,
                "成本": (amount * Decimal("0.7")).quantize(Decimal("0.001")),
            }
        )  # fmt: skip
    return lines


def identities(row: Mapping[str, Any]) -> tuple[int, int]:
    """What is missing from the two counting identities of a row of `run_input`: nought and nought."""
    read = ("data", "header", "title", "total", "blank")
    data = ("accepted", "merged", "quarantined", "dropped", "later", "unmapped")
    return (
        row["rows_read"] - sum(row[f"rows_{part}"] for part in read),
        row["rows_data"] - sum(row[f"rows_{part}"] for part in data),
    )

"""A small shop: a project with a mapping of its own, two export files, and the command line called in process.

The rows are made so that one broken line of forty stays within the shipped tolerance of 5 % and three do not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kehu.flows.cli import main

AS_OF = "2024-03-31"
DELIVERED = "20240331"
PERSONS = ("欧阳慕雪", "13912345678")
"""A person's name and phone number in the exports: never to be seen in an error."""

MAPPING = """\
description: a small shop
system: shop
currency: CNY
tax: excluded
delivered_at: name
sales_basis: invoice
files:
  customers:
    match: 客户_*.csv
    mode: snapshot
    feeds:
      - entity: customer
        columns:
          customer_id: 客户编码
          customer_name: 客户名称
  sales:
    match: [销售_*.csv, 销售_*.xlsx]
    mode: append
    feeds:
      - entity: sales_line
        columns:
          document_id: 单据编号
          line_id: 行号
          document_date: 日期
          customer_id: 客户编码
          quantity: 数量
          amount_net: 金额
        constants:
          document_type: invoice
"""

NO_SCORES = ("--only", "dim_class_policy")
"""Options of a night whose only mart reads no row: for what happens before and after the marts, its longest stage."""

CUSTOMER_HEADER = "客户编码,客户名称,电话"
SALES_HEADER = "单据编号,行号,日期,客户编码,数量,金额,联系人"
Line = list[str]


def customer_lines() -> list[Line]:
    """Eight customers, each with the person's name and number beside it."""
    return [[f"C{n:03d}", f"{PERSONS[0]}商行{n}", PERSONS[1]] for n in range(1, 9)]


def sales_lines() -> list[Line]:
    """Forty lines of March 2024: line n is worth n × 100, all together 82 000."""
    return [
        [f"XS{n:04d}", "1", f"2024-03-{n % 28 + 1:02d}", f"C{n % 8 + 1:03d}", "1", f"{n * 100}.00", PERSONS[0]]
        for n in range(1, 41)
    ]


def as_csv(header: str, lines: Sequence[Line]) -> str:
    """Text of a file: the header, then the lines."""
    return "\n".join([header, *(",".join(line) for line in lines)]) + "\n"


@dataclass(frozen=True)
class Outcome:
    """What a command left on the terminal, and its exit code."""

    exit_code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """The one JSON summary on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    def refused(self, exit_code: int, code: str) -> dict[str, Any]:
        """The error of the summary, which must be this one; what is shown holds nothing about a person."""
        assert (self.exit_code, self.summary["error"]["code"]) == (exit_code, code), self.err
        assert self.summary["exit_code"] == exit_code
        found: dict[str, Any] = self.summary["error"]
        assert found["message"] in self.err
        for text in (self.out, self.err):
            assert not any(person in text for person in PERSONS), text
            assert "Traceback" not in text, text
        return found


@dataclass
class Shop:
    """A project with its exports and home, and the command line to work on it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    mapping: str = MAPPING
    customers: list[Line] = field(default_factory=customer_lines)
    sales: list[Line] = field(default_factory=sales_lines)

    def __post_init__(self) -> None:
        """Write project and exports."""
        for path in (self.project / "sources", self.project / "policy", self.project / "corrections", self.exports):
            path.mkdir(parents=True)
        self.settings()
        self.map(MAPPING)
        self.export()

    @property
    def project(self) -> Path:
        return self.folder / "project"

    @property
    def exports(self) -> Path:
        return self.folder / "exports"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def settings(self, text: str = "") -> None:
        """Write kehu.toml."""
        (self.project / "kehu.toml").write_text(text, encoding="utf-8")

    def map(self, text: str) -> None:
        """Write the source mapping."""
        (self.project / "sources" / "shop.yaml").write_text(text, encoding="utf-8")

    def policy(self, text: str) -> None:
        """Write the project's policy."""
        (self.project / "policy" / "mine.yaml").write_text(text, encoding="utf-8")

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the export folder."""
        path = self.exports / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def export(self, day: str = DELIVERED) -> None:
        """Write both export files as the lines stand."""
        self.write(f"客户_{day}.csv", as_csv(CUSTOMER_HEADER, self.customers))
        self.write(f"销售_{day}.csv", as_csv(SALES_HEADER, self.sales))

    def night(self, *options: str, command: str = "run") -> list[str]:
        """The arguments of a night."""
        return [
            *self.here(command), "--source", "shop", "--exports", str(self.exports), "--as-of", AS_OF, *options,
        ]  # fmt: skip

    def here(self, *arguments: str) -> list[str]:
        """The arguments of another command, on this project and home."""
        return [*arguments, "--project", str(self.project), "--home", str(self.home)]

    def kehu(self, arguments: Sequence[str]) -> Outcome:
        """Run a command in this process."""
        self.capsys.readouterr()
        try:
            exit_code = main(list(arguments))
        except SystemExit as stopped:  # argparse's own errors
            exit_code = int(stopped.code or 0)
        shown = self.capsys.readouterr()
        return Outcome(exit_code, shown.out, shown.err)

    def run(self, *options: str) -> Outcome:
        """`kehu run` with a JSON summary."""
        return self.kehu(self.night(*options, "--json"))

    def published(self, *options: str) -> dict[str, Any]:
        """The summary of a run that must get through."""
        outcome = self.run(*options)
        assert outcome.exit_code == 0, outcome.err
        return outcome.summary

    def refused(self, exit_code: int, code: str, *options: str, command: str = "run") -> dict[str, Any]:
        """The error of a run that must end with this exit code and code; nothing may have come of it.

        The calls of this and of `Outcome.refused` are what docs/errors.md is held against.
        """
        before = self.state()
        error = self.kehu(self.night(*options, "--json", command=command)).refused(exit_code, code)
        assert self.state() == before
        return error

    def state(self) -> dict[str, object]:
        """What a refused run must leave as it was: published version, known deliveries, nothing half made."""
        hidden = self.home.rglob(".*") if self.home.is_dir() else []
        unfinished = [path for path in hidden if path.is_dir() and path.name != ".master"]
        scratch = self.home / "scratch"
        return {
            "warehouse": self.warehouse.resolve() if self.warehouse.exists() else None,
            "deliveries": self.deliveries(),
            "unfinished": unfinished,
            "scratch": sorted(scratch.iterdir()) if scratch.is_dir() else [],
            "defects": sorted((self.home / "defects").glob("*")),
        }

    def start(self, arguments: Sequence[str], *, before: Callable[[], None] | None = None) -> subprocess.Popen[str]:
        """The same command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "kehu.flows.cli", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=before,
        )  # fmt: skip

    def deliveries(self) -> list[str]:
        """Names of the files that count as delivered."""
        records = sorted((self.home / "raw" / "deliveries").glob("*/*.json"))
        return sorted(json.loads(path.read_text(encoding="utf-8"))["file_name"] for path in records)

    @property
    def warehouse(self) -> Path:
        return self.home / "warehouse" / "kehu.duckdb"

    def accepted(self) -> Any:
        """Net amount of the sales lines the newest run accepted, as its account has it."""
        from kehu.warehouse.read import reading

        newest = "SELECT arg_max(run_id, started_at) FROM run_log"
        lines = "entity = 'sales_line' AND outcome = 'accepted' AND measure_name = 'amount_net'"
        with reading(self.home / "warehouse") as con:
            told = con.execute(f"SELECT sum(amount_total) FROM run_input_reason WHERE {lines} AND run_id = ({newest})")
            return told.fetchall()[0][0]

    def sales_total(self, table: str = "mart_abc_customer") -> Any:
        """Net sales of all customers in the newest official mart."""
        from kehu.warehouse.read import reading

        with reading(self.home / "warehouse") as con:
            return con.execute(f"SELECT sum(sales_net) FROM v_{table.removeprefix('mart_')}").fetchall()[0][0]

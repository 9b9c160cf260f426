"""Reads tiny files written in the test itself, and shows them as plain Python lists."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kehu.config.sources import ColumnSource, Feed, FileMapping
from kehu.tasks.records import RawTable, read_records


@dataclass(frozen=True)
class Reading:
    """A file as read: its tables, and the rows of the first."""

    con: duckdb.DuckDBPyConnection
    tables: list[RawTable]

    @property
    def table(self) -> RawTable:
        return self.tables[0]

    @property
    def is_fast(self) -> bool:
        return "read_csv" in self.table.relation

    def rows(self, table: RawTable | None = None) -> list[tuple[Any, ...]]:
        """Record number, class, cells, surplus of every record below the header."""
        shown = table or self.table
        columns = ", ".join((*shown.columns, "extra"))
        return self.con.execute(
            f"SELECT record, record_class, {columns} FROM {shown.relation} ORDER BY record"
        ).fetchall()

    def data(self) -> list[tuple[Any, ...]]:
        return [row[2:-1] for row in self.rows() if row[1] == "data"]

    def classes(self) -> list[str]:
        return [row[1] for row in self.rows()]


def file_mapping(headers: tuple[str, ...] = (), entity: str = "sales_line", **stated: Any) -> FileMapping:
    columns = {f"column_{i}": ColumnSource(header=header) for i, header in enumerate(headers)} or None
    return FileMapping(name="files", match=("*",), feeds=(Feed(entity, columns=columns),), **stated)


@pytest.fixture(scope="session")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(config={"threads": 2})
    yield connection
    connection.close()


class Reader:
    """reader(content, name="x.csv", headers=(…), encoding=…, …) reads bytes, or text to be written as UTF-8."""

    def __init__(self, con: duckdb.DuckDBPyConnection, folder: Path) -> None:
        self.con = con
        self.folder = folder
        (folder / "scratch").mkdir(exist_ok=True)

    def __call__(self, content: bytes | str, name: str = "销售.csv", **stated: Any) -> Reading:
        # Each in a folder of its own: DuckDB keeps pages of a path it has read.
        path = Path(tempfile.mkdtemp(dir=self.folder)) / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.file(path, **stated)

    def file(self, path: Path, **stated: Any) -> Reading:
        tables = read_records(self.con, path, file_mapping(**stated), path.name, self.folder / "scratch")
        return Reading(self.con, tables)


@pytest.fixture
def read(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> Reader:
    return Reader(con, tmp_path)


@pytest.fixture(scope="session")
def session_reader(con: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """One folder for all the examples of a property."""
    return Reader(con, tmp_path_factory.mktemp("read"))

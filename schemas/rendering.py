"""How a table contract renders for Arrow, DuckDB and SQLAlchemy.

May import: `config`, other modules of `schemas`. Nothing else in the project writes a type. The expectations render in
`schemas/expectations.py`, the dictionary page in `schemas/dictionary.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pyarrow as pa
import sqlalchemy as sa

from kehu.schemas.model import Field, Table

WAREHOUSE_SCHEMA = "kehu"
"""The schema of every published table and view."""


def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of a table: columns in order, key columns not nullable."""
    keys = set(table.key_names)
    return pa.schema(
        [pa.field(column.name, column.type.arrow, nullable=column.name not in keys) for column in table.columns]
    )


def quoted(identifier: str) -> str:
    """A DuckDB identifier in double quotes, safe for any header text."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: str) -> str:
    """A DuckDB string literal, safe for any text."""
    return "'" + value.replace("'", "''") + "'"


def column_comment(column: Field) -> str:
    """English and Chinese description of a column, as stored in the database."""
    unit = f" [{column.unit}]" if column.unit else ""
    return f"{column.description_en}{unit} | {column.label_zh}:{column.description_zh}"


def duckdb_create_table(table: Table, schema: str = WAREHOUSE_SCHEMA) -> list[str]:
    """The statements that create a table in DuckDB with comments: no indexes, keys are checked at publication."""
    keys = set(table.key_names)
    name = f"{quoted(schema)}.{quoted(table.name)}"
    body = ", ".join(
        f"{quoted(column.name)} {column.type.duckdb}{' NOT NULL' if column.name in keys else ''}"
        for column in table.columns
    )
    statements = [f"CREATE TABLE {name} ({body})"]
    statements.append(
        f"COMMENT ON TABLE {name} IS {literal(f'{table.description_en} | {table.label_zh}:{table.description_zh}')}"
    )
    statements.extend(
        f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {literal(column_comment(column))}"
        for column in table.columns
    )
    return statements


def sqlalchemy_table(table: Table, metadata: sa.MetaData, schema: str | None = WAREHOUSE_SCHEMA) -> sa.Table:
    """The SQLAlchemy table of a contract: typed columns with comments, primary key from the contract."""
    keys = set(table.key_names)
    columns: Iterable[sa.Column[object]] = (
        sa.Column(
            column.name, column.type.sqlalchemy(), primary_key=column.name in keys, nullable=column.name not in keys,
            comment=column_comment(column),
        )
        for column in table.columns
    )  # fmt: skip
    return sa.Table(
        table.name, metadata, *columns, schema=schema, comment=f"{table.description_en} | {table.description_zh}"
    )


def sqlalchemy_metadata(tables: Iterable[Table], schema: str | None = WAREHOUSE_SCHEMA) -> sa.MetaData:
    """A SQLAlchemy metadata with one table per contract."""
    metadata = sa.MetaData()
    for table in tables:
        sqlalchemy_table(table, metadata, schema)
    return metadata


def contract_fingerprint(tables: Iterable[Table]) -> str:
    """Twelve hex digits that change when a name, type, key or order of columns of the tables changes."""
    digest = hashlib.sha256()
    for table in tables:
        digest.update(table.name.encode())
        for column in table.columns:
            digest.update(f"|{column.name}:{column.type.duckdb}".encode())
        digest.update(("#" + ",".join(table.key_names)).encode())
    return digest.hexdigest()[:12]

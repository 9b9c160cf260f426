"""Carry published history over to changed contracts: tables are made anew, kept rows copied by column name.

May import: `config`, `schemas`, `warehouse.connections`.

This is the whole migration of a DuckDB warehouse (design.md §5): there is no script to write when a contract changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from kehu.config.errors import WarehouseError
from kehu.schemas.model import Field, Table
from kehu.schemas.rendering import WAREHOUSE_SCHEMA, duckdb_create_table, literal, quoted

_KEPT = "kept"


def create_tables(con: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Create the schema with an empty table per contract, comments included."""
    con.execute(f"CREATE SCHEMA {quoted(WAREHOUSE_SCHEMA)}")
    for table in tables:
        for statement in duckdb_create_table(table):
            con.execute(statement)


def copy_by_contract(con: duckdb.DuckDBPyConnection, kept: Path, tables: Sequence[Table]) -> tuple[str, ...]:
    """Create the tables of the contracts and fill them with the rows of an earlier version's file.

    A column is taken from the column of its name, else of one of its `formerly` names, cast to its type; a column
    that is new gets its `default`, else null.

    Args:
        con: connection to the new, empty file, outside of a transaction.
        kept: file of the earlier version; only read.
        tables: contracts of all published tables.

    Returns:
        What the contracts no longer know and was left behind, as `table.column` or `table`, sorted.

    Raises:
        WarehouseError: a value does not survive the cast unchanged, or a new key column has no default.
    """
    con.execute(f"ATTACH {literal(str(kept))} AS {_KEPT} (READ_ONLY)")
    kept_types = _column_types(con, f"database_name = '{_KEPT}'")
    create_tables(con, tables)
    new_types = _column_types(con, "database_name = current_database()")
    taken: dict[str, set[str]] = {}
    for table in tables:
        if table.name in kept_types:
            taken[table.name] = _copy_table(con, table, kept_types[table.name], new_types[table.name])
    con.execute(f"DETACH {_KEPT}")
    return tuple(
        sorted(
            name
            for kept_table, columns in kept_types.items()
            for name in (
                [f"{kept_table}.{c}" for c in columns if c not in taken[kept_table]]
                if kept_table in taken
                else [kept_table]
            )
        )
    )


def release_order(code_version: str | None) -> tuple[int, ...]:
    """The leading numbers of a version, for comparison: `0.2.1+g12` → (0, 2, 1); empty for none."""
    matched = re.match(r"\d+(?:\.\d+)*", code_version or "")
    return tuple(int(part) for part in matched.group().split(".")) if matched else ()


def _copy_table(
    con: duckdb.DuckDBPyConnection, table: Table, kept_types: Mapping[str, str], new_types: Mapping[str, str]
) -> set[str]:
    origins = {column.name: _origin_of(column, kept_types) for column in table.columns}
    kept_table = f"{_KEPT}.{quoted(WAREHOUSE_SCHEMA)}.{quoted(table.name)}"
    _refuse_key_without_value(con, table, origins, kept_table)
    changed = [
        (column, origin)
        for column in table.columns
        if (origin := origins[column.name]) and kept_types[origin] != new_types[column.name]
    ]
    _refuse_lossy_casts(con, table, changed, kept_types, kept_table)
    selected = ", ".join(
        f"{_value_of(column, origins[column.name])} AS {quoted(column.name)}" for column in table.columns
    )
    con.execute(
        f"INSERT INTO {quoted(WAREHOUSE_SCHEMA)}.{quoted(table.name)} BY NAME SELECT {selected} FROM {kept_table}"
    )
    return {origin for origin in origins.values() if origin}


def _origin_of(column: Field, kept_types: Mapping[str, str]) -> str | None:
    return next((name for name in (column.name, *column.formerly) if name in kept_types), None)


def _value_of(column: Field, origin: str | None) -> str:
    value = quoted(origin) if origin else "NULL" if column.default is None else literal(column.default)
    return f"CAST({value} AS {column.type.duckdb})"


def _refuse_key_without_value(
    con: duckdb.DuckDBPyConnection, table: Table, origins: Mapping[str, str | None], kept_table: str
) -> None:
    lacking = [column.name for column in table.key if origins[column.name] is None and column.default is None]
    if lacking and con.execute(f"SELECT 1 FROM {kept_table} LIMIT 1").fetchone():
        raise WarehouseError(
            f"The published rows of {table.name} have no value for a new key column.",
            code="key_without_default",
            column=lacking[0],
            details=[f"table {table.name}"],
            hint="state a `default` (or `formerly`) for the column in its contract",
        )


def _refuse_lossy_casts(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    changed: Sequence[tuple[Field, str]],
    kept_types: Mapping[str, str],
    kept_table: str,
) -> None:
    """A cast is fine when it can be undone: 1.50 → 1.500000 is, 1.005 → 1.01 and '007' → 7 are not."""
    for column, origin in changed:
        cast = f"TRY_CAST({quoted(origin)} AS {column.type.duckdb})"
        lost = con.execute(
            f"SELECT count(*) FROM {kept_table} WHERE {quoted(origin)} IS NOT NULL "
            f"AND TRY_CAST({cast} AS {kept_types[origin]}) IS DISTINCT FROM {quoted(origin)}"
        ).fetchone()
        if lost and lost[0]:
            raise WarehouseError(
                f"Published values of {table.name} do not fit the changed type of a column.",
                code="column_not_castable",
                column=column.name,
                count=lost[0],
                details=[f"table {table.name}", f"from {kept_types[origin]} to {column.type.duckdb}"],
                hint="keep the type of the column, or give the new type a new name",
            )


def _column_types(con: duckdb.DuckDBPyConnection, where: str) -> dict[str, dict[str, str]]:
    types: dict[str, dict[str, str]] = {}
    rows = con.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "JOIN duckdb_tables() USING (database_name, schema_name, table_name) "
        f"WHERE {where} AND schema_name = {literal(WAREHOUSE_SCHEMA)} ORDER BY table_name, column_index"
    ).fetchall()
    for table_name, column_name, data_type in rows:
        types.setdefault(table_name, {})[column_name] = data_type
    return types

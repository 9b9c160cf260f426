"""`sql` feeds: one SELECT of the mapping, on a connection that can see the landed copies of its source and nothing
else.

May import: `config`, `schemas`, `tasks`. Two guards: the parser admits one SELECT over the known tables, with no table
functions and nothing that differs from run to run, so that mistakes are named; the connection has external access
switched off and its settings locked before the statement runs, so that what the parser might miss cannot reach a file.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kehu.schemas.rendering import literal, quoted
from kehu.tasks.mapping_sql import Place, with_helpers
from kehu.tasks.normalise import install_macros

if TYPE_CHECKING:
    import duckdb

    from kehu.tasks.raw_table import RawTable

RECORD = "_record"
"""The column by which the statement says which record of the driving file a row comes from."""

_ROWS_PER_BATCH = 65_536
_FORBIDDEN_NAMES = (
    "read_", "scan_", "parquet_", "pragma_", "duckdb_", "sniff_", "glob", "getenv", "getvariable", "current_setting",
    "query",
    "query_table", "random", "uuid", "gen_random_uuid", "uuidv", "now", "today", "get_current_", "current_", "nextval",
    "currval",
    "txid_current", "setseed", "sqlite_", "postgres_", "mysql_", "iceberg_", "delta_", "json_execute_serialized_sql",
    "from_substrait",
)  # fmt: skip
_CLOCK_AND_CHANCE = (
    "CurrentDate",
    "CurrentTime",
    "CurrentTimestamp",
    "CurrentDatetime",
    "Rand",
    "Randn",
    "Uuid",
    "CurrentUser",
)


def check_statement(sql: str, tables: Mapping[str, object], place: Place) -> str:
    """Hold a statement against what `sql` may be; returns it rendered, with the helpers' full names.

    Raises:
        SettingsError: `sql_not_one_select`, `sql_not_allowed`, `sql_unknown_table`.
    """
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        statements = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree is not None]
    except SqlglotError as error:
        problem = str(error.errors[0].get("description", "")) if getattr(error, "errors", None) else "it cannot be read"
        raise place.error(f"`sql` cannot be read: {problem}", code="sql_not_one_select") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Select | exp.SetOperation):
        raise place.error(
            "`sql` must be exactly one SELECT",
            code="sql_not_one_select",
            hint="no COPY, ATTACH, PRAGMA, SET or second statement",
        )
    tree = statements[0]
    _refuse_unknown_tables(tree, tables, place)
    _refuse_functions(tree, place)
    return str(with_helpers(tree).sql("duckdb"))


def files_read(sql: str, known: Collection[str]) -> frozenset[str]:
    """Which of the known files a statement reads; all of them where it is wrong, so that the error can name them."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError

    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree is not None]
    except SqlglotError:
        return frozenset(known)
    read = {table.name.lower() for tree in trees for table in tree.find_all(exp.Table)}
    own = {cte.alias.lower() for tree in trees for cte in tree.find_all(exp.CTE)}
    return frozenset(known) & read if read <= own.union(known) else frozenset(known)


def run_locked(
    con: duckdb.DuckDBPyConnection, sql: str, tables: Mapping[str, RawTable], place: Place, scratch: Path, zone: str
) -> tuple[Path, tuple[str, ...]]:
    """Run the statement of a feed.

    Args:
        con: connection that can read the raw tables.
        sql: the statement.
        tables: name of the file mapping → its records; only data records are seen, headers are the column names.
        place: where the statement stands.
        scratch: an existing folder for the copies.
        zone: time zone of the source.

    Returns:
        A Parquet file with `_record` and the statement's other columns as texts, and the names of those.

    Raises:
        SettingsError: the statement is not allowed, fails, or has no `_record`.
    """
    import duckdb

    checked = check_statement(sql, tables, place)
    copies = scratch / "sql_feed.duckdb"
    copies.unlink(missing_ok=True)
    _copy_tables(con, tables, copies)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        "memory_limit": _setting(con, "memory_limit"),
        "threads": _setting(con, "threads"),
    }
    result = scratch / "sql_feed.parquet"
    with duckdb.connect(str(copies), read_only=True, config=settings) as locked:
        install_macros(locked, zone)
        locked.execute("SET enable_external_access = false")
        locked.execute("SET lock_configuration = true")
        try:
            names = [str(row[0]) for row in locked.execute(f"DESCRIBE SELECT * FROM ({checked})").fetchall()]
            columns = _result_columns(names, place)
            _write(locked.execute(_as_texts(checked, columns)), columns, result)
        except duckdb.Error as error:
            reason = str(error).split("\n", 1)[0]
            raise place.error(f"`sql` fails: {reason}", code="sql_fails") from None
    return result, columns


# --- helpers ----------------------------------------------------------------------------------------------------------


def _refuse_unknown_tables(tree: Any, tables: Mapping[str, object], place: Place) -> None:
    from sqlglot import exp

    known = {name.lower() for name in tables} | {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        is_plain = isinstance(table.this, exp.Identifier) and not table.db and not table.catalog
        if not is_plain:
            raise place.error(
                f"`{table.sql('duckdb')}` is no file of this source", code="sql_not_allowed", hint=_tables_hint(tables)
            )
        if table.name.lower() not in known:
            close = difflib.get_close_matches(table.name, list(tables), n=1)
            hint = f"did you mean {close[0]}?" if close else _tables_hint(tables)
            raise place.error(f"`{table.name}` is no file of this source", code="sql_unknown_table", hint=hint)


def _tables_hint(tables: Mapping[str, object]) -> str:
    return f"`sql` sees the files of its source by their names: {', '.join(sorted(tables))}"


def _refuse_functions(tree: Any, place: Place) -> None:
    from sqlglot import exp

    for node in tree.walk():
        name = node.name.lower() if isinstance(node, exp.Anonymous) else type(node).__name__.lower()
        is_forbidden = isinstance(node, exp.Anonymous) and name.startswith(_FORBIDDEN_NAMES)
        is_file = type(node).__name__.startswith("Read")
        if is_forbidden or is_file or type(node).__name__ in _CLOCK_AND_CHANCE:
            raise place.error(
                f"`{name}` is not allowed in `sql`",
                code="sql_not_allowed",
                hint="no files, settings, clock or chance: tables only",
            )


def _copy_tables(con: duckdb.DuckDBPyConnection, tables: Mapping[str, RawTable], copies: Path) -> None:
    con.execute(f"ATTACH {literal(str(copies))} AS sql_feed_copies")
    try:
        for name, raw in tables.items():
            cells = "".join(
                f", c{position} AS {quoted(header)}" for position, header in enumerate(_distinct(raw.headers))
            )
            con.execute(
                f"CREATE TABLE sql_feed_copies.{quoted(name)} AS SELECT record AS {RECORD}{cells} FROM {raw.relation} "
                "WHERE record_class = 'data'"
            )
    finally:
        con.execute("DETACH sql_feed_copies")


def _distinct(headers: tuple[str, ...]) -> list[str]:
    # DuckDB compares column names without case; headers that differ in case only get a number.
    seen = {RECORD: 1}
    names = []
    for header in headers:
        folded = header.lower()
        seen[folded] = seen.get(folded, 0) + 1
        names.append(header if seen[folded] == 1 else f"{header}_{seen[folded]}")
    return names


def _setting(con: duckdb.DuckDBPyConnection, name: str) -> str:
    row = con.execute(f"SELECT value FROM duckdb_settings() WHERE name = '{name}'").fetchone()
    assert row is not None  # noqa: S101 - an aggregate has one row
    return str(row[0])


def _result_columns(names: list[str], place: Place) -> tuple[str, ...]:
    if RECORD not in names:
        raise place.error(
            f"`sql` does not return {RECORD}", code="sql_without_record",
            hint=f"select the driving file's {RECORD}: it says which record each row comes from",
        )  # fmt: skip
    columns = [name for name in names if name != RECORD]
    if len(set(names)) != len(names):
        raise place.error("`sql` returns two columns of one name", code="sql_not_allowed")
    return tuple(columns)


def _as_texts(sql: str, columns: tuple[str, ...]) -> str:
    cells = "".join(f", CAST({quoted(name)} AS VARCHAR) AS {quoted(name)}" for name in columns)
    return f"SELECT CAST({RECORD} AS BIGINT) AS {RECORD}{cells} FROM ({sql})"


def _write(result: Any, columns: tuple[str, ...], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([pa.field(RECORD, pa.int64()), *(pa.field(name, pa.string()) for name in columns)])
    reader = result.to_arrow_reader(_ROWS_PER_BATCH)
    with pq.ParquetWriter(path, schema) as writer:
        for batch in reader:
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))

"""The views BI tools read, and their comments in English and Chinese.

May import: `config`, `schemas`.

Names within a view are unqualified on purpose: DuckDB looks them up in the view's own schema. A file is known under
another database name by every client (`kehu-000007` when opened through the link, any alias when attached), and under
`ATTACH 'kehu.duckdb'` the database is called as our schema is: `kehu.mart_x` inside a view would then be ambiguous.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb

from kehu.schemas.model import Layer, Table
from kehu.schemas.rendering import WAREHOUSE_SCHEMA, column_comment, literal, quoted
from kehu.schemas.tables import PUBLISHED_TABLES, V_DATA_STATUS


@dataclass(frozen=True)
class View:
    """One view: its name, its statement and what it says of itself.

    Attributes:
        name: name in the schema `kehu`.
        table: contract of its columns.
        select: the statement, names unqualified.
        comment: what the view holds, in English and Chinese.
    """

    name: str
    table: Table
    select: str
    comment: str


def views_of(tables: Sequence[Table]) -> tuple[View, ...]:
    """All views of the published tables, in the order they must be made."""
    marts = [view for table in tables if table.view for view in _views_of_mart(table)]
    return (*marts, _data_status())


def refresh_views(con: duckdb.DuckDBPyConnection, tables: Sequence[Table]) -> None:
    """Drop all views of the schema and make those of the contracts anew, with comments.

    Args:
        con: connection whose current schema is the one of the warehouse.
        tables: contracts of the published tables.
    """
    schema = literal(WAREHOUSE_SCHEMA)
    found = con.execute(
        "SELECT view_name FROM duckdb_views() "
        f"WHERE schema_name = {schema} AND database_name = current_database() ORDER BY view_name"
    ).fetchall()
    for (name,) in found:
        con.execute(f"DROP VIEW {quoted(name)}")
    for view in views_of(tables):
        con.execute(f"CREATE VIEW {quoted(view.name)} AS {view.select}")
        con.execute(f"COMMENT ON VIEW {quoted(view.name)} IS {literal(view.comment)}")
        for column in view.table.columns:
            con.execute(
                f"COMMENT ON COLUMN {quoted(view.name)}.{quoted(column.name)} IS {literal(column_comment(column))}"
            )


def view_sql() -> dict[str, str]:
    """The statement of every view by name, laid out for reading."""
    import sqlglot

    return {
        view.name: sqlglot.transpile(view.select, read="duckdb", write="duckdb", pretty=True)[0]
        for view in views_of(PUBLISHED_TABLES)
    }


def _views_of_mart(table: Table) -> Iterator[View]:
    columns = ", ".join(f"t.{quoted(name)}" for name in table.column_names)
    rows = f"SELECT {columns} FROM {quoted(table.name)} AS t"
    official = f"FROM run_current AS c WHERE c.mart = {literal(table.name)}"
    is_official = f"EXISTS (SELECT 1 {official} AND c.as_of = t.as_of AND c.run_id = t.run_id)"
    shapes = (
        (
            "",
            f"{rows} WHERE t.as_of = (SELECT max(c.as_of) {official}) AND {is_official}",
            ("Official rows of the newest day published.", "最新业务日的正式结果。"),
        ),
        ("_history", f"{rows} WHERE {is_official}", ("Official rows of every day published.", "各业务日的正式结果。")),
        (
            "_superseded",
            f"{rows} WHERE NOT {is_official}",
            ("Rows of runs that another run of the same day replaced.", "已被替代的结果。"),
        ),
    )
    for ending, select, (said_en, said_zh) in shapes:
        comment = f"{table.description_en} {said_en} | {table.label_zh}:{table.description_zh}{said_zh}"
        yield View(f"{table.view}{ending}", table, select, comment)


def _data_status() -> View:
    """One row per day: its newest official run speaks for the batch, all official runs for gate and skipped marts.

    A day can have several official runs, after `--only`. A mart counts as skipped when the newest official run that
    mentions it skipped it. Hours and shares are divided as whole numbers: no client prints 0.30000001.
    """
    table = V_DATA_STATUS
    select = """
WITH official AS (
    SELECT as_of, run_id, max(published_at) AS published_at FROM run_current GROUP BY as_of, run_id
), ranked AS (
    SELECT o.as_of, o.run_id, o.published_at, l.gate,
           row_number() OVER (PARTITION BY o.as_of ORDER BY o.published_at DESC, o.run_id DESC) AS age
    FROM official AS o JOIN run_log AS l ON l.as_of = o.as_of AND l.run_id = o.run_id
), days AS (
    SELECT as_of, max(CASE WHEN age = 1 THEN run_id END) AS run_id, string_agg(run_id, ', ' ORDER BY run_id) AS run_ids,
           max(published_at) AS published_at, CASE WHEN bool_or(gate <> 'open') THEN 'warned' ELSE 'open' END AS gate
    FROM ranked GROUP BY as_of
), mentions AS (
    SELECT o.as_of, m.mart, m.mart_status, m.reason,
           row_number() OVER (PARTITION BY o.as_of, m.mart ORDER BY o.published_at DESC, o.run_id DESC) AS age
    FROM official AS o JOIN run_mart AS m ON m.as_of = o.as_of AND m.run_id = o.run_id
), skipped AS (
    SELECT as_of, string_agg(mart || coalesce(' (' || reason || ')', ''), ', ' ORDER BY mart) AS skipped_marts
    FROM mentions WHERE age = 1 AND mart_status = 'skipped' GROUP BY as_of
), batches AS (
    SELECT as_of, run_id, CAST(sum(rows_quarantined) AS BIGINT) AS rows_quarantined,
           CAST(sum(rows_data) AS BIGINT) AS rows_data
    FROM run_input GROUP BY as_of, run_id
)
SELECT d.as_of, d.run_id, d.run_ids, d.published_at,
       CAST(CAST((epoch_us(d.published_at) - epoch_us(timezone(p.timezone, CAST(d.as_of + 1 AS TIMESTAMP)))) // 36000000
            AS DECIMAL(18,0)) * 0.01 AS DECIMAL(18,6)) AS late_hours,
       d.gate, coalesce(s.skipped_marts, '') AS skipped_marts,
       coalesce(b.rows_quarantined, 0) AS rows_quarantined, coalesce(b.rows_data, 0) AS rows_data,
       CAST(CAST((2000000 * CAST(b.rows_quarantined AS HUGEINT) + b.rows_data) // (2 * nullif(b.rows_data, 0))
            AS DECIMAL(18,0)) * 0.000001 AS DECIMAL(18,6)) AS quarantined_share
FROM days AS d
CROSS JOIN run_portfolio AS p
LEFT JOIN skipped AS s ON s.as_of = d.as_of
LEFT JOIN batches AS b ON b.as_of = d.as_of AND b.run_id = d.run_id
"""
    comment = f"{table.description_en} | {table.label_zh}:{table.description_zh}"
    assert table.layer is Layer.VIEW  # noqa: S101 - a stored table would be written by the run instead
    return View(table.name, table, select, comment)

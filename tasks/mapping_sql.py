"""Expressions and conditions of a source mapping: parsed, held against a list of what is allowed, and bound to columns.

May import: `config`, `schemas`, `tasks.headers`, `tasks.normalise`. Expressions run on the main connection, which can
read files and settings. So nothing is forbidden here one by one: only node kinds and functions that are listed may
occur, and what was checked is what is run (the text is rendered anew from the parsed tree).
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from kehu.config.errors import InputError, SettingsError
from kehu.tasks.headers import header_position
from kehu.tasks.normalise import HELPERS

if TYPE_CHECKING:
    import duckdb

_NODES = [
    "Literal", "Column", "Identifier", "Null", "Boolean", "Paren", "And", "Or", "Not", "EQ", "NEQ", "GT", "GTE",
    "LT", "LTE", "Is", "In", "Between", "Like", "ILike", "Add", "Sub", "Mul", "Neg", "DPipe", "Case", "If",
    "Coalesce", "Nullif", "Upper", "Lower", "Trim", "Replace", "Left", "Right", "Substring", "Length", "StartsWith",
    "EndsWith", "Contains", "Concat", "RegexpLike", "RegexpFullMatch", "RegexpReplace", "RegexpExtract", "Abs",
    "Greatest", "Least", "Pad", "SplitPart", "Cast", "TryCast", "DataType", "DataTypeParam", "Year", "Month",
    "NullSafeEQ", "NullSafeNEQ", "Escape", "Round",
]  # fmt: skip
_TYPES = frozenset({"VARCHAR", "TEXT", "INT", "BIGINT", "SMALLINT", "DECIMAL", "DATE", "BOOLEAN"})
_FUNCTIONS = frozenset({"prefix", "suffix"})


@dataclass(frozen=True)
class Place:
    """Where in a mapping something stands, for errors.

    Attributes:
        file: the mapping file as shown to the user.
        setting: dotted name, e.g. `files.lines.feeds.sales_line.where`.
        line: line in the mapping file, where known.
    """

    file: str
    setting: str
    line: int | None = None

    def error(self, message: str, *, code: str, hint: str | None = None, details: Sequence[str] = ()) -> SettingsError:
        """The error to raise about this place of the mapping."""
        return SettingsError(
            message, code=code, file=self.file, line=self.line, setting=self.setting, hint=hint, details=details
        )

    def at(self, part: str, line: int | None = None) -> Place:
        """A place within this one."""
        return replace(self, setting=f"{self.setting}.{part}", line=line or self.line)


@dataclass(frozen=True)
class Expression:
    """A checked expression.

    Attributes:
        sql: DuckDB SQL over the columns `c0`, `c1`, …
        columns: the positions of the headers it reads, ascending.
        type: the DuckDB type of its result.
    """

    sql: str
    columns: tuple[int, ...]
    type: str


def compile_expression(
    con: duckdb.DuckDBPyConnection, text: str, headers: Sequence[str], place: Place, file_name: str
) -> Expression:
    """Check an expression of a mapping and bind its headers.

    Args:
        con: a connection with the macros installed; used to find the type of the result, nothing is read.
        text: DuckDB SQL over quoted headers, with the helpers `text code amount number ratio day day_by flag`.
        headers: the printed headers of the file.
        place: where the expression stands.
        file_name: the exported file, for a header that is not there.

    Raises:
        SettingsError: `expression_malformed`, `expression_not_allowed`.
        InputError: `column_missing`: it reads a header the file does not have.
    """
    tree = _parsed(text, place)
    _refuse_what_is_not_listed(tree, place)
    found = _bind_headers(tree, headers, place, file_name)
    sql = with_helpers(tree).sql("duckdb")
    return Expression(sql, found, _type_of(con, sql, len(headers), text, place))


def compile_condition(
    con: duckdb.DuckDBPyConnection, text: str, headers: Sequence[str], place: Place, file_name: str
) -> Expression:
    """Check a condition of a mapping: an expression that is true or false; null counts as false.

    Raises:
        SettingsError: as `compile_expression`, or its result is no truth value.
    """
    compiled = compile_expression(con, text, headers, place, file_name)
    if compiled.type != "BOOLEAN":
        raise place.error(
            f"`{text}` is no condition: its result is {compiled.type}, not true or false", code="expression_malformed",
            hint="compare it with something, e.g. code(\"状态\") = '作废'",
        )  # fmt: skip
    return replace(compiled, sql=f"coalesce(TRY({compiled.sql}), FALSE)")


# --- helpers ----------------------------------------------------------------------------------------------------------


@cache
def _allowed() -> tuple[type[Any], ...]:
    from sqlglot import exp

    return tuple(getattr(exp, name) for name in _NODES if hasattr(exp, name))


def _parsed(text: str, place: Place) -> Any:
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        trees = sqlglot.parse(text, dialect="duckdb")
    except SqlglotError as error:
        problem = str(error.errors[0].get("description", "")) if getattr(error, "errors", None) else "it cannot be read"
        raise place.error(f"`{text}` is no expression: {problem}", code="expression_malformed") from None
    if len(trees) != 1 or trees[0] is None:
        raise place.error(f"`{text}` is not one expression", code="expression_malformed")
    return trees[0]


def _refuse_what_is_not_listed(tree: Any, place: Place) -> None:
    from sqlglot import exp

    for node in tree.walk():
        name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
        if isinstance(node, exp.Div | exp.IntDiv):
            raise place.error(
                "a division leaves the exact numbers",
                code="expression_not_allowed",
                hint="multiply instead: * 0.01 for / 100",
            )
        if isinstance(node, exp.DataType) and node.this.value not in _TYPES:
            raise place.error(f"type {node.this.value} is not allowed in an expression", code="expression_not_allowed")
        is_helper = name in HELPERS or name in _FUNCTIONS or isinstance(node, exp.Day)
        if type(node) not in _allowed() and not is_helper:
            shown = name or type(node).__name__
            raise place.error(
                f"`{shown}` is not allowed in an expression", code="expression_not_allowed",
                hint=f"allowed: comparisons, CASE, text functions, + - *, and {', '.join(sorted(HELPERS))}",
            )  # fmt: skip


def _bind_headers(tree: Any, headers: Sequence[str], place: Place, file_name: str) -> tuple[int, ...]:
    from sqlglot import exp

    found: set[int] = set()
    for column in list(tree.find_all(exp.Column)):
        if column.table:
            raise place.error(f"`{column.sql('duckdb')}` is no header", code="expression_not_allowed")
        position = header_position(headers, column.name)
        if position is None:
            raise missing_headers([column.name], headers, file_name, place)
        found.add(position)
        column.this.set("this", f"c{position}")
        column.this.set("quoted", False)
    return tuple(sorted(found))


def missing_headers(missing: Sequence[str], headers: Sequence[str], file_name: str, place: Place) -> InputError:
    """The error for headers a mapping names and the file lacks, all at once, with the closest ones found."""
    close = {name: difflib.get_close_matches(name, headers, n=3, cutoff=0.4) for name in missing}
    return InputError(
        f"The file lacks {len(missing)} of the columns its mapping names.", code="column_missing", file=file_name,
        column=", ".join(missing), count=len(missing),
        details=[f"“{name}” is not there; closest: {', '.join(found) or 'none'}" for name, found in close.items()],
        hint=f"correct the header in {place.file} ({place.setting})",
    )  # fmt: skip


def with_helpers(tree: Any) -> Any:
    """A parsed tree with the helpers' short names replaced by those of the macros."""
    from sqlglot import exp

    def renamed(node: Any) -> Any:
        if isinstance(node, exp.Day):
            return exp.Anonymous(this=HELPERS["day"], expressions=[node.this])
        if isinstance(node, exp.Anonymous) and node.name.lower() in HELPERS:
            return exp.Anonymous(this=HELPERS[node.name.lower()], expressions=node.expressions)
        return node

    return tree.transform(renamed)


def _type_of(con: duckdb.DuckDBPyConnection, sql: str, width: int, text: str, place: Place) -> str:
    import duckdb

    columns = ", ".join(f"NULL::VARCHAR AS c{position}" for position in range(width))
    try:
        described = con.execute(f"DESCRIBE SELECT {sql} AS result FROM (SELECT {columns})").fetchall()
    except duckdb.Error as error:
        reason = str(error).split("\n", 1)[0]
        raise place.error(f"`{text}` is no valid expression: {reason}", code="expression_malformed") from None
    return str(described[0][1])

"""The logical types of columns, and what each becomes in Arrow, SQLAlchemy and DuckDB.

May import: `config`. This is the only module that writes a physical type; everything else asks a `LogicalType`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import sqlalchemy as sa


@dataclass(frozen=True)
class LogicalType:
    """What a column holds, independent of any engine.

    Attributes:
        name: stable name; conform picks its normaliser by it.
        arrow: the Arrow type of the column in Parquet and in results.
        duckdb: the type in DuckDB statements.
        sqlalchemy: makes the column type of a SQLAlchemy table.
        sentence: what the dictionary says about it.
    """

    name: str
    arrow: pa.DataType
    duckdb: str
    sqlalchemy: Callable[[], sa.types.TypeEngine[Any]] = field(compare=False)
    sentence: str

    @property
    def is_exact_number(self) -> bool:
        """True for decimals and integers: what may be summed without loss."""
        return bool(pa.types.is_decimal(self.arrow) or pa.types.is_integer(self.arrow))


def _decimal(name: str, precision: int, scale: int, sentence: str) -> LogicalType:
    return LogicalType(
        name,
        pa.decimal128(precision, scale),
        f"DECIMAL({precision},{scale})",
        lambda: sa.Numeric(precision, scale),
        sentence,
    )


TEXT = LogicalType("text", pa.string(), "VARCHAR", sa.Text, "text")
IDENTIFIER = LogicalType(
    "identifier", pa.string(), "VARCHAR", sa.Text, "identifier, always text: leading zeros are kept"
)
AMOUNT = _decimal("amount", 18, 6, "money as received, exact to six decimals")
MONEY = _decimal("money", 18, 2, "money in marts, rounded half-even to cents")
QUANTITY = _decimal("quantity", 18, 6, "quantity, exact to six decimals")
RATIO = _decimal("ratio", 18, 6, "ratio or statistic, six decimals; shares are fractions, 0.25 = 25 %")
DATE = LogicalType("date", pa.date32(), "DATE", sa.Date, "calendar date")
INSTANT = LogicalType(
    "instant", pa.timestamp("us", tz="UTC"), "TIMESTAMPTZ", lambda: sa.DateTime(timezone=True), "instant, stored in UTC"
)
COUNT = LogicalType("count", pa.int64(), "BIGINT", sa.BigInteger, "whole number")
FLAG = LogicalType("flag", pa.bool_(), "BOOLEAN", sa.Boolean, "true or false")

ALL_TYPES = (TEXT, IDENTIFIER, AMOUNT, MONEY, QUANTITY, RATIO, DATE, INSTANT, COUNT, FLAG)

"""Tables as policy values: a list of records with declared columns, such as the measures per class or a score sheet.

May import: `config.errors`, `config.yaml_nodes`. The shipped declaration of a key of type `records` states its columns
and which of them identify a record; a value is a list of mappings that is checked against it cell by cell. Every
complaint names file, line, key, row (the first record being 1) and column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from textwrap import indent
from typing import Literal, get_args

import yaml

from kehu.config.errors import SettingsError
from kehu.config.yaml_nodes import Section, Value

Cell = str | int | Decimal | None
Record = Mapping[str, Cell]
"""Column → exact value, all declared columns in declared order; None where an optional one is not written."""

ColumnType = Literal["text", "integer", "number", "choice"]
_STATED_OF_COLUMN = ("type", "choices", "min", "max", "optional")
_INDENT, _WIDTH = 10, 110


@dataclass(frozen=True)
class RecordColumn:
    """One declared column.

    Attributes:
        name: its key in every record.
        type: `text`, `integer`, `number` or `choice`.
        choices: the words allowed (choice), in the order records are sorted by.
        smallest: least value allowed (integer, number), inclusive.
        largest: greatest value allowed (integer, number), inclusive.
        is_optional: True where a record may leave it out.
    """

    name: str
    type: ColumnType
    choices: tuple[str, ...] = ()
    smallest: Decimal | None = None
    largest: Decimal | None = None
    is_optional: bool = False


@dataclass(frozen=True)
class RecordLayout:
    """What records of a key look like.

    Attributes:
        columns: the columns, in the order they are shown.
        key: names of the columns that identify a record.
    """

    columns: tuple[RecordColumn, ...]
    key: tuple[str, ...]


def read_layout(columns: Section, key: Value) -> RecordLayout:
    """The layout a shipped declaration states.

    Raises:
        SettingsError: a column is declared wrongly, or the key names none, an unknown or an optional one.
    """
    declared = {name: _column(name, stated.section()) for name, stated in columns}
    identifying = tuple(item.choice(tuple(declared)) for item in key.items())
    if not identifying or len(set(identifying)) != len(identifying):
        raise key.error("the columns that identify a record are needed, each once")
    for name in identifying:
        if declared[name].is_optional:
            raise key.error(f"{name} is optional and cannot identify a record")
    return RecordLayout(tuple(declared.values()), identifying)


def read_records(value: Value, layout: RecordLayout) -> tuple[Record, ...]:
    """The records written, in the order of their key: choices as declared, numbers by size, texts by character.

    Raises:
        SettingsError: the list is empty (`value_malformed`), a record has an unknown column (`unknown_key`), lacks one
            (`missing_key`), holds a value that does not fit (`value_malformed`), or has the key of another one
            (`duplicate_key`).
    """
    items = value.items()
    if not items:
        raise value.error("at least one record is needed", hint="leave the value blank to do without")
    met: dict[tuple[Cell, ...], tuple[int, Value]] = {}
    records: list[Record] = []
    for row, item in enumerate(items, start=1):
        record = _record(item, row, layout)
        identity = tuple(record[name] for name in layout.key)
        earlier_row, earlier = met.setdefault(identity, (row, item))
        if earlier is not item:
            with _naming(row, ", ".join(layout.key)):
                named = ", ".join(f"{name} {record[name]}" for name in layout.key)
                raise item.error(
                    f"{named} stands twice, first in row {earlier_row}, line {earlier.line}", code="duplicate_key"
                )
        records.append(record)
    return tuple(sorted(records, key=lambda record: _position(record, layout)))


def written_records(records: Sequence[Record]) -> str:
    """The records as they are written in a policy file, to be read and copied: YAML, indented to stand below `value:`.

    Columns left out stay out; reading it gives the same records.
    """
    written = [{name: cell for name, cell in record.items() if cell is not None} for record in records]
    text = yaml.dump(written, Dumper=_Writer, allow_unicode=True, sort_keys=False, width=_WIDTH)
    return indent(text, " " * _INDENT).rstrip()


class _Writer(yaml.SafeDumper):
    """Writes exact numbers as plain ones."""


def _plain_number(writer: _Writer, number: Decimal) -> yaml.Node:
    written = format(number, "f")
    return writer.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in written else 'int'}", written)


_Writer.add_representer(Decimal, _plain_number)


def _column(name: str, stated: Section) -> RecordColumn:
    stated.refuse_unknown(_STATED_OF_COLUMN)
    type_ = stated.require("type").choice(get_args(ColumnType))
    smallest, largest, optional = stated.get("min"), stated.get("max"), stated.get("optional")
    return RecordColumn(
        name=name,
        type=next(known for known in get_args(ColumnType) if known == type_),
        choices=stated.require("choices").texts() if type_ == "choice" else (),
        smallest=smallest.decimal() if smallest else None,
        largest=largest.decimal() if largest else None,
        is_optional=optional.flag() if optional else False,
    )


def _record(item: Value, row: int, layout: RecordLayout) -> Record:
    names = tuple(column.name for column in layout.columns)
    with _naming(row):
        written = item.section()
    for name in written.values:
        if name not in names:
            with _naming(row, name):
                written.refuse_unknown(names)
    record: dict[str, Cell] = {}
    for column in layout.columns:
        with _naming(row, column.name):
            cell = written.get(column.name) if column.is_optional else written.require(column.name)
            record[column.name] = None if cell is None else _cell(cell, column)
    return record


def _cell(value: Value, column: RecordColumn) -> Cell:
    if column.type == "choice":
        return value.choice(column.choices)
    if column.type == "text":
        return value.text()
    if column.type == "number":
        return value.decimal(column.smallest, column.largest)
    value.integer()
    return int(value.decimal(column.smallest, column.largest))


def _position(record: Record, layout: RecordLayout) -> tuple[str | int | Decimal, ...]:
    columns = {column.name: column for column in layout.columns}
    position: list[str | int | Decimal] = []
    for name in layout.key:
        cell = record[name]
        if columns[name].type == "choice":
            position.append(columns[name].choices.index(str(cell)))
        elif cell is not None:
            position.append(cell)
    return tuple(position)


@contextmanager
def _naming(row: int, column: str | None = None) -> Iterator[None]:
    """Add row and column to the complaints of the block."""
    try:
        yield
    except SettingsError as error:
        error.row, error.column = row, column
        raise

"""Source mappings: which files a system exports, and how they become our entities.

May import: other modules of `config`. Whether entities and columns exist is checked where files are conformed: this
module knows no contract. The format is described in docs/sources.md.
"""

from __future__ import annotations

import codecs
import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast

from kehu.config.errors import SettingsError, UsageError
from kehu.config.settings import known_timezone
from kehu.config.yaml_nodes import Section, Value, did_you_mean, read_yaml

SHIPPED = Path(__file__).parent / "sources"

Unit = Literal["元", "千元", "万元", "百万元", "亿元"]
Mode = Literal["snapshot", "append", "upsert", "partition"]
Tax = Literal["included", "excluded", "unknown"]
Duplicates = Literal["keep", "drop"]

UNITS: Mapping[str, Decimal] = {
    "元": Decimal(1),
    "千元": Decimal(1000),
    "万元": Decimal(10_000),
    "百万元": Decimal(1_000_000),
    "亿元": Decimal(100_000_000),
}
"""Units of money a file or column may state → yuan (or other currency units) in one of them."""

_MODES = ("snapshot", "append", "upsert", "partition")
_TAXES = ("included", "excluded", "unknown")
_DOCUMENT_TYPES = ("order", "delivery", "invoice")
_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_-]*")
_IDENTIFIER = re.compile("[a-z][a-z0-9_]*")
_CURRENCY = re.compile("[A-Z]{3}")

_SOURCE_KEYS = (
    "description", "system", "company_id", "currency", "tax", "tax_rate", "timezone", "delivered_at", "sales_basis",
    "files", "ignore",
)  # fmt: skip
_FILE_KEYS = (
    "match", "encoding", "delimiter", "sheet", "header_row", "header_rows", "unit", "mode", "partition", "fill_down",
    "required", "feeds",
)  # fmt: skip
_FEED_KEYS = (
    "entity", "columns", "constants", "where", "distinct", "drop", "duplicates", "sql", "tolerances", "deleted",
)  # fmt: skip
_COLUMN_KEYS = ("header", "expression", "unit")


@dataclass(frozen=True)
class ColumnSource:
    """Where the values of one of our columns come from: a header or an expression, never both.

    Attributes:
        header: the header in the export.
        expression: DuckDB SQL over the raw text columns, headers as quoted identifiers.
        unit_factor: what the number is multiplied by (10 000 for 万元); None where the file says it or it is 1.
        line: line of the mapping file.
    """

    header: str | None = None
    expression: str | None = None
    unit_factor: Decimal | None = None
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class DropRule:
    """Rows left out on purpose, counted under their reason.

    Attributes:
        where: condition over the raw text columns that is true for a row to leave out.
        reason: short name of the reason, e.g. `no_customer`.
        line: line of the mapping file.
    """

    where: str
    reason: str
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Feed:
    """How the rows of one file become rows of one entity.

    Attributes:
        entity: name of our entity.
        columns: our column → where it comes from. What is not named here is matched by the contract's synonyms; None
            means everything is.
        constants: our column → the same text for every row.
        where: condition over the raw text columns; other rows count as unmapped for this entity.
        distinct: one row per key is kept, the rest is merged into it: a master taken from document lines.
        drop: rows left out on purpose, first matching rule wins.
        duplicates: what becomes of rows that repeat another in full and have no line number.
        sql: one SELECT instead of columns; sees the files of this source by their names.
        tolerances: row rule → largest share of rows that may break it, instead of policy `gate.rows_broken_tolerance`.
        deleted: mode upsert: condition that is true where the row says its key was deleted.
        line: line of the mapping file.
    """

    entity: str
    columns: Mapping[str, ColumnSource] | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    where: str | None = None
    distinct: bool = False
    drop: tuple[DropRule, ...] = ()
    duplicates: Duplicates = "keep"
    sql: str | None = None
    tolerances: Mapping[str, Decimal] = field(default_factory=dict)
    deleted: str | None = None
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class FileMapping:
    """One kind of file of a source: how it is recognised, read and fed.

    Attributes:
        name: its name in the mapping; `sql` feeds call it by that.
        match: globs over the file's path below the export folder.
        encoding: forces an encoding; None = detected.
        delimiter: forces the character between fields; None = detected.
        sheet: name of the worksheet or a pattern for several; None = the first visible one. Other formats have none.
        header_row: record that holds the header, the first being 1; None = detected.
        header_rows: how many records the header takes (two for merged headers).
        unit: unit of all amounts of the file that state none themselves; None = as its header says, else 元.
        mode: what a delivery says: the whole truth, new events, new versions by key, or the whole of one partition.
        partition: mode partition: what a file replaces. Either a regular expression with exactly one group, searched in
            the file name (`_([0-9]{6})_` takes the month out of `销售明细_202403_20240401.csv`), or the name of one of
            our columns (an organisation, say), whose values in the file are the partitions it replaces; of a date
            column its months.
        fill_down: headers whose blank cells repeat the value above (grouped reports).
        required: a batch without this file is incomplete.
        feeds: the entities its rows become; none where the file is there for `sql` feeds of other files only.
        line: line of the mapping file.
    """

    name: str
    match: tuple[str, ...]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    header_rows: int = 1
    unit: Unit | None = None
    mode: Mode = "append"
    partition: str | None = None
    fill_down: tuple[str, ...] = ()
    required: bool = True
    feeds: tuple[Feed, ...] = ()
    line: int | None = field(default=None, compare=False)

    @property
    def partition_column(self) -> str | None:
        """Our column whose values are the partitions; None unless `partition` names a column."""
        return self.partition if self.partition and _IDENTIFIER.fullmatch(self.partition) else None

    def partition_of(self, file_name: str) -> str | None:
        """The partition a file replaces, taken from its name.

        Returns:
            What the one group of the expression matched; None where `partition` is no expression or does not match.
        """
        if self.partition is None or self.partition_column is not None:
            return None
        found = re.search(self.partition, file_name.rsplit("/", 1)[-1])
        return found.group(1) if found else None


@dataclass(frozen=True)
class SourceMapping:
    """How the exports of one system become our entities.

    Attributes:
        name: name of the mapping: its file name without ending.
        system: the system the rows come from; part of every key. Two mappings of one system (CSV or workbook) share it.
        description: one sentence.
        company_id: our legal entity, where the rows do not say.
        currency: ISO 4217 code of the amounts, where the rows do not say.
        tax: whether an amount whose header does not say includes value-added tax.
        tax_rate: the source's rate for lines that state none; None = policy `sales.tax_rate_assumed`.
        timezone: time zone of the source's clock.
        delivered_at: day of delivery: fixed, the last eight-digit date in the file's name, or the day of arrival.
        sales_basis: document type that counts as sales for this system, instead of policy `sales.basis`.
        files: the kinds of files, in the order written.
        ignore: (glob, reason) of files that are left alone on purpose.
        file: the mapping file, as shown in errors.
        fingerprint: sixteen hex digits that change when anything but the description and comments changes.
    """

    name: str
    system: str
    description: str
    files: tuple[FileMapping, ...]
    tax: Tax
    delivered_at: date | Literal["name", "arrival"]
    company_id: str = "main"
    currency: str = "CNY"
    tax_rate: Decimal | None = None
    timezone: str = "Asia/Shanghai"
    sales_basis: str | None = None
    ignore: tuple[tuple[str, str], ...] = ()
    file: str = field(default="", compare=False)

    @property
    def fingerprint(self) -> str:
        """See the class."""
        facts = _facts(dataclasses.replace(self, description=""))
        return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]

    def file_named(self, name: str) -> FileMapping:
        """The file mapping of that name.

        Raises:
            KeyError: there is none.
        """
        for file_mapping in self.files:
            if file_mapping.name == name:
                return file_mapping
        raise KeyError(f"source {self.name} has no file {name}")


def source_names(user_dir: Path | None) -> tuple[str, ...]:
    """The names of all mappings that can be loaded, a project's own and the shipped ones, sorted."""
    folders = [folder for folder in (user_dir, SHIPPED) if folder is not None and folder.is_dir()]
    return tuple(sorted({path.stem for folder in folders for path in folder.glob("*.yaml")}))


def load_source(name: str, user_dir: Path | None) -> SourceMapping:
    """Read a source mapping by name: the project's own if it has one of that name, else the shipped one.

    Args:
        name: file name without ending.
        user_dir: the project's `sources/` folder; None without a project.

    Raises:
        UsageError: there is no mapping of that name; close names are offered.
        SettingsError: it is malformed; file, line and key are named.
    """
    if _NAME.fullmatch(name):
        if user_dir is not None and (user_dir / f"{name}.yaml").is_file():
            return read_source(user_dir / f"{name}.yaml", f"{user_dir.name}/{name}.yaml")
        if (SHIPPED / f"{name}.yaml").is_file():
            return read_source(SHIPPED / f"{name}.yaml", f"kehu/config/sources/{name}.yaml")
    names = source_names(user_dir)
    close = did_you_mean(name, names)
    raise UsageError(
        f"there is no source {name}",
        code="unknown_source",
        details=(f"known sources: {', '.join(names)}",),
        hint=close or "write sources/NAME.yaml in the project folder (docs/sources.md)",
    )


def read_source(path: Path, shown: str) -> SourceMapping:
    """Read one mapping file.

    Args:
        path: the file; its name without ending names the source.
        shown: its name in errors.

    Raises:
        SettingsError: it is malformed; file, line and key are named.
    """
    top = read_yaml(path, shown)
    top.refuse_unknown(_SOURCE_KEYS)
    return SourceMapping(
        name=path.stem,
        system=_text(top, "system") or path.stem,
        description=top.require("description").text(),
        files=_files(top.require("files").section()),
        tax=cast(Tax, top.require("tax").choice(_TAXES)),
        delivered_at=_delivered_at(top.require("delivered_at")),
        company_id=_text(top, "company_id") or "main",
        currency=_currency(top.get("currency")),
        tax_rate=_share(top.get("tax_rate")),
        timezone=_timezone(top.get("timezone")),
        sales_basis=_choice(top, "sales_basis", _DOCUMENT_TYPES),
        ignore=_ignored(top.get("ignore")),
        file=shown,
    )


# --- the parts of a mapping, from the file level down -----------------------------------------------------------------


def _files(section: Section) -> tuple[FileMapping, ...]:
    if not section.values:
        raise SettingsError(
            "a source needs at least one file",
            code="missing_key",
            file=section.file,
            line=section.line,
            setting="files",
        )
    files = tuple(_file(name, value) for name, value in section)
    for file_mapping in files:
        if not file_mapping.feeds and not _is_read_by_sql(file_mapping.name, files):
            stated = section.values[file_mapping.name].section().require("feeds")
            raise stated.error("a file needs at least one feed, or a `sql` feed of the source that reads it")
    return files


def _is_read_by_sql(name: str, files: Sequence[FileMapping]) -> bool:
    statements = (feed.sql for file_mapping in files for feed in file_mapping.feeds if feed.sql is not None)
    return any(re.search(rf"\b{name}\b", statement) for statement in statements)


def _file(name: str, stated: Value) -> FileMapping:
    if not _IDENTIFIER.fullmatch(name):
        raise stated.error(f"`{name}` is no name for a file: use small letters, digits and _ only")
    section = stated.section()
    section.refuse_unknown(_FILE_KEYS)
    mode = section.require("mode").choice(_MODES)
    header_row, header_rows = section.get("header_row"), section.get("header_rows")
    fill_down, required = section.get("fill_down"), section.get("required")
    return FileMapping(
        name=name,
        match=tuple(_glob(item) for item in _list(section.require("match"))),
        encoding=_encoding(section.get("encoding")),
        delimiter=_delimiter(section.get("delimiter")),
        sheet=_text(section, "sheet"),
        header_row=header_row.integer(smallest=1) if header_row else None,
        header_rows=header_rows.integer(smallest=1, largest=3) if header_rows else 1,
        unit=cast("Unit | None", _choice(section, "unit", UNITS)),
        mode=cast(Mode, mode),
        partition=_partition(section, mode),
        fill_down=fill_down.texts() if fill_down else (),
        required=required.flag() if required else True,
        feeds=_feeds(section.require("feeds"), mode),
        line=stated.line,
    )


def _feeds(stated: Value, mode: str) -> tuple[Feed, ...]:
    return tuple(_feed(item, mode) for item in stated.items())


def _feed(stated: Value, mode: str) -> Feed:
    section = stated.section()
    section.refuse_unknown(_FEED_KEYS)
    columns, distinct, drop = section.get("columns"), section.get("distinct"), section.get("drop")
    deleted = section.get("deleted")
    if deleted is not None and mode != "upsert":
        raise deleted.error("only a file of mode upsert says what was deleted")
    return Feed(
        entity=_identifier(section.require("entity")),
        columns=_columns(columns.section()) if columns else None,
        constants=_constants(section),
        where=_text(section, "where"),
        distinct=distinct.flag() if distinct else False,
        drop=tuple(_drop_rule(item) for item in drop.items()) if drop else (),
        duplicates=cast(Duplicates, _choice(section, "duplicates", ("keep", "drop")) or "keep"),
        sql=_sql(section),
        tolerances=_tolerances(section),
        deleted=deleted.text() if deleted else None,
        line=stated.line,
    )


def _columns(section: Section) -> dict[str, ColumnSource]:
    return {_column_name(name, stated): _column(stated) for name, stated in section}


def _column(stated: Value) -> ColumnSource:
    if not stated.is_section:
        return ColumnSource(header=stated.text(), line=stated.line)
    section = stated.section()
    section.refuse_unknown(_COLUMN_KEYS)
    header, expression = _text(section, "header"), _text(section, "expression")
    if (header is None) == (expression is None):
        raise stated.error("either `header` or `expression` says where the column comes from")
    unit = _choice(section, "unit", UNITS)
    return ColumnSource(header, expression, UNITS[unit] if unit else None, stated.line)


def _constants(section: Section) -> dict[str, str]:
    constants, columns = section.get("constants"), section.get("columns")
    if constants is None:
        return {}
    named = columns.section().values if columns else {}
    found: dict[str, str] = {}
    for name, value in constants.section():
        if name in named:
            raise value.error(f"{name} stands under `columns` as well, line {named[name].line}")
        found[_column_name(name, value)] = value.text()
    return found


def _drop_rule(stated: Value) -> DropRule:
    section = stated.section()
    section.refuse_unknown(("where", "reason"))
    return DropRule(section.require("where").text(), _identifier(section.require("reason")), stated.line)


def _sql(section: Section) -> str | None:
    sql = section.get("sql")
    if sql is None:
        return None
    for key in ("columns", "where", "distinct", "drop"):
        if section.get(key) is not None:
            raise section.values[key].error("goes not with `sql`, which says all of it itself")
    return sql.text()


def _tolerances(section: Section) -> dict[str, Decimal]:
    tolerances = section.get("tolerances")
    if tolerances is None:
        return {}
    return {_column_name(rule, value): cast(Decimal, _share(value)) for rule, value in tolerances.section()}


def _ignored(stated: Value | None) -> tuple[tuple[str, str], ...]:
    ignored: list[tuple[str, str]] = []
    for item in stated.items() if stated else ():
        section = item.section()
        section.refuse_unknown(("match", "reason"))
        reason = section.require("reason").text()
        ignored.extend((_glob(glob), reason) for glob in _list(section.require("match")))
    return tuple(ignored)


# --- single values ----------------------------------------------------------------------------------------------------


def _text(section: Section, key: str) -> str | None:
    value = section.get(key)
    return value.text() if value else None


def _choice(section: Section, key: str, choices: Any) -> str | None:
    value = section.get(key)
    return value.choice(tuple(choices)) if value else None


def _list(value: Value) -> tuple[Value, ...]:
    items = value.items() if value.is_list else (value,)
    if not items:
        raise value.error("at least one is needed")
    return items


def _identifier(value: Value) -> str:
    return _column_name(value.text(), value)


def _column_name(name: str, value: Value) -> str:
    if not _IDENTIFIER.fullmatch(name):
        raise value.error(f"`{name}` is no name of ours: small letters, digits and _ only")
    return name


def _glob(value: Value) -> str:
    glob = value.text()
    if glob.startswith("/") or "\\" in glob or ".." in glob.split("/"):
        raise value.error(
            f"`{glob}` does not stay in the export folder", hint="patterns are relative to it, with / between folders"
        )
    return glob


def _encoding(value: Value | None) -> str | None:
    if value is None:
        return None
    try:
        return codecs.lookup(value.text()).name
    except LookupError:
        raise value.error(f"there is no encoding {value.text()}", hint="such as utf-8, gb18030, utf-16") from None


def _delimiter(value: Value | None) -> str | None:
    if value is None:
        return None
    written = value.raw_text()
    delimiter = _DELIMITERS.get(written, written)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise value.error(f"a delimiter is one character or one of {', '.join(_DELIMITERS)}")
    return delimiter


def _partition(section: Section, mode: str) -> str | None:
    value = section.get("partition")
    if mode != "partition":
        if value is not None:
            raise value.error("goes with mode partition only")
        return None
    value = section.require("partition")
    written = value.text()
    if _IDENTIFIER.fullmatch(written):
        return written
    try:
        groups = re.compile(written).groups
    except re.error as error:
        raise value.error(f"`{written}` is no regular expression: {error}") from None
    if groups != 1:
        raise value.error(
            f"the expression has {groups} groups, exactly one is needed",
            hint="put brackets around what names the partition, or write the name of one of our columns",
        )
    return written


def _delivered_at(value: Value) -> date | Literal["name", "arrival"]:
    written = value.text()
    if written in ("name", "arrival"):
        return cast(Literal["name", "arrival"], written)
    try:
        return value.day()
    except SettingsError:
        raise value.error(f"`{written}` is neither a date (YYYY-MM-DD) nor `name` nor `arrival`") from None


def _currency(value: Value | None) -> str:
    if value is None:
        return "CNY"
    if not _CURRENCY.fullmatch(value.text()):
        raise value.error(f"`{value.text()}` is no currency code of three capital letters (ISO 4217)")
    return value.text()


def _share(value: Value | None) -> Decimal | None:
    if value is None:
        return None
    number = value.decimal()
    if not 0 <= number <= 1:
        raise value.error(f"{number} is no share between 0 and 1", hint="write 13 % as 0.13")
    return number


def _timezone(value: Value | None) -> str:
    if value is None:
        return "Asia/Shanghai"
    if not known_timezone(value.text()):
        raise value.error(f"there is no time zone {value.text()}", hint="such as Asia/Shanghai or Europe/London")
    return value.text()


def _facts(part: Any) -> Any:
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        compared = [item.name for item in dataclasses.fields(part) if item.compare]
        return {name: _facts(getattr(part, name)) for name in compared}
    if isinstance(part, Mapping):
        return {str(key): _facts(value) for key, value in part.items()}
    if isinstance(part, tuple):
        return [_facts(item) for item in part]
    if isinstance(part, Decimal):
        return format(part.normalize() + 0, "f")
    return part.isoformat() if isinstance(part, date) else part

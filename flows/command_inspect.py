"""`kehu runs`, `kehu policy show`, `kehu dictionary` and `kehu sql`.

May import: everything of ours.
"""

from __future__ import annotations

import argparse
import dataclasses
from datetime import datetime
from typing import Any

from kehu.config.errors import UsageError
from kehu.flows import show
from kehu.flows.context import language_of, settings_of
from kehu.schemas.tables import RUN_LOG

_NEWEST_DAY = (9999, 12, 31)


def runs(arguments: argparse.Namespace) -> int:
    """List published runs, newest first, or show one with its files, marts and checks."""
    from kehu.flows.story import show_story
    from kehu.warehouse.read import list_runs, show_run

    settings = settings_of(arguments)
    warehouse_dir = settings.home / "sandboxes" / arguments.sandbox if arguments.sandbox else settings.warehouse_dir
    if arguments.action == "show":
        if not arguments.run_id:
            raise UsageError("say which run", code="run_missing", hint="kehu runs, then kehu runs show ID")
        story = show_run(warehouse_dir, arguments.run_id)
        if arguments.json:
            show.print_json({"exit_code": 0, **dataclasses.asdict(story)})
        else:
            show_story(story, language_of(arguments, settings))
        return 0
    entries = list_runs(warehouse_dir)
    if arguments.json:
        show.print_json({"exit_code": 0, "runs": [dataclasses.asdict(entry) for entry in entries]})
        return 0
    labels = show.Labels(language_of(arguments, settings))
    headers = labels.columns(RUN_LOG, ["run_id", "as_of", "known_at", "gate"])
    headers += [labels.say("official for", "正式结果表"), f"{labels.column(RUN_LOG, 'finished_at')} (UTC)"]
    headers += labels.columns(RUN_LOG, ["code_version"])
    rows = [
        (
            e.run_id,
            e.as_of,
            e.known_at,
            e.gate,
            ", ".join(e.official_marts) or labels.say("(superseded)", "(已被取代)"),
            _minute(e.finished_at),
            e.code_version,
        )
        for e in entries
    ]
    show.results().print(show.table(labels.say("Published runs", "已发布的运行"), headers, rows))
    return 0


def _minute(instant: datetime | None) -> str | None:
    return None if instant is None else instant.strftime("%Y-%m-%d %H:%M")


def policy(arguments: argparse.Namespace) -> int:
    """Show each policy value in force with unit, the date it holds from and the file it came from."""
    from datetime import date

    from kehu.config.policy import PolicyBook
    from kehu.config.policy_records import written_records

    settings = settings_of(arguments)
    in_force = PolicyBook.load(settings.policy_dir).on(arguments.as_of or date(*_NEWEST_DAY))
    entries = [entry for entry in in_force.entries() if arguments.key in (None, entry.key)]
    if not entries:
        raise _unknown_name("policy key", arguments.key, [entry.key for entry in in_force.entries()])
    if arguments.json:
        values = [
            {"key": e.key, "value": e.value, "unit": e.unit, "from": e.from_date, "file": e.file, "line": e.line,
             "reason": e.reason, "owner": e.owner, "source": e.source}
            for e in entries
        ]  # fmt: skip
        show.print_json(
            {"exit_code": 0, "as_of": arguments.as_of, "policy": values, "fingerprint": in_force.fingerprint}
        )
        return 0
    out = show.results()
    if arguments.key is not None:
        for name, value in dataclasses.asdict(entries[0]).items():
            out.print(f"{name:<16}{_readable(value)}", markup=False, soft_wrap=True)
        if entries[0].type == "records" and entries[0].value is not None:
            out.print("\nAs it stands in a file below `value:`", markup=False)
            out.print(written_records(entries[0].value), markup=False, soft_wrap=True)
        return 0
    rows = [(e.key, _readable(e.value), e.unit, e.from_date, f"{e.file}:{e.line}") for e in entries]
    title = f"Policy as of {arguments.as_of}" if arguments.as_of else "Policy (newest values)"
    out.print(show.table(title, ["key", "value", "unit", "in force from", "file"], rows))
    out.print("\nWhy a value is what it is: kehu policy show KEY")
    return 0


def _readable(value: Any) -> str:
    if value is None:
        return "(blank)"
    if isinstance(value, tuple | list) and value and isinstance(value[0], dict):
        return show.counted(len(value), "record")
    if isinstance(value, tuple | list):
        return "[" + ", ".join(str(part) for part in value) + "]"
    if isinstance(value, dict):
        return ", ".join(f"{name}={part}" for name, part in value.items()) or "{}"
    return str(value)


def dictionary(arguments: argparse.Namespace) -> int:
    """List the tables, or print one table's page: columns, units, meaning in both languages."""
    from kehu.schemas.dictionary import render_table
    from kehu.schemas.tables import ALL_TABLES, table_named

    if arguments.table is None:
        rows = [(table.name, table.label_zh, table.layer.value, table.grain) for table in ALL_TABLES]
        if arguments.json:
            names = ("name", "label_zh", "layer", "grain")
            show.print_json({"exit_code": 0, "tables": [dict(zip(names, row, strict=True)) for row in rows]})
            return 0
        show.results().print(show.table("Tables", ["table", "name", "layer", "grain"], rows))
        return 0
    try:
        found = table_named(arguments.table)
    except KeyError:
        raise _unknown_name("table", arguments.table, [table.name for table in ALL_TABLES]) from None
    if arguments.json:
        columns = [
            {"name": c.name, "type": c.type.name, "unit": c.unit, "label_en": c.label_en, "label_zh": c.label_zh,
             "description_en": c.description_en, "description_zh": c.description_zh}
            for c in found.columns
        ]  # fmt: skip
        show.print_json({"exit_code": 0, "table": found.name, "key": list(found.key_names), "columns": columns})
        return 0
    print(render_table(found))  # noqa: T201 - Markdown, as it stands in the docs
    return 0


def sql(arguments: argparse.Namespace) -> int:
    """Print the SQL a mart is built by, or a view is made of."""
    from kehu.tasks.marts import MARTS, mart_sql
    from kehu.warehouse.views import view_sql

    settings = settings_of(arguments)
    views = view_sql()
    if arguments.name not in (*MARTS, *views):
        raise _unknown_name("mart or view", arguments.name, [*MARTS, *views])
    statements = mart_sql(only=[arguments.name]) if arguments.name in MARTS else views
    text = statements[arguments.name]
    if arguments.json:
        show.print_json(
            {"exit_code": 0, "name": arguments.name, "sql": text, "language": language_of(arguments, settings)}
        )
    else:
        print(text)  # noqa: T201
    return 0


def _unknown_name(kind: str, name: str, known: list[str]) -> UsageError:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=3)
    return UsageError(
        f"there is no {kind} named {name}",
        code="unknown_name",
        hint=f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(sorted(known))}",
    )

"""`kehu quarantine list|export|release` and `kehu corrections check`.

May import: everything of ours.
"""

from __future__ import annotations

import argparse
import os

from kehu.config.errors import SettingsError, UsageError
from kehu.config.settings import Settings
from kehu.flows import show
from kehu.flows.context import language_of, settings_of
from kehu.schemas.tables import DQ_QUARANTINE


def quarantine(arguments: argparse.Namespace) -> int:
    """List rejected rows by rule, export them with their raw text, or turn a mended export into corrections."""
    action = {"list": _list, "export": _export, "release": _release}[arguments.action]
    return action(arguments, settings_of(arguments))


def corrections(arguments: argparse.Namespace) -> int:
    """Say which corrections no longer find the error they mend.

    Raises:
        SettingsError: at least one does not (exit 10): delete it, or look why the file changed.
    """
    from kehu.tasks.quarantine import check_corrections

    settings = settings_of(arguments)
    stale = check_corrections(settings.home, settings.corrections_dir)
    if stale:
        raise SettingsError(
            "corrections no longer find the error they mend",
            code="correction_without_error",
            count=len(stale),
            details=list(stale),
            hint="delete them: the source has been mended, or the rows are no longer delivered",
        )
    if arguments.json:
        show.print_json({"exit_code": 0, "stale": []})
    else:
        show.results().print("Every correction still finds the error it mends.")
    return 0


def _list(arguments: argparse.Namespace, settings: Settings) -> int:
    from kehu.tasks.quarantine import list_quarantine

    entries = list_quarantine(settings.home, system=arguments.source, entity=arguments.entity)
    if arguments.json:
        show.print_json({"exit_code": 0, "quarantine": [entry.as_row() for entry in entries]})
        return 0
    out, labels = show.results(), show.Labels(language_of(arguments, settings))
    if not entries:
        out.print(
            labels.say(f"No rows in quarantine under {settings.home}.", f"{settings.home} 下没有隔离行。"), markup=False
        )
        return 0
    rows = [
        (entry.system, labels.table(entry.entity), entry.file_name, entry.rule, entry.row_count, entry.example_keys)
        for entry in entries
    ]
    headers = labels.columns(DQ_QUARANTINE, ["source", "entity", "file_name", "rule", "row_count", "example_keys"])
    title = labels.say("Rows in quarantine, by file and rule", "隔离行(按文件和规则)")
    out.print(show.table(title, headers, rows, numbers=(4,)))
    out.print()
    out.print(
        labels.say(
            "A row that breaks several rules counts under each. Next: kehu quarantine export --to rejected.csv",
            "违反多条规则的行在每条规则下各计一次。下一步:kehu quarantine export --to rejected.csv",
        )
    )
    return 0


def _export(arguments: argparse.Namespace, settings: Settings) -> int:
    from kehu.tasks.quarantine import export_quarantine

    if arguments.to is None:
        raise UsageError(
            "say where to write the rows", code="file_missing", hint="kehu quarantine export --to rejected.csv"
        )
    count = export_quarantine(settings.home, arguments.to, system=arguments.source, entity=arguments.entity)
    if arguments.json:
        show.print_json({"exit_code": 0, "rows": count, "file": str(arguments.to)})
    else:
        show.results().print(f"{show.counted(count, 'row')} written to {arguments.to}. Mend the cells, then:")
        show.results().print(f'  kehu quarantine release {arguments.to} --reason "…" --by "…"')
    return 0


def _release(arguments: argparse.Namespace, settings: Settings) -> int:
    from kehu.tasks.quarantine import release_quarantine

    _require_release_facts(arguments, settings)
    assert settings.corrections_dir is not None  # noqa: S101 - checked just above
    written = release_quarantine(
        settings.home, arguments.file, settings.corrections_dir, reason=arguments.reason, by=arguments.by
    )
    if arguments.json:
        show.print_json({"exit_code": 0, "corrections": written.count, "file": str(written.path)})
    else:
        show.results().print(
            f"{show.counted(written.count, 'correction')} written to {written.path}; the next run applies them."
        )
    return 0


def _require_release_facts(arguments: argparse.Namespace, settings: Settings) -> None:
    missing = [name for name in ("file", "reason", "by") if not getattr(arguments, name)]
    if missing:
        raise UsageError(
            f"release needs {', '.join(missing)}",
            code="release_incomplete",
            hint='kehu quarantine release rejected.csv --reason "why the cells are wrong" --by "your name"',
        )
    if settings.corrections_dir is None:
        raise UsageError(
            "corrections are kept in a project folder and there is none here",
            code="no_project",
            hint=f"kehu init DIR, then the same command with --project DIR (looked in {os.curdir})",
        )

"""The page of commands, generated from the parser and committed as `docs/commands.md`.

May import: `config`, `flows.cli`. `python -m kehu.flows.commands_page --check` fails where the committed page says
something else than the parser; `--write` brings it up to date; without either the page is printed. It is laid out here
and not by argparse, whose layout differs between versions of Python and with the width of the terminal.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from kehu.config.generated_page import run_page_command
from kehu.flows.cli import EXIT_CODES_HELP, build_parser

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
"""The committed page, in a checkout."""

_COMMON = "common options"
_PREFACE = """\
# Commands

Generated from the parser in `flows/cli.py`; edit that, then run `python -m kehu.flows.commands_page --write`. In a
terminal the same is said by `kehu --help` and `kehu COMMAND --help`. About errors: [errors.md](errors.md)."""


def render_page() -> str:
    """The whole page as Markdown: the list of commands, what all have in common, then one section a command."""
    commands = dict(_commands(build_parser()))
    listed = [f"- [`kehu {name}`](#kehu-{name}): {help_text}" for name, (_, help_text) in commands.items()]
    first, _ = next(iter(commands.values()))
    common = [group for group in first._action_groups if group.title == _COMMON]
    parts = [
        _PREFACE,
        "\n".join(listed),
        "## All commands",
        *(_table(list(group._group_actions)) for group in common),
        f"```text\n{EXIT_CODES_HELP}\n```",
        *(_section(name, command) for name, (command, _) in commands.items()),
    ]
    return "\n\n".join(parts) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print, check or write the page; 1 where the committed page has drifted from the parser."""
    return run_page_command("kehu.flows.commands_page", PAGE, "the parser", render_page, arguments)


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, tuple[argparse.ArgumentParser, str]]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            sentences = {listed.dest: listed.help or "" for listed in action._choices_actions}
            for name, command in action.choices.items():
                yield name, (command, sentences[name])


def _section(name: str, command: argparse.ArgumentParser) -> str:
    common = {
        id(action) for group in command._action_groups if group.title == _COMMON for action in group._group_actions
    }
    own = [action for action in command._actions if id(action) not in common and action.dest != "help"]
    parts = [f"## kehu {name}", command.description or "", f"```text\n{_usage(name, own)}\n```", _table(own)]
    if command.epilog:
        parts.append(f"```text\n{command.epilog}\n```")
    return "\n\n".join(part for part in parts if part)


def _usage(name: str, actions: Sequence[argparse.Action]) -> str:
    """`kehu run --source SOURCE … [--only NAMES]`, positional arguments first."""
    ordered = sorted(actions, key=lambda action: bool(action.option_strings))
    words = [_call(action) if action.required else f"[{_call(action)}]" for action in ordered]
    return " ".join(["kehu", name, *words])


def _table(actions: Sequence[argparse.Action]) -> str:
    if not actions:
        return ""
    rows = [f"| `{_call(action)}` | {_meaning(action)} |" for action in actions]
    return "\n".join(["| argument | meaning |", "|---|---|", *rows])


def _call(action: argparse.Action) -> str:
    value = _value(action)
    return " ".join(part for part in (*action.option_strings, value) if part)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.choices:
        return "/".join(map(str, action.choices))
    return str(action.metavar or (action.dest.upper() if action.option_strings else action.dest))


def _meaning(action: argparse.Action) -> str:
    needed = " (required)" if action.option_strings and action.required else ""
    return (action.help or "").replace("|", "\\|") + needed


if __name__ == "__main__":
    raise SystemExit(main())

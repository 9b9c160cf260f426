"""`kehu explain`: the why of every verdict on one customer.

May import: everything of ours.
"""

from __future__ import annotations

import argparse

from kehu.flows import show
from kehu.flows.context import language_of, settings_of


def explain(arguments: argparse.Namespace) -> int:
    """Print why a customer stands where he stands, from what is published."""
    from kehu.flows.explain import explain as explained
    from kehu.flows.explain_facts import Asked

    settings = settings_of(arguments)
    warehouse_dir = settings.home / "sandboxes" / arguments.sandbox if arguments.sandbox else settings.warehouse_dir
    asked = Asked(arguments.customer, arguments.as_of, arguments.run, arguments.source, arguments.company)
    explanation = explained(warehouse_dir, asked, language_of(arguments, settings), settings.policy_dir)
    if arguments.json:
        show.print_json({"exit_code": 0, **explanation.as_summary()})
        return 0
    out = show.results()
    out.print(explanation.title, style="bold", markup=False, soft_wrap=True)
    for section in explanation.sections:
        out.print()
        out.print(section.heading, style="bold", markup=False, soft_wrap=True)
        for sentence in section.sentences:
            out.print(f"  {sentence}", markup=False, soft_wrap=True)
    return 0

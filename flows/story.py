"""What `kehu runs show` prints: everything the warehouse tells of one run.

May import: everything of ours. The terminal gets sums and what failed; `--json` and the run tables have every row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from kehu.flows.show import Labels, results, table
from kehu.flows.summary import files_table, quality_table
from kehu.schemas import codes
from kehu.schemas.tables import DQ_QUARANTINE, RUN_INPUT_REASON, RUN_LOG, RUN_MART
from kehu.warehouse.read import RunStory

_REASON_KEYS = ("entity", "outcome", "reason", "measure_name")
_MART_COLUMNS = ("mart", "mart_status", "reason", "row_count", "exact_total", "rounding_difference", "checksum")
_QUARANTINE_COLUMNS = ("file_name", "sheet_name", "entity", "rule", "row_count", "example_keys")
_BATCH = "batch"


def show_story(story: RunStory, language: str) -> None:
    """Print a run: its facts, marts, files, what became of the rows, quarantine, failed expectations.

    Args:
        story: all that is known of the run.
        language: `zh` or `en`.
    """
    out, labels = results(), Labels(language)
    for name, value in story.log.items():
        said = _parameters(value) if name == "parameters" else value
        label = labels.column(RUN_LOG, name)
        out.print(f"{label}: {'–' if said is None else said}", markup=False, soft_wrap=True)
    failed = [row for row in story.quality if not row["is_passed"]]
    parts = [
        _rows_table(RUN_MART, labels.say("Marts", "结果表"), _MART_COLUMNS, story.marts, labels),
        files_table(story.inputs, labels.say("Files", "文件"), labels),
        _reasons_table(story.input_reasons, labels),
        *(
            [
                _rows_table(
                    DQ_QUARANTINE,
                    labels.say("Rows in quarantine", "隔离行"),
                    _QUARANTINE_COLUMNS,
                    story.quarantine,
                    labels,
                )
            ]
            if story.quarantine
            else []
        ),
        *([quality_table(failed, labels.say("Expectations that failed", "未通过的检查"), labels)] if failed else []),
    ]
    for part in parts:
        out.print()
        out.print(part)


def _parameters(text: Any) -> str:
    """The parameters without the folders of the batch: the table of files has those by name."""
    stated: dict[str, Any] = json.loads(text) if text else {}
    return json.dumps({name: value for name, value in stated.items() if name != _BATCH}, ensure_ascii=False)


def _rows_table(
    contract: Any, title: str, names: Sequence[str], rows: Sequence[Mapping[str, Any]], labels: Labels
) -> Any:
    shown = [name for name in names if any(row[name] not in (None, "") for row in rows)]
    numbers = [place for place, name in enumerate(shown) if any(isinstance(row[name], int | Decimal) for row in rows)]
    cells = [[labels.table(row[name]) if name == "entity" else row[name] for name in shown] for row in rows]
    return table(title, labels.columns(contract, shown), cells, numbers=numbers)


def _reasons_table(rows: Sequence[Mapping[str, Any]], labels: Labels) -> Any:
    """Rows and amounts of all files together, by entity, outcome, reason and measure."""
    summed: dict[tuple[str, ...], tuple[int, Decimal | None]] = {}
    for row in rows:
        key = tuple(row[name] or "" for name in _REASON_KEYS)
        count, amount = summed.get(key, (0, None))
        given = row["amount_total"]
        summed[key] = (count + row["row_count"], amount if given is None else (amount or Decimal(0)) + given)
    cells = [
        [labels.table(entity), labels.code(codes.OUTCOME, outcome), reason, measure, count, amount]
        for (entity, outcome, reason, measure), (count, amount) in sorted(summed.items())
    ]
    title = labels.say("What became of the rows", "各行去向")
    headers = labels.columns(RUN_INPUT_REASON, [*_REASON_KEYS, "row_count", "amount_total"])
    return table(title, headers, cells, numbers=(4, 5))

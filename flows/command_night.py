"""`kehu check` and `kehu run`.

May import: everything of ours.
"""

from __future__ import annotations

import argparse
import os
from decimal import Decimal
from typing import Any

from kehu.config.errors import UsageError
from kehu.flows import show
from kehu.flows.context import language_of, settings_of
from kehu.flows.receipts import NightReceipt, NightRequest

MOST_ROWS_SHOWN = 30
"""More input rows than this are summed up per source file pattern on the terminal; `run_input` has them all."""


def check(arguments: argparse.Namespace) -> int:
    """Everything up to the gate; publishes nothing."""
    return run_and_show(_request(arguments, publish=False), arguments)


def run(arguments: argparse.Namespace) -> int:
    """The night.

    Raises:
        UsageError: `--set` without `--sandbox`: the official state follows the policy files only.
    """
    if arguments.set and not arguments.sandbox:
        raise UsageError(
            "--set changes policy for a what-if and needs --sandbox",
            code="set_without_sandbox",
            hint="add --sandbox NAME, or write the value into the project's policy/ with reason, owner and source",
        )
    return run_and_show(_request(arguments, publish=True), arguments)


def _request(arguments: argparse.Namespace, *, publish: bool) -> NightRequest:
    return NightRequest(
        settings=settings_of(arguments),
        source=arguments.source,
        exports=arguments.exports,
        as_of=arguments.as_of,
        known_at=arguments.known_at,
        only=getattr(arguments, "only", ()),
        sandbox=getattr(arguments, "sandbox", None),
        overrides=dict(getattr(arguments, "set", [])),
        data_docs=arguments.data_docs,
        publish=publish,
    )


def run_and_show(request: NightRequest, arguments: argparse.Namespace) -> int:
    """Run a night directly or through Prefect, and show what came of it.

    Prefect is used with `--prefect` or when the environment names an API.
    """
    receipt = _run(request, arguments)
    if arguments.json:
        show.print_json(receipt.as_summary())
    else:
        _show(receipt, request, language_of(arguments, request.settings))
    return 0


def _run(request: NightRequest, arguments: argparse.Namespace) -> NightReceipt:
    if getattr(arguments, "prefect", False) or os.environ.get("PREFECT_API_URL"):
        from kehu.flows.nightly import night_flow

        receipt: NightReceipt = night_flow(request)
        return receipt
    from kehu.flows.night import night

    return night(request, step=show.Progress(is_silent=arguments.json).around)


# --- the summary ------------------------------------------------------------------------------------------------------


def _show(receipt: NightReceipt, request: NightRequest, language: str) -> None:
    out = show.results()
    out.print()
    _show_files(out, receipt)
    _show_quality(out, receipt)
    for file in receipt.unmapped_files:
        out.print(f"[yellow]not mapped, not read:[/yellow] {file}")
    for warning in receipt.warnings:
        out.print(f"[yellow]warning:[/yellow] {warning}")
    for mart, reason in receipt.skipped.items():
        out.print(f"[yellow]skipped:[/yellow] {mart} ({reason})")
    if receipt.warehouse is not None:
        _show_tiers(out, receipt, request, language)
    _show_where(out, receipt, request)


def _show_files(out: Any, receipt: NightReceipt) -> None:
    rows = [
        (
            f"{row['file_name']} {row['sheet_name']}".strip(),
            row["entity"],
            row["rows_read"],
            row["rows_data"],
            row["rows_accepted"],
            row["rows_merged"],
            row["rows_quarantined"],
            row["rows_dropped"],
            row["rows_later"],
            row["rows_total"],
        )
        for row in receipt.files
    ]
    headers = ["file", "entity", "read", "data", "accepted", "merged", "quarantined", "dropped", "later", "totals"]
    if len(rows) > MOST_ROWS_SHOWN:
        rows = _summed_by_entity(rows)
    out.print(show.table("Tonight's files", headers, rows, numbers=range(2, 10)))
    out.print()


def _summed_by_entity(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    entities = sorted({row[1] for row in rows})
    summed = []
    for entity in entities:
        of_entity = [row for row in rows if row[1] == entity]
        name = of_entity[0][0] if len(of_entity) == 1 else f"{len(of_entity)} files"
        summed.append((name, entity, *(sum(row[position] for row in of_entity) for position in range(2, 10))))
    return summed


def _show_quality(out: Any, receipt: NightReceipt) -> None:
    colour = {"open": "green", "warned": "yellow", "closed": "red"}[receipt.gate]
    out.print(f"Gate: [{colour}]{receipt.gate}[/{colour}]")
    if receipt.quality:
        rows = [
            (
                row["severity"],
                row["suite"],
                row["rule"],
                row["rows_failed"],
                row["rows_checked"],
                row["observed"],
                row["example_keys"],
            )
            for row in receipt.quality
        ]
        headers = ["severity", "suite", "rule", "failed", "checked", "observed", "keys"]
        out.print(show.table("", headers, rows, numbers=(3, 4)))
    out.print()


def _show_tiers(out: Any, receipt: NightReceipt, request: NightRequest, language: str) -> None:
    from kehu.schemas.codes import INDICATOR, TAX_BASIS
    from kehu.warehouse.read import query_published

    labels = {code.code: (code.zh if language == "zh" else code.en) for code in (*INDICATOR.good, *TAX_BASIS.good)}
    summaries = query_published(request.warehouse_dir, "mart_abc_summary", receipt.run_id)
    if not summaries:
        return
    rows = [
        (
            labels[row["indicator"]],
            labels[row["tax_basis"]],
            row["ranked_value"],
            row["ranked_customers"],
            row["ratio_actual"],
            " / ".join(show.percent(row[f"value_share_{letter}"]) or "–" for letter in "abc"),
            show.percent(row["top_1_share"]),
            show.percent(row["top_5_share"]),
            row["customers_for_80_percent"],
            f"{row['no_trade_customers']} / {row['negative_customers']}",
        )
        for row in summaries
    ]
    first = summaries[0]
    title = f"Tiers {first['window_start_date']} … {first['window_end_date']}"
    headers = [
        "indicator",
        "tax",
        "ranked value",
        "customers",
        "A:B:C",
        "value A/B/C",
        "top 1",
        "top 5",
        "for 80 %",
        "no trade / negative",
    ]
    out.print(show.table(title, headers, rows, numbers=(2, 3, 6, 7, 8)))
    out.print()
    _show_largest(out, receipt, request, language)


def _show_largest(out: Any, receipt: NightReceipt, request: NightRequest, language: str) -> None:
    from kehu.warehouse.read import query_published

    top = query_published(request.warehouse_dir, "mart_abc_customer", receipt.run_id, order_by=("sales_net", "sales_tax_unknown"), limit=10)
    rows = [
        (
            row["customer_id"],
            row["customer_name"],
            _sales(row),
            row["gross_profit"],
            row["sales_class"],
            row["gross_profit_class"],
        )
        for row in top
    ]
    title = "前十大客户" if language == "zh" else "Ten largest customers"
    headers = ["customer", "name", "sales", "gross profit", "class by sales", "class by gross profit"]
    out.print(show.table(title, headers, rows, numbers=(2, 3)))
    out.print()


def _sales(row: dict[str, Any]) -> Decimal | None:
    value: Decimal | None = row["sales_net"] if row["sales_net"] is not None else row["sales_tax_unknown"]
    return value


def _show_where(out: Any, receipt: NightReceipt, request: NightRequest) -> None:
    if receipt.status == "checked":
        out.print(f"Checked, nothing published. Run {receipt.run_id} would be next: the same command with `run`.")
        return
    word = (
        "Published"
        if receipt.status == "published"
        else "Unchanged: the same inputs, rules and code are published already as"
    )
    out.print(f"{word} run [bold]{receipt.run_id}[/bold] as of {receipt.as_of}")
    out.print(
        f"Warehouse: {receipt.warehouse}   views kehu.v_abc_customer, kehu.v_abc_summary, kehu.v_customer, kehu.v_data_status"
    )
    home = request.settings.home
    if receipt.quarantined:
        out.print(f"Quarantined rows: {receipt.quarantined:,}; see them with: kehu quarantine list --home {home}")
    out.print(f"What this run used: kehu runs show {receipt.run_id} --home {home}")

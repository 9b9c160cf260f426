"""What `kehu run` and `kehu check` print when a night is over: files, gate, tiers, where to look.

May import: everything of ours. Column titles and codes are the contracts' own, in the language asked for; of rows only
keys, counts and what the marts publish is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from rich.console import Console, Group
from rich.markup import escape

from kehu.flows.receipts import NightReceipt, NightRequest
from kehu.flows.show import Labels, percent, results, table
from kehu.schemas import codes
from kehu.schemas.tables import DQ_RESULT, MART_ABC_CUSTOMER, MART_ABC_SUMMARY, RUN_INPUT

MOST_ROWS_SHOWN: Final = 30
"""With more input rows than this the terminal shows one row an entity; `run_input` has them all."""

_ALWAYS_SHOWN = ("rows_read", "rows_data", "rows_accepted", "rows_quarantined")
_SHOWN_IF_ANY = ("rows_merged", "rows_dropped", "rows_later", "rows_unmapped", "rows_total", "rows_blank", "rows_title")

_GATE_COLOURS = {"open": "green", "warned": "yellow", "closed": "red"}
_GATE_ZH = {"open": "通过", "warned": "有警告", "closed": "未通过"}

_SUMMARY_ROWS = (
    "tax_basis", "ranked_customers", "no_trade_customers", "negative_customers", "missing_customers",
    "internal_customers", "ranked_value", "ratio_actual", "value_share_a", "value_share_b", "value_share_c",
    "top_1_share", "top_5_share", "customers_for_80_percent",
)  # fmt: skip
_SHOWN_IF_ANY_CUSTOMER = ("missing_customers", "internal_customers")


def show_night(receipt: NightReceipt, request: NightRequest, language: str) -> None:
    """Print what came of a night.

    Args:
        receipt: what came of it.
        request: what was asked for.
        language: `zh` or `en`.
    """
    out, labels = results(), Labels(language)
    out.print()
    _show_files(out, receipt, labels)
    _show_quality(out, receipt, labels)
    _show_warnings(out, receipt, labels)
    if receipt.warehouse is not None:
        _show_tiers(out, receipt, request, labels)
        _show_largest(out, receipt, request, labels)
    _show_where(out, receipt, request, labels)


def show_refused(receipt: NightReceipt, language: str) -> None:
    """Print what a night held whose gate is closed; the error itself says which rules are broken.

    Args:
        receipt: what came of it.
        language: `zh` or `en`.
    """
    out, labels = results(), Labels(language)
    out.print()
    _show_files(out, receipt, labels)
    _show_warnings(out, receipt, labels)


def _line(out: Console, text: str) -> None:
    """One line, never broken: paths and commands are there to be copied."""
    out.print(text, soft_wrap=True)


# --- files and gate ---------------------------------------------------------------------------------------------------


def files_table(rows: Sequence[Mapping[str, Any]], title: str, labels: Labels, *, most: int | None = None) -> Group:
    """What became of the records of each file and entity; counts that are zero throughout are left out.

    Args:
        rows: rows of `run_input`.
        title: title of the table.
        labels: the language.
        most: with more rows than this, one row an entity; None = never.
    """
    counts = [*_ALWAYS_SHOWN, *(name for name in _SHOWN_IF_ANY if any(row[name] for row in rows))]
    stated: list[list[Any]] = [
        [f"{row['file_name']} {row['sheet_name']}".strip(), row["entity"], *(row[name] for name in counts)]
        for row in rows
    ]
    if most is not None and len(stated) > most:
        stated = _summed_by_entity(stated, labels)
    shown = [[file, labels.table(entity), *numbers] for file, entity, *numbers in stated]
    headers = labels.columns(RUN_INPUT, ["file_name", "entity", *counts])
    return table(title, headers, shown, numbers=range(2, 2 + len(counts)))


def _show_files(out: Console, receipt: NightReceipt, labels: Labels) -> None:
    out.print(files_table(receipt.files, labels.say("Tonight's files", "本次文件"), labels, most=MOST_ROWS_SHOWN))
    for headers_left, files in _headers_left(receipt.files).items():
        where = labels.say("1 file" if files == 1 else f"{files} files", f"{files} 个文件")
        said = labels.say("headers nothing takes", labels.column(RUN_INPUT, "unmapped_headers"))
        out.print(f"[dim]{said} ({where}): {escape(headers_left)}[/dim]")
    out.print()


def _summed_by_entity(rows: Sequence[Sequence[Any]], labels: Labels) -> list[list[Any]]:
    summed = []
    for entity in sorted({row[1] for row in rows}):
        of_entity = [row for row in rows if row[1] == entity]
        files = labels.say(f"{len(of_entity)} files", f"{len(of_entity)} 个文件")
        name = of_entity[0][0] if len(of_entity) == 1 else files
        summed.append([name, entity, *(sum(numbers) for numbers in zip(*(row[2:] for row in of_entity), strict=True))])
    return summed


def _headers_left(files: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Headers that no entity of their file takes → how many files (or sheets) have them, in the order of the files."""
    left: dict[tuple[str, str], list[str]] = {}
    for row in files:
        place = (row["file_name"], row["sheet_name"])
        own = [header for header in (row["unmapped_headers"] or "").split(" | ") if header]
        left[place] = [header for header in left.get(place, own) if header in own]
    return dict(Counter(" | ".join(headers) for headers in left.values() if headers))


def quality_table(rows: Sequence[Mapping[str, Any]], title: str, labels: Labels) -> Group:
    """Expectations that failed, with counts and at most five keys each.

    Args:
        rows: rows of `dq_result`; keys as a text or a tuple of texts.
        title: title of the table.
        labels: the language.
    """
    names = ["severity", "suite", "rule", "rows_failed", "rows_checked", "observed", "example_keys"]
    names = [name for name in names if name != "observed" or any(row["observed"] for row in rows)]
    shown = [
        [labels.code(codes.SEVERITY, row["severity"]), labels.table(row["suite"]), *(row[name] for name in names[2:])]
        for row in rows
    ]
    return table(title, labels.columns(DQ_RESULT, names), shown, numbers=(3, 4))


def _show_quality(out: Console, receipt: NightReceipt, labels: Labels) -> None:
    colour = _GATE_COLOURS[receipt.gate]
    word = labels.say(receipt.gate, _GATE_ZH[receipt.gate])
    out.print(f"{labels.say('Gate', '质检')}: [{colour}]{word}[/{colour}]")
    if receipt.quality:
        out.print(quality_table(receipt.quality, "", labels))
    out.print()


def _show_warnings(out: Console, receipt: NightReceipt, labels: Labels) -> None:
    said = [
        *((labels.say("not mapped, not read", "未映射,未读取"), file) for file in receipt.unmapped_files),
        *((labels.say("warning", "警告"), warning) for warning in receipt.warnings),
        *((labels.say("skipped", "跳过"), f"{mart} ({reason})") for mart, reason in receipt.skipped.items()),
    ]
    for kind, text in said:
        _line(out, f"[yellow]{kind}:[/yellow] {escape(text)}")
    if said:
        out.print()


# --- tiers ------------------------------------------------------------------------------------------------------------


def _show_tiers(out: Console, receipt: NightReceipt, request: NightRequest, labels: Labels) -> None:
    from kehu.warehouse.read import query_published, stored_portfolio

    order = codes.INDICATOR.codes
    summaries = query_published(request.warehouse_dir, MART_ABC_SUMMARY.name, receipt.run_id)
    summaries.sort(key=lambda row: order.index(row["indicator"]))  # within an indicator the key order stays
    ranked = [row for row in summaries if row["ranked_customers"]]
    if ranked:
        names = [
            name for name in _SUMMARY_ROWS if name not in _SHOWN_IF_ANY_CUSTOMER or any(row[name] for row in ranked)
        ]
        headers = ["", *(labels.code(codes.INDICATOR, row["indicator"]) for row in ranked)]
        rows = [
            [labels.column(MART_ABC_SUMMARY, name), *(_measure(name, row[name], labels) for row in ranked)]
            for name in names
        ]
        stored = stored_portfolio(request.warehouse_dir)
        title = _title(ranked[0], stored.reporting_currency if stored else "", labels)
        out.print(table(title, headers, rows, numbers=range(1, len(headers))))
    for row in summaries:
        if not row["ranked_customers"]:
            out.print(_why_nobody_is_ranked(row, labels))
    if summaries:
        out.print()


def _title(row: Mapping[str, Any], currency: str, labels: Labels) -> str:
    start, end = row["window_start_date"], row["window_end_date"]
    window = labels.say(f"up to {end}", f"截至 {end}") if start is None else f"{start} … {end}"
    return f"{labels.say('Tiers', '客户分级')} {window} {currency}"


def _measure(name: str, value: Any, labels: Labels) -> Any:
    if name == "tax_basis":
        return labels.code(codes.TAX_BASIS, value)
    return percent(value) if "share" in name else value


def _why_nobody_is_ranked(row: Mapping[str, Any], labels: Labels) -> str:
    name = labels.code(codes.INDICATOR, row["indicator"])
    if row["missing_customers"] and row["indicator"] == "gross_profit":
        return labels.say(f"{name}: no line states a cost or profit", f"{name}:所有销售行均无成本或毛利")
    if row["missing_customers"]:
        return labels.say(f"{name}: no line states an amount", f"{name}:所有销售行均无金额")
    return labels.say(f"{name}: no customer is above zero in the window", f"{name}:期内没有大于零的客户")


def _show_largest(out: Console, receipt: NightReceipt, request: NightRequest, labels: Labels) -> None:
    from kehu.warehouse.read import query_published

    top = query_published(
        request.warehouse_dir,
        MART_ABC_CUSTOMER.name,
        receipt.run_id,
        order_by=("sales_net", "sales_tax_unknown"),
        limit=10,
    )
    if not top:
        return
    sales = [name for name in ("sales_net", "sales_tax_unknown") if any(row[name] is not None for row in top)]
    profit = ["gross_profit"] if any(row["gross_profit"] is not None for row in top) else []
    classes = ["sales_class", *(f"{name}_class" for name in profit)]
    name = ["customer_name"] if any(row["customer_name"] for row in top) else []
    source = ["source"] if len({row["source"] for row in top}) > 1 else []
    names = [*source, "customer_id", *name, *sales, *profit]
    rows = [[*(_money(row[name]) for name in names), *(_class(row, name, labels) for name in classes)] for row in top]
    title = labels.say("Largest customers", f"前{len(top)}大客户")
    headers = labels.columns(MART_ABC_CUSTOMER, [*names, *classes])
    out.print(table(title, headers, rows, numbers=range(1 + len(source) + len(name), len(names))))
    out.print()


def _money(value: Any) -> Any:
    return f"{value:,.2f}" if isinstance(value, Decimal) else value


def _class(row: Mapping[str, Any], name: str, labels: Labels) -> str | None:
    """The class, or why there is none."""
    reason = row[f"{name}_reason"]
    return row[name] or (labels.code(codes.CLASS_REASON, reason) if reason else None)


# --- where to look ----------------------------------------------------------------------------------------------------


def _show_where(out: Console, receipt: NightReceipt, request: NightRequest, labels: Labels) -> None:
    run = f"[bold]{receipt.run_id}[/bold]"
    if receipt.status == "checked":
        _line(
            out,
            labels.say(
                f"Checked, nothing published. Run {run} would be next: the same command with `run`.",
                f"已检查,未发布。下一步用 `run` 执行同一命令,运行编号为 {run}。",
            ),
        )
        return
    said = {
        "published": labels.say(
            f"Published run {run} as of {receipt.as_of}", f"已发布:运行 {run},业务日期 {receipt.as_of}"
        ),
        "unchanged": labels.say(
            f"Unchanged: the same inputs, rules and code are published already as run {run} as of {receipt.as_of}",
            f"无变化:相同的输入、规则和程序已发布为运行 {run},业务日期 {receipt.as_of}",
        ),
    }
    home = escape(str(request.settings.home))
    views = "kehu.v_abc_customer, kehu.v_abc_summary, kehu.v_customer, kehu.v_data_status"
    _line(out, said[receipt.status])
    _line(out, f"{labels.say('Warehouse', '数据仓库')}: {escape(str(receipt.warehouse))}")
    _line(out, f"{labels.say('Views', '视图')}: {views}")
    if receipt.quarantined:
        aside = labels.say("Quarantined rows", "隔离行")
        _line(out, f"{aside}: {receipt.quarantined:,} → kehu quarantine list --home {home}")
    used = labels.say("What this run used", "本次运行所用数据")
    sandbox = f" --sandbox {request.sandbox}" if request.sandbox else ""
    _line(out, f"{used}: kehu runs show {receipt.run_id}{sandbox} --home {home}")

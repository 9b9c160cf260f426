"""Which charts the page shows: facts of a run as bars, cells and curves, in one language.

May import: `config`, `schemas`, other modules of `flows`.
"""

from __future__ import annotations

import itertools
from decimal import Decimal

from kehu.config.policy import Policy
from kehu.flows import charts
from kehu.flows.page_facts import CLASSES, Row, RunFacts, share, stated
from kehu.flows.page_words import Words
from kehu.schemas import codes

_MONTHS_SHOWN = 13


def class_sizes(facts: RunFacts, words: Words, policy: Policy | None) -> str:
    """Customers of each class as a share of all classed ones, the share that is asked for marked on the bar."""
    wanted = dict(zip(CLASSES, stated(policy, "abc.quota_shares") or (), strict=False))
    rows = []
    for letter in CLASSES:
        row = facts.tier(letter)
        count = row["customers"] if row else 0
        part = share(count, facts.classed) or Decimal(0)
        figure = f"{words.customers(count)} · {words.percent(part)}"
        rows.append(charts.Bar(words.letter(letter), part, figure, letter, wanted.get(letter)))
    return charts.bars(rows, left=70, right=170, height=34)


def value_by_class(facts: RunFacts, words: Words) -> str:
    """What each class brings of each measure."""
    rows = []
    for measure in facts.measures:
        for letter in CLASSES:
            row = facts.tier(letter)
            part = share(row[measure] if row else None, facts.total(measure)) or Decimal(0)
            label = f"{words.short_measure(measure)} {letter}" if letter == "A" else letter
            rows.append(charts.Bar(label, part, words.percent(part), letter))
    return charts.bars(rows, left=120, right=70, height=20)


def migration(facts: RunFacts, words: Words) -> str:
    """The migration matrix: customers by class before and now, and their share of the class before; stayers framed."""
    counts = {(row["class_from"], row["class_to"]): row for row in facts.migration}
    names = {code: words.letter(code if code != "none" else None) for code in codes.CLASS_OR_NONE.codes}
    befores = [code for code in names if any(before == code for before, _ in counts)]
    nows = [code for code in names if any(now == code for _, now in counts)]
    cells = []
    for before, now in itertools.product(befores, nows):
        if (before, now) != ("none", "none"):
            row = counts.get((before, now))
            part = row["share_of_class_from"] if row and before != "none" else None
            cells.append(
                charts.Cell(
                    names[before], names[now], part or Decimal(0), words.count(row["moved_customers"]) if row else "–",
                    words.percent(part) if part is not None else "", is_framed=before == now,
                )
            )  # fmt: skip
    return charts.grid(
        cells, [names[code] for code in befores], [names[code] for code in nows],
        row_title=words.say("before", "上期"), column_title=words.say("now", "本期"),
    )  # fmt: skip


def stability(facts: RunFacts, words: Words) -> str:
    """Class × stability: customers, with their share of the size."""
    found = {(row["abc_class"], row["stability_class"]): row for row in facts.grid}
    names = {code: words.code(codes.STABILITY_CLASS, code) for code in codes.STABILITY_CLASS.codes}
    most = max((row["customers"] for row in facts.grid), default=1)
    cells = []
    for letter in CLASSES:
        for code, name in names.items():
            row = found.get((letter, code))
            part = share(row["size"], facts.total("size")) if row else None
            cells.append(
                charts.Cell(
                    words.letter(letter), name, Decimal(row["customers"]) / most if row else Decimal(0),
                    words.count(row["customers"]) if row else "–", words.percent(part) if part is not None else "",
                )
            )  # fmt: skip
    return charts.grid(
        cells, [words.letter(letter) for letter in CLASSES], list(names.values()),
        row_title=words.say("class", "类别"), column_title=words.say("stability", "稳定度"),
    )  # fmt: skip


def provinces(facts: RunFacts, words: Words) -> str:
    """Size by province, in the unit of the page."""
    rows = []
    for row in facts.provinces:
        others = words.say(f"{facts.other_provinces} others", f"其他 {facts.other_provinces} 个")
        label = {"others": others, "unknown": words.say("unknown", "不详")}.get(row["kind"], row["province"] or "")
        figure = f"{words.money(row['size'])} · {words.customers(row['customers'])}"
        rows.append(charts.Bar(_shortened(label, 12), max(row["size"], Decimal(0)), figure))
    return charts.bars(rows, left=130, right=170, height=22)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def concentration(facts: RunFacts, words: Words, policy: Policy | None) -> str:
    """Shares of the largest customers in size and profit; the limits of policy marked."""
    limits = {f"top_{count}_share": stated(policy, f"abc.concentration_top_{count}") for count in (1, 5)}
    names = {
        "top_1_share": words.say("largest", "第一大"),
        "top_5_share": words.say("5 largest", "前五大"),
        "top_10_share": words.say("10 largest", "前十大"),
        "top_20_percent_share": words.say("largest 20 %", "前20%"),
    }
    rows = []
    for indicator, shade in ((facts.size_indicator, "B"), ("gross_profit", "C")):
        row = facts.summary(indicator)
        if row is None or row["top_1_share"] is None:
            continue
        for name, label in names.items():
            shown = f"{words.short_measure(indicator)} · {label}"
            rows.append(charts.Bar(shown, row[name], words.percent(row[name]), shade, limits.get(name)))
    return charts.bars(rows, left=170, right=60, height=22, largest=Decimal(1))


def pareto(facts: RunFacts, words: Words, policy: Policy | None) -> str:
    """The Pareto curve of the size indicator, with the ends of its classes and the cuts of the cumulative method."""
    ranked = facts.pareto[0]["ranked"]
    points = [
        charts.CurvePoint(Decimal(row["place"]) / ranked, row["cumulative_share"], row["abc_class"] or "none")
        for row in facts.pareto
    ]
    ends = [_curve_end(row, ranked, words) for row in _last_of_classes(facts) if row["abc_class"] != "C"]
    return charts.pareto(
        points, ends, stated(policy, "abc.cumulative_cuts") or (),
        across_title=words.say(f"customers, largest first ({ranked:,} = 100 %)", f"客户(由大到小,共 {ranked:,} 户)"),
        up_title=words.say(
            f"cumulative share of {words.short_measure('size')}", f"{words.short_measure('size')}累计占比"
        ),
        percent_sign=words.percent_sign,
    )  # fmt: skip


def _last_of_classes(facts: RunFacts) -> list[Row]:
    last = {row["abc_class"]: row for row in facts.pareto if row["abc_class"] in CLASSES}
    return [last[letter] for letter in CLASSES if letter in last]


def _curve_end(row: Row, ranked: int, words: Words) -> charts.CurveEnd:
    part = Decimal(row["place"]) / ranked
    names = {"A": "A", "B": "A+B"}[row["abc_class"]]
    across, up = words.percent(part), words.percent(row["cumulative_share"])
    figure = words.say(f"{names}: {across} → {up}", f"{names}:{across} → {up}")
    return charts.CurveEnd(part, row["cumulative_share"], row["abc_class"], figure)


def history(facts: RunFacts, words: Words) -> str:
    """Customers of each class in the calendar months; a month in which nobody is ranked has its place."""
    months = [(f"{end:%y-%m}", counts) for end, counts in facts.history.items()]
    return charts.stacks(months[-_MONTHS_SHOWN:])

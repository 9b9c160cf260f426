"""`kehu explain`: equal to the marts, true in what it promises, plain in both languages."""

from __future__ import annotations

import json
import shutil
import string
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from explain_world import AS_OF, Trade
from shop import Outcome

from kehu.config.errors import UsageError
from kehu.config.policy import PolicyBook
from kehu.config.settings import Portfolio
from kehu.flows.cli import main
from kehu.flows.explain import Explanation, short_explanation, tell
from kehu.flows.explain_facts import Asked, Basis, CustomerFacts, gather
from kehu.flows.explain_lift import POPULATION_SQL, SIZE_SQL, lift_of
from kehu.flows.explain_words import SENTENCES, Speech
from kehu.schemas.rendering import arrow_schema
from kehu.schemas.tables import (
    DIM_CUSTOMER,
    MART_ABC_COMPLIANCE,
    MART_ABC_CUSTOMER,
    MART_ABC_INDICATOR,
    MART_CUSTOMER_STABILITY,
    RUN_MART,
    Table,
)
from kehu.warehouse.publish import RunFacts, publish_run
from kehu.warehouse.read import reading

EARLIER = date(2024, 2, 29)
PROMISED = Decimal("6000.00")
"""What C006 needs in collections: level with C001, the largest, is enough."""


@dataclass(frozen=True)
class Runs:
    """The trade with its runs: the first night, and the official one after C006 has paid what was promised."""

    trade: Trade
    first: str
    official: str
    promise: dict[str, Any]

    @property
    def warehouse(self) -> Path:
        return self.trade.warehouse

    def marts(self, table: str) -> list[dict[str, Any]]:
        """The official rows of the day, by customer."""
        with reading(self.warehouse) as con:
            given = f"SELECT * FROM {table} WHERE run_id = '{self.official}' ORDER BY ALL"
            rows: list[dict[str, Any]] = con.execute(given).to_arrow_table().to_pylist()
        return rows

    def facts(self, customer: str, run_id: str | None = None) -> CustomerFacts:
        return gather(self.warehouse, Asked(customer, run_id=run_id), self.trade.project / "policy")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    trade = Trade(tmp_path_factory.mktemp("trade"))
    trade.write()
    first = trade.night()
    facts = gather(trade.warehouse, Asked("C006"), trade.project / "policy")
    changes = [change for change in facts.bases[0].lift.changes if change.indicator == "collections"]
    promise = {change.kind: change for change in changes}
    trade.receive("C006", str(promise["combined_rise"].change))
    official = trade.night()
    publish_an_earlier_day(trade)
    return Runs(trade, first, official, promise)


def publish_an_earlier_day(trade: Trade) -> None:
    """A day before by other rules, of an age when marts had only sales: C001 and, not merged yet, OLD5."""
    run = RunFacts(
        run_id="20240229-aaaaaaaaaaaa", as_of=EARLIER, known_at=EARLIER, gate="open",
        started_at=datetime(2024, 3, 1, tzinfo=UTC), finished_at=datetime(2024, 3, 1, tzinfo=UTC),
        code_version="0.1.0", inputs_hash="inputs", policy_hash="of old", parameters_json="{}", reason="nightly",
    )  # fmt: skip
    same = {"as_of": EARLIER, "run_id": run.run_id, "source": "shop", "company_id": "main", "scored_party": "bill_to"}
    of_basis = {"tax_basis": "net", "indicator": "sales", "window_end_date": EARLIER}
    rows = [
        {**same, **of_basis, "customer_id": code, "scored_customer_id": code, "sales_net": value, "value_rank": rank,
         "indicator_value": value, "abc_class": letter, "sales_class": letter, "class_quota": letter}
        for rank, (code, value, letter) in enumerate([("C001", Decimal(12000), "A"), ("OLD5", Decimal(900), "B")], 1)
    ]  # fmt: skip
    in_customer = [{**row, "abc_class": None} for row in rows]
    marts = [(DIM_CUSTOMER, rows), (MART_ABC_CUSTOMER, in_customer), (MART_ABC_INDICATOR, rows)]
    states = [{**same, "mart": table.name, "mart_status": "published", "row_count": 2} for table, _ in marts]
    states.append(
        {**same, "mart": MART_ABC_COMPLIANCE.name, "mart_status": "skipped", "reason": "missing_entity: visit"}
    )
    paths = {}
    for table, given in marts:
        paths[table.name] = trade.folder / f"{table.name}.parquet"
        pq.write_table(by_contract(table, given), paths[table.name])
    publish_run(
        trade.warehouse, run, paths, {RUN_MART.name: by_contract(RUN_MART, states)},
        portfolio=Portfolio(reporting_currency="CNY"), published_at=datetime(2024, 3, 1, tzinfo=UTC), threads=1,
    )  # fmt: skip


def by_contract(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(
        [{name: row.get(name) for name in table.column_names} for row in rows], arrow_schema(table)
    )


@pytest.fixture
def kehu(runs: Runs, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Run `kehu explain` with the trade's options."""

    def call(*arguments: str) -> Outcome:
        capsys.readouterr()
        exit_code = main(["explain", *arguments, *runs.trade.here()])
        shown = capsys.readouterr()
        return Outcome(exit_code, shown.out, shown.err)

    yield call


def said(explanation: Explanation) -> str:
    return "\n".join(sentence for section in explanation.sections for sentence in section.sentences)


# --- equal to the marts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_figure_is_the_marts_own(runs: Runs, language: str) -> None:
    speech = Speech(language, "CNY")
    customers, working = runs.marts("mart_abc_customer"), runs.marts("mart_abc_indicator")
    stability = {row["customer_id"]: row for row in runs.marts("mart_customer_stability")}
    assert len(customers) == 14
    for customer in customers:
        code = customer["customer_id"]
        text = said(tell(runs.facts(code), language))
        expected = [speech.money(customer[name]) for name in ("collections_gross", "gross_profit", "sales_net")]
        for row in (row for row in working if row["customer_id"] == code and row["value_rank"]):
            names = ("value_share", "cumulative_share", "midpoint_share", "percentile_rank")
            shown = names if row["indicator"] not in ("combined", "brand_share") else ("indicator_share",)
            weighs = row["indicator"] != "sales"
            expected += [speech.percent(row[name]) for name in shown if name != "percentile_rank" or weighs]
        if customer["abc_class"]:
            expected += [speech.percent(customer["abc_score"]), speech.letter(customer["abc_class"])]
            expected += [speech.percent(customer[f"weight_{part}"]) for part in ("size", "gross_profit")]
            expected.append(str(customer["class_since_date"]))
        if code in stability and stability[code]["mean_gap_days"] is not None:
            row = stability[code]
            figures = [speech.number(row[name]) for name in ("interval_cv", "size_cv")]
            expected += figures if row["stability_class"] != "insufficient" else []
        assert [figure for figure in expected if figure not in text] == [], code


def test_as_data_the_columns_are_called_as_in_the_marts(runs: Runs, kehu: Any) -> None:
    summary = kehu("C001", "--json").summary
    assert (summary["exit_code"], summary["as_of"], summary["run_id"]) == (0, str(AS_OF), runs.official)
    explained = summary["explained"][0]
    assert set(explained["customer"]) == set(MART_ABC_CUSTOMER.column_names)
    assert set(explained["stability"]) == set(MART_CUSTOMER_STABILITY.column_names)
    assert set(explained["indicators"]) == {"collections", "gross_profit", "sales", "combined"}
    row = next(row for row in runs.marts("mart_abc_customer") if row["customer_id"] == "C001")
    assert explained["customer"] == json.loads(json.dumps(row, default=str))
    assert [member["customer_id"] for member in summary["members"]] == ["C001", "C011"]
    assert summary["sections"][0]["heading"] == "Customer"


# --- true -------------------------------------------------------------------------------------------------------------


def test_what_was_promised_came_true(runs: Runs) -> None:
    rise = runs.promise["combined_rise"]
    assert (rise.change, rise.class_from, rise.class_to, rise.rank_to) == (PROMISED, "B", "A", 2)
    after = runs.facts("C006").bases[0].customer
    assert (after["abc_class"], after["abc_rank"]) == ("A", 2)
    assert after["collections_gross"] == rise.value_to == Decimal("12006.00")
    before = runs.facts("C006", runs.first)
    assert (before.bases[0].customer["abc_class"], before.run_id) == ("B", runs.first)


def test_other_rules_promise_nothing(runs: Runs, kehu: Any) -> None:
    text = kehu("C001", "--as-of", str(EARLIER)).out
    assert "The run was made by other rules (hash of old)" in text
    assert "run the day again with today's" in text and "lifts him" not in text
    assert "This run has no combined judgement." in text
    assert "Sales (excl. tax) 12,000.00 yuan: rank 1" in text
    # Once a project has rules of its own, its runs of before are told from what they hold, and so said.
    policy = runs.trade.project / "policy" / "mine.yaml"
    policy.write_text(OTHER_RULES, encoding="utf-8")
    try:
        text = kehu("C002").out
    finally:
        policy.unlink()
    assert "By counts of customers: ranks 1 to 2 class A, ranks 3 to 6 class B, ranks 7 to 10 class C." in text
    assert "the run was made by other rules" in text.lower() and "of the last 3 periods" not in text
    assert "stable is up to" not in text.lower() and "lifts him" not in text


OTHER_RULES = """\
abc:
  cumulative_cuts:
    values:
      2024-01-01: {value: [0.7, 0.9], reason: a test, owner: a test, source: a test}
"""


def test_fractions_of_a_cent_get_a_cent_more(runs: Runs) -> None:
    facts = runs.facts("C003")
    basis, policy = facts.bases[0], facts.rules.policy
    assert policy is not None
    given = {"run_id": runs.official, "tax_basis": "net"}
    with reading(runs.warehouse) as con:
        values, sizes = (con.execute(text, given).to_arrow_table().to_pylist() for text in (POPULATION_SQL, SIZE_SQL))
    rounded = lift_of(basis.customer, basis.indicators, values, sizes, policy, is_rounded=True)
    found = {(change.kind, change.indicator): change.change for change in basis.lift.changes if change.change}
    assert found and not basis.lift.has_fractions and rounded.has_fractions
    assert {(change.kind, change.indicator): change.change for change in rounded.changes if change.change} == {
        key: change + Decimal("0.01") for key, change in found.items()
    }
    assert "one cent is added" in said(tell(replace(facts, bases=(replace(basis, lift=rounded),)), "en"))
    # A customer level in cents and yet ahead by the exact value is not level: to pass him takes a cent more.
    finer = [dict(row, published=Decimal("8005.00")) if is_collection_of(row, "C004") else row for row in values]
    passed = lift_of(basis.customer, basis.indicators, finer, sizes, policy, is_rounded=False)
    assert passed.has_fractions


def is_collection_of(row: dict[str, Any], customer: str) -> bool:
    return bool((row["indicator"], row["customer_id"]) == ("collections", customer))


# --- plain ------------------------------------------------------------------------------------------------------------


def test_in_chinese(kehu: Any) -> None:
    text = kehu("C003", "--lang", "zh").out
    for sentence in (
        "第3商行(C003),来源 shop,公司 main。",
        "按户数划分:第 1 至 2 名为A类、第 3 至 6 名为B类、第 7 至 10 名为C类。",
        "品牌利润占比缺失,其权重已按比例分给其他指标。",
        "回款额(含税) 8,005.00 元:10 户中第 5 名",
        "商业承兑汇票、供应链票据在到期日计入。",
        "另有尚未到期或未注明到期日的票据 1,601.00 元,未计入。",
        "较上期(截至 2024-02-29)下降:由 A类 降为 B类。",
        "最近 3 期中 1 期为 B类,未达 2 期,类别尚未确认。",
        "需求形态:平稳型,采购频繁、金额均匀。",
        "24 个完整月中 24 个月有采购。",
        "应访 2 次,实访 0 次(0.0%):未达标。",
        "末次拜访 2023-06-01。",
    ):
        assert sentence in text, sentence
    for english in ("class", "yuan", "rank", "None", "{", "}"):
        assert english not in text, english


def test_in_english(runs: Runs, kehu: Any) -> None:
    text = kehu("C004", "--run", runs.first).out
    for sentence in (
        "By counts class B, by cumulative share class A.",
        "(percentile of brand share) × weight 20.0 %",
        "Brand share 30.0 % (measured): rank 2 of 2, class B",
        "Not reachable by collections alone: even the first rank would not do.",
        "Visits 2024-01-01 to 2024-03-31: 0 done of 2 due (0.0 %): fewer than the class asks.",
    ):
        assert sentence in text, sentence
    assert "None" not in text and "{" not in text


def test_size_is_not_profit(runs: Runs, kehu: Any) -> None:
    text = kehu("C002", "--lang", "zh", "--run", runs.first).out
    assert "指标冲突:回款额A类、毛利额期内为负——规模不等于利润。" in text
    assert "Gross profit (excl. tax) -1,080.00 yuan: negative, no class." in kehu("C002").out


def test_a_branch_is_explained_by_who_is_scored_for_it(kehu: Any) -> None:
    text = kehu("C011").out
    assert "第1商行分部 (C011) is scored under 第1商行 (C001); what follows is about the latter." in text
    assert "第1商行分部 (C011): first document 2024-01-05, last 2024-01-05." in text
    assert "2 done of 3 due (66.7 %)" in text
    assert kehu("第1商行分部", "--lang", "zh").out.count("以下说明的是后者") == 1


def test_who_has_no_class(kehu: Any) -> None:
    text = kehu("C012").out
    assert "No combined class: no trade." in text
    assert "0.01 yuan more collections and he is ranked: class C (rank 11)." in text
    assert "Without a class no measure applies." in text
    assert "Brand share: missing, there are no usable figures of the customer's own." in text
    internal = kehu("C099").out
    assert "No combined class: internal." in internal and "Internal customers are not ranked." in internal
    assert "Sales (excl. tax) 7,000.00 yuan: internal, no class." in internal


def changed(facts: CustomerFacts, **columns: Any) -> CustomerFacts:
    """The facts with other values in the row of `mart_abc_customer`."""
    basis = facts.bases[0]
    return replace(facts, bases=(replace(basis, customer={**basis.customer, **columns}),))


@pytest.mark.parametrize(
    ("columns", "zh", "en"),
    [
        ({"move": "up", "abc_class_prev": "C"}, "由 C类 升为 B类", "Up from class C to class B against"),
        ({"move": "down", "abc_class_prev": "A"}, "由 A类 降为 B类", "Down from class A to class B"),
        ({"move": "entered", "abc_class_prev": None}, "本期进入 B类", "now in class B"),
        ({"is_confirmed": False, "periods_in_class": 1}, "类别尚未确认", "not confirmed yet (2 are needed)"),
        ({"abc_class_year_ago": "A"}, "去年同期为 A类。", "A year ago: class A."),
        ({"abc_class_year_ago": None}, "去年同期无类别", "A year ago: no class"),
        ({"is_tie_at_cut": True}, "得分相同而分列切点两侧", "has the same score on the other side of a cut"),
        ({"is_conflict": True}, "相差两类及以上,不能只看一项", "two classes apart or more"),
        ({"lines_without_cost": 3}, "3 行销售无成本", "left out of gross profit: 3."),
        ({"non_goods": Decimal("12.5")}, "非商品(运费、手续费等)12.50 元", "12.50 yuan are no goods"),
        ({"size_indicator": "sales", "collections_gross": None}, "该来源不提供回款", "the source delivers no receipts"),
        ({"scored_party": "group"}, "按集团最上级客户评分", "the top of its group"),
        ({"brand_share_source": "proxy"}, "综合得分", "combined score"),
        ({"abc_class": None, "abc_class_reason": "not_collected"},
         "无综合类别:期内有销售但未回款,且无毛利可依。",
         "No combined class: sold to in the window, but nothing was collected and there is no gross profit to go by."),
    ],
)  # fmt: skip
def test_what_else_can_be_the_case(runs: Runs, columns: dict[str, Any], zh: str, en: str) -> None:
    facts = changed(runs.facts("C004"), **columns)
    assert zh in said(tell(facts, "zh"))
    assert en in said(tell(facts, "en"))


def test_zeros_are_no_part_of_a_conflict(runs: Runs) -> None:
    facts = changed(runs.facts("C004"), is_conflict=True)
    basis = facts.bases[0]

    def conflict(profit: dict[str, Any]) -> str:
        rows = {
            **basis.indicators,
            "collections": {**basis.indicators["collections"], "abc_class": "A", "class_reason": None},
            "gross_profit": {**basis.indicators["gross_profit"], **profit},
            "brand_share": {**basis.indicators["brand_share"], "abc_class": "C", "class_reason": None},
        }
        text = said(tell(replace(facts, bases=(replace(basis, indicators=rows),)), "en"))
        return next(line for line in text.splitlines() if line.startswith("Indicators conflict"))

    assert conflict({"abc_class": None, "class_reason": "no_trade"}) == (
        "Indicators conflict: collections class A, brand share class C. "
        "They lie two classes apart or more; none of them tells all."
    )
    assert conflict({"abc_class": None, "class_reason": "negative"}) == (
        "Indicators conflict: collections class A, gross profit negative, brand share class C. Size is not profit."
    )


@pytest.mark.parametrize(
    ("kind", "why"),
    [("measured", "contradict each other: his whole gross profit"), ("proxy", "figures or periods do not match")],
)
def test_a_brand_share_above_one_contradicts_itself(runs: Runs, kind: str, why: str) -> None:
    facts = changed(runs.facts("C004"), brand_share_source=kind)
    basis = facts.bases[0]

    def brand_share(value: str) -> str:
        row = {**basis.indicators["brand_share"], "indicator_share": Decimal(value)}
        rows = {**basis.indicators, "brand_share": row}
        text = said(tell(replace(facts, bases=(replace(basis, indicators=rows),)), "en"))
        return next(line for line in text.splitlines() if line.startswith("Brand share "))

    assert why in brand_share("1.000001")
    assert why not in brand_share("1.000000")


@pytest.mark.parametrize(
    ("quotas", "zh", "en"),
    [
        ((1, 0, 0), "第 1 名为A类、B类、C类无名额。", "rank 1 class A, no seat in class B or class C."),
        ((1, 0, 1), "第 1 名为A类、第 2 名为C类、B类无名额。", "rank 1 class A, rank 2 class C, no seat in class B."),
        ((1, 2, 2), "第 1 名为A类、第 2 至 3 名为B类、第 4 至 5 名为C类。",
         "rank 1 class A, ranks 2 to 3 class B, ranks 4 to 5 class C."),
    ],
)  # fmt: skip
def test_classes_without_a_seat(runs: Runs, quotas: tuple[int, int, int], zh: str, en: str) -> None:
    facts = runs.facts("C004")
    basis = facts.bases[0]
    seats = dict(zip(("quota_a", "quota_b", "quota_c"), quotas, strict=True))
    summaries = {**basis.summaries, "combined": {**basis.summaries["combined"], **seats}}
    facts = replace(facts, bases=(replace(basis, summaries=summaries),))
    assert f"按户数划分:{zh}" in said(tell(facts, "zh"))
    assert f"Classes are cut by counts of customers: {en}" in said(tell(facts, "en"))


def test_classes_by_cumulative_share(runs: Runs) -> None:
    facts = runs.facts("C004")
    values = {**facts.rules.values, "abc.method": "cumulative"}
    text = said(tell(replace(facts, rules=replace(facts.rules, values=values)), "en"))
    midpoint = Speech("en").percent(facts.bases[0].indicators["combined"]["midpoint_share"])
    assert f"(midpoint): up to 55.0 % class A, up to 85.0 % class B, the rest class C; his is {midpoint}." in text
    assert "(class A up to 55.0 %, class B up to 85.0 %)" in text
    # Brand shares do not add up: always by counts.
    assert "(rank 1 class A, rank 2 class B, no seat in class C)" in text


def test_a_run_that_has_little(runs: Runs) -> None:
    """Marts left out, and rows of a time when these columns were not yet there."""
    facts = runs.facts("C001")
    nothing = {name: None for name in MART_ABC_CUSTOMER.column_names if name not in {"window_end_date", "tax_basis"}}
    bare = Basis({**facts.bases[0].customer, **nothing, "scored_party": "account"}, {}, {}, (), None, None, None, None,
                 facts.bases[0].lift)  # fmt: skip
    for language in ("zh", "en"):
        assert tell(replace(facts, bases=(bare,)), language).sections
        text = said(tell(replace(facts, bases=(), skipped={"mart_abc_customer": "policy_blank: abc.window"}), language))
        assert "policy_blank: abc.window" in text


# --- whom and when ----------------------------------------------------------------------------------------------------


def test_an_unknown_code_is_answered_with_close_ones(kehu: Any) -> None:
    error = kehu("C0O1", "--json").refused(2, "unknown_customer")
    assert error["keys"][:2] == ["C001", "C010"]


def test_a_code_of_another_source_or_company_is_not_unknown(kehu: Any) -> None:
    error = kehu("C001", "--source", "other", "--company", "main", "--json").refused(2, "unknown_customer")
    assert error["message"] == "customer `C001` does not stand in source `other` and company `main`, but elsewhere"
    assert error["keys"] == ["C001 (source shop, company main)"]
    error = kehu("OLD5", "--company", "other", "--json").refused(2, "unknown_customer")
    assert error["keys"] == ["C005 (source shop, company main)"]
    assert "there is no customer" in kehu("X", "--source", "other", "--json").refused(2, "unknown_customer")["message"]


def test_a_merged_code_is_explained_by_who_it_counts_for(runs: Runs, kehu: Any) -> None:
    text = kehu("OLD5").out
    assert "OLD5 counts as 第5商行 (C005) since it was merged." in text
    assert "Former codes merged into this one: OLD5." in text and "Class B: rank" in text
    assert "OLD5 已并入 第5商行(C005),按后者统计。" in kehu("OLD5", "--lang", "zh").out
    summary = kehu("OLD5", "--json").summary
    assert (summary["former_code"], summary["customer_id"]) == ("OLD5", "C005")
    assert kehu("C005", "--json").summary["former_code"] is None
    # The day before the merge the code stood for itself.
    assert "OLD5, source shop" in kehu("OLD5", "--as-of", str(EARLIER)).out
    facts = runs.facts("C005")
    assert facts.party is not None
    many = {"merged_customers": 13, "former_customer_ids": ", ".join(f"OLD{number:02d}" for number in range(13))}
    text = said(tell(replace(facts, party={**facts.party, **many}), "en"))
    assert "13 former codes were merged into this one: OLD00, OLD01" in text and "OLD11 and more" in text


def test_a_warehouse_of_before_names_no_merged_codes(runs: Runs, tmp_path: Path) -> None:
    older = tmp_path / "kehu.duckdb"
    shutil.copy((runs.warehouse / "kehu.duckdb").resolve(), older)
    with duckdb.connect(older) as con:
        con.execute("USE kehu")
        con.execute("CREATE TABLE before AS SELECT * EXCLUDE (former_customer_ids) FROM dim_customer")
        con.execute("DROP TABLE dim_customer")
        con.execute("ALTER TABLE before RENAME TO dim_customer")
    assert "Former codes merged into this one: 1." in said(tell(gather(older, Asked("C005"), None), "en"))
    with pytest.raises(UsageError) as caught:
        gather(older, Asked("OLD5"), None)
    assert caught.value.details == (f"the code stood in the warehouse on {EARLIER}; it may count as another now",)


def test_a_head_office_with_a_head_of_its_own(kehu: Any) -> None:
    text = kehu("C022").out
    assert text.startswith("分店 (C022)")
    assert "His own trade is judged under 总店 (C021) (`kehu explain C021`)" in text
    assert "门市 (C023): no document." in text and "分店 (C022): no document." not in text
    summary = kehu("C022", "--json").summary
    assert summary["explained"][0]["customer"]["customer_id"] == summary["customer_id"] == "C022"
    above = kehu("C021").out
    assert "分店 (C022): no document." in above and "judged under" not in above
    assert "门市 (C023) is scored under 分店 (C022)" in kehu("C023").out


def test_nothing_was_scored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trade = Trade(tmp_path)
    trade.write(without="sales")
    trade.night()
    capsys.readouterr()
    exit_code = main(["explain", "C001", "--json", *trade.here()])
    error = Outcome(exit_code, *capsys.readouterr()).refused(2, "nothing_scored")
    assert error["message"].startswith(f"no customer was scored for {AS_OF}")
    assert error["details"] == [f"{mart}: missing_entity: sales_line" for mart in ("dim_customer", "mart_abc_customer")]


def test_two_of_one_name(kehu: Any) -> None:
    error = kehu("第8商行", "--json").refused(2, "ambiguous_customer")
    assert error["keys"] == ["C008 (source shop, company main)", "C009 (source shop, company main)"]
    assert "rank" in kehu("C009", "--source", "shop", "--company", "main").out


def test_a_day_without_publication(kehu: Any) -> None:
    error = kehu("C001", "--as-of", "2024-03-30", "--json").refused(2, "day_not_published")
    assert error["details"] == [f"published: {AS_OF}, {EARLIER}"]


def test_another_run_or_warehouse(runs: Runs, kehu: Any) -> None:
    assert f"run {runs.first}" in kehu("C006", "--run", runs.first[:14]).out
    assert kehu("C006", "--run", "nonsense", "--json").refused(2, "unknown_run")
    assert kehu("C006", "--sandbox", "none", "--json").refused(13, "warehouse_missing")


# --- in short ---------------------------------------------------------------------------------------------------------


def test_in_short(runs: Runs) -> None:
    policy = PolicyBook.load(None).on(AS_OF)

    def short(code: str, language: str = "en", run_id: str = runs.official, **given: Any) -> str:
        return short_explanation(runs.warehouse, run_id, "shop", "main", code, "net", language, **given)

    assert short("C003") == (
        "第3商行 (C003): class B, rank 3 of 10 (combined score 69.2 %). "
        "2023-04-01 to 2024-03-31: collections 8,005.00 yuan (rank 5, class B), "
        "gross profit 1,956.00 yuan (rank 2, class A). "
        "Down from class A to class B against the period before (up to 2024-02-29)."
    )
    assert short("C006", "zh", runs.first, policy=policy).endswith(
        "毛利额再增加 1,152.01 元(达到 2,424.01 元),综合类别升为 A类(第 2 名)。"
    )
    assert short("C012", policy=policy) == (
        "新来商行 (C012): no combined class (no trade). "
        "2023-04-01 to 2024-03-31: collections 0.00 yuan (no trade), gross profit 0.00 yuan (no trade)."
    )
    assert short("C999") == ""


# --- the sentences ----------------------------------------------------------------------------------------------------


def test_both_languages_state_the_same_facts() -> None:
    def facts(text: str) -> set[str]:
        return {field for _, field, _, _ in string.Formatter().parse(text) if field}

    assert [name for name, (zh, en) in SENTENCES.items() if facts(zh) != facts(en)] == []

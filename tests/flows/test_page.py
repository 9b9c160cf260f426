"""The page of a run: what stands in it, that it needs nothing beside it, and that it never stands in a night's way."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from page_world import AS_OF, PROVINCES, RUN_ID, World
from shop import NO_SCORES, Shop

from kehu.config.policy import PolicyBook
from kehu.flows.failures import is_interruption
from kehu.flows.page import LATEST, policy_of, render_page, write_run_page
from kehu.flows.page_facts import PARETO_POINTS, run_facts
from kehu.flows.page_words import Words
from kehu.schemas.tables import MARTS
from kehu.warehouse.read import reading

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "</main></body><style>*{display:none}</style>",
    "&lt;b&gt; & 'quoted' \"too\"",
    "长" * 300,
    "abc\u202edef\u0007",
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass
class Part(HTMLParser):
    """One language of a page: elements, headings, tables by the heading above them, and all text."""

    elements: list[str] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    text: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self._open.append(tag)
        if tag in ("h1", "h2", "h3"):
            self.headings.append("")
        if tag == "table":
            self.tables[self.headings[-1]] = []
        if tag == "tr":
            self.tables[self.headings[-1]].append([])
        if tag in ("td", "th"):
            self.tables[self.headings[-1]][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if any(tag in self._open for tag in ("h1", "h2", "h3")):
            self.headings[-1] += data
        if any(tag in self._open for tag in ("td", "th")):
            self.tables[self.headings[-1]][-1][-1] += data

    def rows(self, heading: str) -> dict[str, list[str]]:
        """The rows of a table by their first cell."""
        return {row[0]: row[1:] for row in self.tables[heading]}


def parts_of(page: str) -> dict[str, Part]:
    """The page's two parts by language."""
    found = {}
    for language, body in re.findall(r'<main class="(zh|en)"[^>]*>(.*?)</main>', page, re.DOTALL):
        found[language] = Part()
        found[language].feed(body)
    return found


def page_of(world: World, language: str = "zh") -> str:
    """Publish a world and render its page."""
    world.publish()
    facts = run_facts(world.warehouse, world.run_id)
    return render_page(facts, policy_of(facts, None), language)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("world"))
    made.publish()
    return made


@pytest.fixture(scope="module")
def page(world: World) -> str:
    facts = run_facts(world.warehouse, RUN_ID)
    return render_page(facts, policy_of(facts, None))


# --- what stands in it ------------------------------------------------------------------------------------------------


def test_both_languages_say_the_same(page: str) -> None:
    zh, en = (parts_of(page)[language] for language in ("zh", "en"))
    assert len(zh.headings) == len(en.headings) > 15
    assert [len(rows) for rows in zh.tables.values()] == [len(rows) for rows in en.tables.values()]
    assert zh.elements.count("svg") == en.elements.count("svg") == 8
    assert all(CHINESE.search(heading) for heading in zh.headings)
    assert not any(CHINESE.search(heading) for heading in en.headings[1:]), "the first names the portfolio"
    for heading in ("客户分级", "类别迁移矩阵", "类别 × 稳定度", "各指标并列", "术语", "计算规则"):
        assert heading in zh.headings, heading
    said = "".join(en.text)
    names = "|".join([r"..商贸\d+有限公司", "业务员", "华东分销", *filter(None, PROVINCES)])
    left = re.sub(names, "", said.replace("…", ""))
    assert not CHINESE.search(left), CHINESE.findall(left)


def test_the_language_chosen_is_shown_first(world: World, page: str) -> None:
    facts = run_facts(world.warehouse, RUN_ID)
    english = render_page(facts, policy_of(facts, None), "en")
    assert '<html lang="zh">' in page and 'id="show-zh" checked' in page and 'id="show-en">' in page
    assert '<html lang="en">' in english and 'id="show-en" checked' in english
    assert parts_of(english)["zh"].text == parts_of(page)["zh"].text


def test_the_numbers_are_those_of_the_marts(world: World, page: str) -> None:
    tiers = parts_of(page)["zh"].rows("客户分级")
    with reading(world.warehouse) as con:
        rows = con.execute(
            "SELECT abc_class, count(*), sum(collections_gross), sum(gross_profit), sum(sales_net) "
            "FROM mart_abc_customer WHERE abc_class IS NOT NULL GROUP BY abc_class ORDER BY abc_class"
        ).fetchall()
        (customers, collected) = con.execute(
            "SELECT count(*), sum(collections_gross) FROM mart_abc_customer"
        ).fetchall()[0]
    assert [row[0] for row in rows] == ["A", "B", "C"]
    for letter, count, *sums in rows:
        cells = tiers[letter]
        assert cells[0] == f"{count}"
        for cell, amount in zip(cells[3::2], sums, strict=False):
            assert cell == f"{amount / 10_000:,.2f}"
        assert cells[4] == f"{sums[0] / collected * 100:.1f}%"
    assert tiers["合计"][0] == str(customers)
    assert tiers["合计"][3] == f"{collected / 10_000:,.2f}"
    assert (tiers["期内无交易"][0], tiers["期内为负"][0]) == ("3", "1")


def test_lists_come_in_order_with_their_counts(world: World, page: str) -> None:
    part = parts_of(page)["zh"]
    largest = part.tables["最大客户"][1:]
    assert [row[0] for row in largest] == [f"C{n:06d}" for n in range(10)]
    assert largest[0][:4] == ["C000000", "广源商贸000有限公司", "A", "450.00"]
    facts = run_facts(world.warehouse, RUN_ID)
    assert f"▲ 上升 ({facts.moves['up']})" in part.headings
    assert f"▼ 下降 ({facts.moves['down']})" in part.headings
    assert {row["gross_profit_class"] for row in facts.conflicts} == {"C"}
    assert facts.unvisited_count == 18 and len(facts.unvisited) == 10


def test_english_amounts_are_in_thousands(page: str) -> None:
    part = parts_of(page)["en"]
    assert part.tables["Largest customers"][0][3] == "Collections, CNY k"
    assert part.tables["Largest customers"][1][3] == "4,500.00"


def test_small_amounts_are_in_yuan_and_cents(tmp_path: Path) -> None:
    world = World(tmp_path, customers=40, scale=Decimal("0.1"))
    part = parts_of(page_of(world))["zh"]
    assert part.tables["最大客户"][0][3] == "回款额(元)"
    assert part.tables["最大客户"][1][3] == "450,000.00"


def test_a_trace_is_no_zero_and_nothing_is_minus_zero(world: World) -> None:
    words = Words.of(run_facts(world.warehouse, RUN_ID), "zh")
    assert (words.percent(Decimal("0.0004")), words.percent(Decimal("-0.0001"))) == ("<0.1%", "0.0%")
    assert (words.money(Decimal("-0.01")), words.money(None)) == ("0.00", "–")


def test_the_policy_of_another_day_is_not_passed_off_as_the_runs(world: World, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "abc:\n  cut_rule:\n    values:\n"
        "      2024-01-01: {value: crossing_up, reason: tried, owner: sales, source: s}\n"
    )
    facts = run_facts(world.warehouse, RUN_ID)
    assert policy_of(facts, tmp_path) is None
    part = parts_of(render_page(facts, None))["zh"]
    assert "计算规则" in part.headings and "计算规则" not in part.tables
    assert facts.log["policy_hash"] in "".join(part.text)


# --- that it needs nothing --------------------------------------------------------------------------------------------


def test_it_asks_for_no_address_and_runs_no_script(page: str) -> None:
    for forbidden in ("://", "src=", "href=", "url(", "@import", "<script", "javascript:", "<link", "<iframe"):
        assert forbidden not in page, forbidden
    assert not re.search(r"<[^>]*\son\w+=", page)
    assert "default-src 'none'" in page


def test_the_same_run_gives_the_same_bytes(world: World, page: str, tmp_path: Path) -> None:
    """In another process too, with another hash seed, time zone, locale and folder."""
    written = write_run_page(world.warehouse, RUN_ID, tmp_path, policy=PolicyBook.load(None).on(AS_OF))
    assert written.read_bytes() == page.encode()
    code = (
        "import sys; from pathlib import Path; from kehu.flows.page import *\n"
        "facts = run_facts(Path(sys.argv[1]), sys.argv[2])\n"
        "sys.stdout.buffer.write(render_page(facts, policy_of(facts, None)).encode())"
    )
    elsewhere = {"PYTHONHASHSEED": "7", "TZ": "America/Lima", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(world.warehouse), RUN_ID],
        capture_output=True, env=os.environ | elsewhere, cwd=tmp_path, check=True,
    )  # fmt: skip
    assert done.stdout == page.encode()


def test_names_are_text(tmp_path: Path) -> None:
    world = World(tmp_path, customers=20, names=HOSTILE, provinces=HOSTILE)
    for part in parts_of(page_of(world)).values():
        assert not {"script", "img", "style", "body"} & set(part.elements)
        listed = [row[1] for row in part.tables["最大客户" if "最大客户" in part.headings else "Largest customers"][1:]]
        assert [name.replace("\ufffd", "\u0007") for name in listed[:7]] == list(HOSTILE)
        assert part.elements.count("svg") == 8


def test_a_long_curve_is_thinned_but_keeps_its_corners(tmp_path: Path) -> None:
    world = World(tmp_path, customers=2500)
    world.publish()
    facts = run_facts(world.warehouse, RUN_ID)
    places = {row["place"] for row in facts.pareto}
    assert PARETO_POINTS <= len(places) < PARETO_POINTS + 60
    assert {1, 2, 500, 1500, 2500} <= places
    assert facts.pareto[-1]["cumulative_share"] == 1


# --- when there is little to say --------------------------------------------------------------------------------------


def test_every_mart_is_left_out_once() -> None:
    assert sorted(mart for marts in LEFT_OUT for mart in marts) == sorted(table.name for table in MARTS)


def test_nobody_traded(tmp_path: Path) -> None:
    part = parts_of(page_of(World(tmp_path, customers=0)))["zh"]
    assert "本次运行未发布客户分类。" in "".join(part.text)
    assert "数据状况" in part.headings and "svg" not in part.elements


LEFT_OUT = (
    ("mart_abc_customer",),
    ("dim_customer", "dim_class_policy", "mart_abc_summary"),
    ("mart_abc_indicator", "mart_abc_migration"),
    ("mart_abc_history", "mart_customer_stability", "mart_abc_compliance"),
)


@pytest.mark.parametrize("marts", LEFT_OUT)
def test_without_some_marts(marts: tuple[str, ...], tmp_path: Path) -> None:
    world = World(tmp_path, customers=10, skipped=dict.fromkeys(marts, "missing_entity: visit"))
    parts = parts_of(page_of(world))
    assert "未提供:" in "".join(parts["zh"].text) and "nothing delivered: visit" in "".join(parts["en"].text)


def test_with_one_indicator_only(tmp_path: Path) -> None:
    """A source that delivers neither receipts nor costs: sales are the size, and nothing is said of profit."""
    world = World(tmp_path, customers=25, has_collections=False, has_profit=False)
    part = parts_of(page_of(world))["zh"]
    assert part.tables["客户分级"][0][:6] == ["类别", "户数", "户数占比", "目标占比", "销售额(万元)", "占比"]
    assert not any("毛利" in header for header in part.tables["客户分级"][0])
    assert "销售额帕累托曲线" in part.headings


def test_one_customer(tmp_path: Path) -> None:
    part = parts_of(page_of(World(tmp_path, customers=1)))["zh"]
    assert part.rows("客户分级")["A"][0] == "1" and "B" not in part.rows("客户分级")


# --- the folder of pages ----------------------------------------------------------------------------------------------


def night_of(home: Path, day: date) -> Path:
    """Publish an empty run of a day and write its page."""
    world = World(home, customers=0, as_of=day, run_id=f"{day:%Y%m%d}-0123456789ab")
    world.publish()
    return write_run_page(world.warehouse, world.run_id, home / "pages", policy=None)


def test_latest_leads_to_the_newest_day(tmp_path: Path) -> None:
    newest = night_of(tmp_path, date(2026, 3, 31))
    assert (tmp_path / "pages" / LATEST).resolve() == newest
    older = night_of(tmp_path, date(2026, 3, 30))
    assert older.is_file() and (tmp_path / "pages" / LATEST).resolve() == newest
    assert sorted(path.name for path in newest.parent.iterdir()) == [older.name, newest.name, LATEST]


def test_old_pages_go_and_month_ends_stay(tmp_path: Path) -> None:
    pages = [night_of(tmp_path, day) for day in (date(2026, 1, 30), date(2026, 1, 31), date(2026, 3, 31))]
    assert [page.is_file() for page in pages] == [False, True, True]
    assert night_of(tmp_path, date(2026, 1, 30)).is_file(), "who asks for an old page gets it"


# --- nights and the command -------------------------------------------------------------------------------------------


def test_a_night_writes_its_page_and_the_command_writes_it_again(shop: Shop, tmp_path: Path) -> None:
    shop.kehu([*shop.here("page"), "--json"]).refused(13, "warehouse_missing")
    summary = shop.published()
    run_id, page = summary["run_id"], Path(summary["page"])
    assert page == shop.home / "pages" / f"{run_id}.html"
    assert (page.parent / LATEST).resolve() == page
    written = page.read_bytes()
    for asked in ([], ["--run", run_id[:12]], ["--as-of", "2024-03-31"]):
        page.unlink()
        done = shop.kehu(shop.here("page", *asked))
        assert (done.exit_code, done.out) == (0, f"{page}\n"), done.err
        assert page.read_bytes() == written
    elsewhere = tmp_path / "reports" / "abc.html"
    done = shop.kehu(shop.here("page", "--output", str(elsewhere), "--json"))
    assert done.summary == {"exit_code": 0, "run_id": run_id, "page": str(elsewhere)}
    assert elsewhere.read_bytes() == written
    done = shop.kehu(shop.here("page", "--output", str(elsewhere.parent)))
    assert done.out == f"{elsewhere.parent / page.name}\n"
    shop.kehu([*shop.here("page", "--as-of", "2024-03-30"), "--json"]).refused(2, "unknown_run")
    shop.kehu([*shop.here("page", "--run", "2023"), "--json"]).refused(2, "unknown_run")
    page.unlink()
    again = shop.published()
    assert (again["status"], again["page"]) == ("unchanged", str(page))
    assert page.read_bytes() == written


def test_a_page_that_cannot_be_written_is_a_warning(shop: Shop) -> None:
    shop.home.mkdir()
    (shop.home / "pages").write_text("in the way", encoding="utf-8")
    shown = shop.kehu(shop.night())
    assert shown.exit_code == 0 and "Page:" not in shown.out
    (warning,) = re.findall(r"warning: the page was not written: .*; try `kehu page --run (\S+)`", shown.out)
    assert f"Published run {warning}" in shown.out
    assert shop.warehouse.is_file() and not list((shop.home).glob("defects/*"))
    (shop.home / "pages").unlink()
    assert shop.kehu(shop.here("page", "--run", warning)).exit_code == 0
    assert (shop.home / "pages" / LATEST).is_file()


@pytest.mark.parametrize("place", ["/etc/hostname/x.html", "/proc/x/y.html", "/proc/x.html"])
def test_a_file_that_cannot_be_made(shop: Shop, place: str) -> None:
    shop.published(*NO_SCORES)
    error = shop.kehu(shop.here("page", "--output", place, "--json")).refused(2, "file_not_writable")
    assert error["file"] == place


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------


def interrupted(*_: object, **__: object) -> str:
    """Ctrl-C at this point."""
    os.kill(os.getpid(), signal.SIGINT)
    return ""


def test_ctrl_c_while_the_page_is_written(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers have the run already: that is said, with the command that writes its page."""
    from kehu.flows import page as pages

    monkeypatch.setattr(pages, "render_page", interrupted)
    error = shop.kehu(shop.night(*NO_SCORES, "--json")).refused(130, "interrupted")
    assert shop.warehouse.exists() and not list((shop.home / "pages").glob("*.html"))
    (command,) = re.findall(r"is published, its page is missing; `kehu (page --run \S+)` writes it", error["message"])
    assert command.endswith(error["run_id"])
    assert "published, its page is missing" in shop.kehu(shop.night(*NO_SCORES)).err, "an unchanged run says the same"
    monkeypatch.undo()
    assert shop.kehu(shop.here(*command.split())).exit_code == 0
    assert (shop.home / "pages" / f"{error['run_id']}.html").is_file()


def test_ctrl_c_while_the_summary_is_printed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    from kehu.flows import command_night

    monkeypatch.setattr(command_night, "show_night", interrupted)
    ended = shop.kehu(shop.night(*NO_SCORES))
    (page,) = (shop.home / "pages").glob("2024*.html")
    assert (ended.exit_code, ended.err.splitlines()[-1]) == (
        130, f"interrupted at the end: run {page.stem} is published, its page is {page}",
    )  # fmt: skip
    assert shop.published(*NO_SCORES)["status"] == "unchanged"


def test_ctrl_c_while_a_statement_of_the_publication_is_under_way(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB makes an error of its own of it."""
    from kehu.warehouse import publish

    def slow(con: duckdb.DuckDBPyConnection, *_: object) -> None:
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        con.execute("SELECT sum(sin(a.range * b.range)) FROM range(100000) AS a, range(4000) AS b")

    monkeypatch.setattr(publish, "_check_rows", slow)
    shop.kehu(shop.night(*NO_SCORES, "--json")).refused(130, "interrupted")
    assert not shop.warehouse.exists() and not list((shop.home / "defects").glob("*"))
    monkeypatch.undo()
    assert shop.published(*NO_SCORES)["status"] == "published"


def test_ctrl_c_by_way_of_the_gate() -> None:
    assert is_interruption(RuntimeError("expectation on t.c could not be evaluated: Query interrupted"))
    assert not is_interruption(RuntimeError("expectation on t.c could not be evaluated: no such column"))
    assert not is_interruption(ValueError("Query interrupted"))

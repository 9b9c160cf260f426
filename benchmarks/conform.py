"""How much conform costs over DuckDB's own typed scan of the same lines.

    python benchmarks/conform.py [--lines 1000000] [--threads 2]

Two files of the same invoice lines: a plain one (UTF-8, plain numbers, ISO dates) and one as ERP reports print it
(GB18030, amounts in 万元 with thousands separators, Chinese dates, a totals row). The bare scan reads the plain file
with the types given.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from kehu.config.policy import PolicyBook
from kehu.config.sources import Feed, FileMapping, SourceMapping
from kehu.tasks.conform import conform_delivery
from kehu.tasks.conform_plan import plan_file
from kehu.tasks.land import land_exports
from kehu.tasks.normalise import install_macros
from kehu.tasks.records import read_records

PLAIN_HEADER = "发票号,行号,开票日期,客户编码,客户名称,产品编码,数量,单价,价税合计,成本\n"
PRINTED_HEADER = "销售明细表\n单位:万元\n发票号,行号,开票日期,客户编码,客户名称,产品编码,数量,单价,价税合计,成本\n"
TYPES = (
    "{'发票号':'VARCHAR','行号':'VARCHAR','开票日期':'DATE','客户编码':'VARCHAR','客户名称':'VARCHAR','产品编码':'VARCHAR',"
    "'数量':'DECIMAL(18,6)','单价':'DECIMAL(18,6)','价税合计':'DECIMAL(18,6)','成本':'DECIMAL(18,6)'}"
)


def write_exports(folder: Path, lines: int) -> tuple[Path, Path]:
    """The same lines, plain and as printed."""
    plain, printed = folder / "plain.csv", folder / "printed.csv"
    with plain.open("w", encoding="utf-8") as first, printed.open("w", encoding="gb18030") as second:
        first.write(PLAIN_HEADER)
        second.write(PRINTED_HEADER)
        for n in range(lines):
            day = date.fromordinal(738_000 + n % 900)
            document, product, quantity, price = (
                f"XS{n // 8:08d}",
                f"P{n % 5003:05d}",
                n % 500 + 1,
                n % 9973 + n % 100 / 100,
            )
            customer, name = f"C{n % 20011:06d}", f"广州市第{n % 20011}贸易有限公司"
            amount = quantity * price
            head = f"{document},{n % 8 + 1}"
            tail = f"{quantity},{price:.2f},{amount:.2f},{amount * 0.7:.2f}"
            first.write(f"{head},{day},{customer},{name},{product},{tail}\n")
            tail = f'{quantity},"{price:,.2f}","{amount:,.2f}","{amount * 0.7:,.2f}"'
            second.write(f"{head},{day.year}年{day.month}月{day.day}日,{customer},{name},{product},{tail}\n")
    return plain, printed


def seconds(work: Callable[[], Any]) -> float:
    """Wall-clock time of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(path: Path, folder: Path, threads: int, bare: float) -> None:
    """Print the times of landing, of the typed pass alone, and of the whole conform."""
    lines = FileMapping(
        name="lines", match=(path.name,), feeds=(Feed(entity="sales_line", constants={"document_type": "invoice"}),)
    )
    mapping = SourceMapping("erp", "erp", "Benchmark.", (lines,), "included", date(2024, 12, 31))
    policy = PolicyBook.load(None).on(date(2024, 12, 31))
    home, scratch = folder / f"home-{path.stem}", folder / f"scratch-{path.stem}"
    scratch.mkdir()
    with duckdb.connect(config={"threads": threads}) as con:
        landed: list[Any] = []
        land = seconds(lambda: landed.append(land_exports(mapping, path.parent, home, datetime.now(UTC))))
        delivery = next(item for item in landed[0].batch if item.file_name == path.name)
        install_macros(con)
        raws: list[Any] = []
        read = seconds(lambda: raws.extend(read_records(con, delivery.raw_path, lines, path.name, scratch)))
        plan = plan_file(con, raws[0], mapping, lines, lines.feeds, path.name)
        typed = plan.typed_sql(raws[0].unnumbered_relation)
        whole_pass = seconds(lambda: con.execute(f"COPY ({typed}) TO '{scratch / 'typed.parquet'}' (FORMAT parquet)"))
        conformed: list[Any] = []
        total = seconds(
            lambda: conformed.extend(
                conform_delivery(
                    con, delivery, mapping, home=home, corrections=(), policy=policy, reporting_currency="CNY"
                )
            )
        )
    print(
        f"{path.stem:8} land {land:5.2f}  prepare {read:5.2f}  typed pass {whole_pass:5.2f} ({whole_pass / bare:.1f}x "
        f"bare)  "
        f"conform in all {total:5.2f}  accepted {conformed[0].rows_accepted}"
    )


def main() -> None:
    """Measure both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "exports").mkdir()
        plain, printed = write_exports(folder / "exports", arguments.lines)
        with duckdb.connect(config={"threads": arguments.threads}) as con:
            scan = (
                f"SELECT * FROM read_csv('{plain}', header = true, columns = {TYPES}, auto_detect = false, quote = "
                f"'\"')"
            )
            bare = min(seconds(lambda: con.execute(f"COPY ({scan}) TO '{folder / 'bare.parquet'}'")) for _ in range(2))
        print(f"{arguments.lines} lines, {arguments.threads} threads: bare typed scan to Parquet {bare:.2f} s")
        measure(plain, folder, arguments.threads, bare)
        measure(printed, folder, arguments.threads, bare)


if __name__ == "__main__":
    main()

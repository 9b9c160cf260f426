"""A small trade with everything `kehu explain` speaks of, run through the real night.

Ten customers C001 … C010 buy and pay every month, C001 ten times as much as C010. C011 is a branch of C001; C012 never
traded; C099 is our own; OLD5 became C005 in March 2024. C003 pays by commercial acceptance, two notes have not matured;
C004 and C006 have reported their own figures, C012 too, with no gross profit; C002 is sold to at a loss; C008 and C009
have the same name. C023 is a branch of C022, and C022 of C021; none of the three traded.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml

from kehu.flows.cli import main

AS_OF = date(2024, 3, 31)

MAPPING = """\
description: a small trade
system: shop
currency: CNY
tax: excluded
delivered_at: name
sales_basis: invoice
files:
  customers:
    match: 客户_*.csv
    mode: snapshot
    feeds:
      - entity: customer
        columns: {customer_id: 编码, customer_name: 名称, customer_type: 类型, parent_customer_id: 上级, province: 省份}
  merged:
    match: 合并_*.csv
    mode: snapshot
    feeds:
      - entity: customer_alias
        columns: {old_customer_id: 原编码, customer_id: 编码, from_date: 生效}
  sales:
    match: 销售_*.csv
    mode: append
    feeds:
      - entity: sales_line
        columns:
          document_id: 单号
          line_id: 行号
          document_date: 日期
          customer_id: 编码
          quantity: 数量
          amount_net: 金额
          gross_profit_net: 毛利
        constants: {document_type: invoice}
  payments:
    match: 回款_*.csv
    mode: append
    feeds:
      - entity: payment
        columns:
          payment_id: 单号
          customer_id: 编码
          received_date: 日期
          received_gross: 金额
          instrument: 方式
          note_due_date: 到期
  reports:
    match: 报表_*.csv
    mode: append
    feeds:
      - entity: channel_report
        columns:
          customer_id: 编码
          report_date: 日期
          resale_revenue_net: 本品收入
          resale_cost_net: 本品成本
          customer_gross_profit_net: 毛利总额
  visits:
    match: 拜访_*.csv
    mode: append
    feeds:
      - entity: visit
        columns: {visit_id: 单号, customer_id: 编码, visit_date: 日期, visit_mode: 方式}
"""

PAYMENTS = "单号,编码,日期,金额,方式,到期"
MONTHS = [date(2022 + month // 12, month % 12 + 1, 10) for month in range(3, 27)]
"""The tenth of the 24 months up to March 2024."""


@dataclass
class Trade:
    """The exports, and a home to run nights in.

    Attributes:
        folder: where project, exports and home lie.
    """

    folder: Path

    @property
    def home(self) -> Path:
        """The home folder."""
        return self.folder / "home"

    @property
    def project(self) -> Path:
        """The project folder."""
        return self.folder / "project"

    @property
    def warehouse(self) -> Path:
        """The folder of the warehouse."""
        return self.home / "warehouse"

    def write(self, without: str = "") -> None:
        """Write project and exports, `without` one file of the mapping."""
        (self.project / "sources").mkdir(parents=True)
        (self.project / "policy").mkdir()
        (self.folder / "exports").mkdir()
        (self.project / "kehu.toml").write_text("", encoding="utf-8")
        (self.project / "sources" / "shop.yaml").write_text(self.mapping(without), encoding="utf-8")
        for name, lines in self.files().items():
            path = self.folder / "exports" / f"{name}_20240331.csv"
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @staticmethod
    def mapping(without: str) -> str:
        """The mapping, without one of its files."""
        mapping = yaml.safe_load(MAPPING)
        mapping["files"].pop(without, None)
        return yaml.safe_dump(mapping, allow_unicode=True, sort_keys=False)

    def receive(self, customer: str, amount: str) -> None:
        """Deliver one more receipt, by transfer, of March 2024."""
        lines = [PAYMENTS, f"NEU1,{customer},2024-03-20,{amount},转账,"]
        (self.folder / "exports" / "回款_20240401.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def night(self) -> str:
        """Run a night that must get through; its run."""
        exports = str(self.folder / "exports")
        arguments = ["run", "--source", "shop", "--exports", exports, "--as-of", str(AS_OF), *self.here(), "--json"]
        with redirect_stdout(io.StringIO()) as out:
            assert main(arguments) == 0
        return str(json.loads(out.getvalue())["run_id"])

    def here(self) -> list[str]:
        """The options every command gets."""
        return ["--project", str(self.project), "--home", str(self.home)]

    def files(self) -> Mapping[str, list[str]]:
        """The lines of each export file."""
        numbers = range(1, 11)
        codes = {number: f"C{number:03d}" for number in numbers}
        codes[5] = "OLD5"
        sales = ["单号,行号,日期,编码,数量,金额,毛利"]
        payments = [PAYMENTS]
        for month, day in enumerate(MONTHS):
            for number in numbers:
                amount = 100 * (11 - number)
                profit = -amount // 10 if number == 2 else amount // 5 + number
                sales.append(f"XS{month:02d}{number:02d},1,{day},{codes[number]},1,{amount}.00,{profit}.00")
                how = "商承" if number == 3 else "转账"
                due = day.replace(day=28) if number == 3 and month < 22 else date(2024, 9, 30) if number == 3 else ""
                payments.append(f"HK{month:02d}{number:02d},{codes[number]},{day},{amount}.50,{how},{due}")
        sales += ["XS9901,1,2024-01-05,C011,1,50.00,12.00", "XS9902,1,2024-01-05,C099,1,7000.00,900.00"]
        return {
            "客户": [
                "编码,名称,类型,上级,省份",
                *(f"C{number:03d},第{number if number != 9 else 8}商行,企业,,广东省" for number in numbers),
                "C011,第1商行分部,企业,C001,广西壮族自治区",
                "C012,新来商行,企业,,",
                "C021,总店,企业,,",
                "C022,分店,企业,C021,",
                "C023,门市,企业,C022,",
                "C099,本公司门店,内部,,",
            ],
            "合并": ["原编码,编码,生效", "OLD5,C005,2024-03-15"],
            "销售": sales,
            "回款": payments,
            "报表": [
                "编码,日期,本品收入,本品成本,毛利总额",
                "C004,2023-12-31,9000.00,8400.00,2000.00",
                "C006,2023-12-31,9000.00,8000.00,2000.00",
                "C012,2023-12-31,9000.00,8000.00,0.00",
            ],
            "拜访": [
                "单号,编码,日期,方式",
                "BF1,C001,2024-01-20,上门",
                "BF2,C011,2024-02-20,上门",
                "BF3,C003,2023-06-01,上门",
            ],
        }

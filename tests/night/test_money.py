"""Tax and currency (R11): conversions are exact, dated, flagged where the rate was assumed, and never silent."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from night_world import Company, Row, noise

MICRO, CENT = Decimal("0.000001"), Decimal("0.01")
RATES = ("13%", "0.06", "9", "0", "")


def _net(gross: Decimal, rate: Decimal) -> Decimal:
    return (gross / (1 + rate)).quantize(MICRO, ROUND_HALF_EVEN)


def _lines(count: int = 60) -> list[Row]:
    """Lines with amounts that include tax; the rate is written in every way, the last being to leave it out."""
    return [
        {
            "发票号": f"F{n:03}", "行号": 1, "客户编码": f"K{n % 7}", "数量": 1, "税率": RATES[n % len(RATES)],
            "开票日期": (date(2019, 3, 31) if n % 2 else date(2019, 4, 1)).isoformat(),
            "金额": Decimal(noise("gross", n) % 10**9 - 10**8).scaleb(-4),
        }
        for n in range(count)
    ]  # fmt: skip


def test_net_is_exact_at_every_rate(company: Company) -> None:
    company.map_tiny(tax="included")
    lines = _lines()
    company.export("发票_20190430.csv", lines)
    receipt = company.run(date(2019, 4, 30))
    stated = {"13%": Decimal("0.13"), "0.06": Decimal("0.06"), "9": Decimal("0.09"), "0": Decimal(0)}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for line, row in zip(lines, company.landed("sales_line"), strict=True):
        # Without a rate of its own a line takes the standard rate of its day: 16 % until 2019-03-31, 13 % after.
        assumed = Decimal("0.16") if row["document_date"] < date(2019, 4, 1) else Decimal("0.13")
        expected = _net(line["金额"], stated.get(line["税率"], assumed))
        assert (row["amount_gross"], row["amount_net"], row["amount_tax_unknown"]) == (line["金额"], expected, None)
        assert bool(row["is_tax_assumed"]) == (line["税率"] == "")
        sums[line["客户编码"]] += expected
    told = {
        row["customer_id"]: (row["tax_basis"], row["sales_net"]) for row in company.rows("mart_abc_customer", receipt)
    }
    assert told == {code: ("net", amount.quantize(CENT, ROUND_HALF_EVEN)) for code, amount in sums.items()}
    assert company.one("run_mart", receipt, mart="mart_abc_customer")["exact_total"] == sum(sums.values())
    counted = {
        row["measure_name"]: row["amount_total"]
        for row in company.rows("run_input_reason", receipt)
        if row["entity"] == "sales_line"
    }
    assert counted == {"amount_gross": sum(line["金额"] for line in lines), "amount_net": sum(sums.values())}


def test_amounts_of_unknown_basis_stay_unknown(company: Company) -> None:
    company.map_tiny(tax="unknown")
    lines = _lines(20)
    company.export("发票_20190430.csv", lines)
    receipt = company.run(date(2019, 4, 30))
    assert {(row["amount_net"], row["amount_gross"]) for row in company.landed("sales_line")} == {(None, None)}
    assert {row["tax_basis"] for row in company.rows("mart_abc_customer", receipt)} == {"unknown"}
    total = company.one("run_mart", receipt, mart="mart_abc_customer")["exact_total"]
    assert total == sum(line["金额"] for line in lines)


@pytest.fixture
def foreign(company: Company) -> Company:
    """Forty lines in yuan and two in dollars, before and after a change of the rate."""
    lines = [
        {
            "发票号": f"F{n:03}",
            "行号": 1,
            "客户编码": f"K{n % 4}",
            "开票日期": "2024-02-10",
            "币种": "CNY",
            "不含税金额": "100.005",
        }
        for n in range(40)
    ]
    for document, day in (("U1", "2024-02-29"), ("U2", "2024-03-01")):
        lines.append(
            lines[0] | {"发票号": document, "客户编码": "K9", "开票日期": day, "币种": "USD", "不含税金额": "1000.33"}
        )
    company.export("发票_20240331.csv", lines)
    return company


def test_without_a_rate_foreign_rows_are_put_aside(foreign: Company) -> None:
    receipt = foreign.run()
    assert (receipt.status, receipt.quarantined) == ("published", 2)
    assert [(row["发票号"], row["_rules"]) for row in foreign.landed("sales_line", "quarantined")] == [
        ("U1", "rate_missing"), ("U2", "rate_missing"),
    ]  # fmt: skip
    told = foreign.one("run_input_reason", receipt, outcome="quarantined", measure_name="amount_net")
    assert (told["reason"], told["row_count"], told["amount_total"]) == ("rate_missing", 2, Decimal("2000.66"))
    assert "K9" not in {row["customer_id"] for row in foreign.rows("mart_abc_customer", receipt)}


def test_dated_rates_convert_by_the_day_of_the_document(foreign: Company) -> None:
    """A rate that begins in March leaves February without; once both are stated nothing is put aside."""
    foreign.decide("currency", "rates", {"2024-03-01": "{USD: 7.2}"})
    march = foreign.run()
    assert (march.quarantined, foreign.landed("sales_line", "quarantined")[0]["发票号"]) == (1, "U1")
    assert foreign.one("mart_abc_customer", march, customer_id="K9")["sales_net"] == Decimal("7202.38")
    foreign.decide("currency", "rates", {"2024-01-01": "{USD: 7.1}", "2024-03-01": "{USD: 7.2}"})
    both = foreign.run()
    assert both.quarantined == 0
    assert foreign.one("mart_abc_customer", both, customer_id="K9")["sales_net"] == Decimal("14304.72")
    exact = Decimal("1000.33") * (Decimal("7.1") + Decimal("7.2")) + 40 * Decimal("100.005")
    assert foreign.one("run_mart", both, mart="mart_abc_customer")["exact_total"] == exact
    assert foreign.one("mart_abc_customer", both, customer_id="K0")["sales_net"] == Decimal("1000.05")

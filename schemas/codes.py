"""Code lists: the values an enumerated column may hold, with their printed names.

May import: `config`. A list has three disjoint parts: good codes; repairable spellings, mapped to a good code; known-bad
spellings, mapped to null. Anything else breaks the row rule `<column>_unknown_code`: never nulled in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Code:
    """One good code with its printed names."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True)
class CodeList:
    """An enumeration.

    Attributes:
        name: name of the list.
        good: the codes we store.
        repairable: spellings seen in exports → the code they mean. Compared after trimming, full-width folding and
            lower-casing. The printed names of `good` count as repairable without being written here.
        known_bad: spellings that carry no information and become null.
    """

    name: str
    good: tuple[Code, ...]
    repairable: Mapping[str, str] = field(default_factory=dict)
    known_bad: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The good codes, in their declared order."""
        return tuple(code.code for code in self.good)

    def spellings(self) -> dict[str, str]:
        """Every accepted spelling, lower-cased → its code: the codes, their printed names, and the repairable ones."""
        accepted: dict[str, str] = {}
        for code in self.good:
            for spelling in (code.code, code.zh, code.en):
                accepted[spelling.lower()] = code.code
        accepted.update({spelling.lower(): code for spelling, code in self.repairable.items()})
        return accepted


CUSTOMER_TYPE = CodeList(
    "customer_type",
    (
        Code("final", "最终客户", "end consumer or household"),
        Code("b2b", "企业客户", "business customer"),
        Code("channel", "渠道客户", "distributor or franchise"),
        Code("internal", "内部客户", "our own company or staff"),
    ),
    {"消费者": "final", "个人": "final", "零售": "final", "公司": "b2b", "小型企业": "b2b", "企业": "b2b", "集团": "b2b",
     "经销商": "channel", "代理商": "channel", "加盟": "channel", "加盟商": "channel", "分销商": "channel", "内部": "internal",
     "consumer": "final", "corporate": "b2b", "home office": "b2b", "distributor": "channel"},
)  # fmt: skip

CUSTOMER_STATUS = CodeList(
    "customer_status",
    (Code("active", "正常", "in business with us"), Code("stopped", "停用", "closed to business")),
    {"启用": "active", "有效": "active", "合作中": "active", "已停用": "stopped", "禁用": "stopped", "注销": "stopped",
     "冻结": "stopped", "1": "active", "0": "stopped"},
)  # fmt: skip

DOCUMENT_TYPE = CodeList(
    "document_type",
    (
        Code("order", "订单", "sales order line"),
        Code("delivery", "出库", "delivery line"),
        Code("invoice", "发票", "invoice line"),
    ),
    {"销售订单": "order", "发货单": "delivery", "销售出库单": "delivery", "出货": "delivery", "销售发票": "invoice"},
)

LINE_KIND = CodeList(
    "line_kind",
    (
        Code("goods", "商品", "goods sold"),
        Code("service", "服务", "service sold"),
        Code("freight", "运费", "freight and postage"),
        Code("discount", "折扣", "discount line"),
        Code("sample", "样品", "free sample"),
        Code("fee", "手续费", "bank, marketplace or other fee"),
        Code("bad_debt", "坏账", "bad-debt adjustment"),
        Code("adjustment", "调整", "manual adjustment"),
    ),
    {"货品": "goods", "产品": "goods", "赠品": "sample", "邮费": "freight", "返利": "discount"},
)

GOODS_KINDS = ("goods", "service")
"""Line kinds that are something sold; a line without kind is goods. Freight, fees and adjustments are none (R24)."""

DOCUMENT_STATUS = CodeList(
    "document_status",
    (
        Code("approved", "已审核", "in force"),
        Code("draft", "草稿", "not yet in force"),
        Code("cancelled", "已取消", "cancelled, counts for nothing"),
    ),
    {"审核": "approved", "已完成": "approved", "完成": "approved", "已关闭": "approved", "关闭": "approved", "有效": "approved",
     "执行中": "approved", "开立": "draft", "未审核": "draft", "暂存": "draft", "作废": "cancelled", "已作废": "cancelled",
     "取消": "cancelled", "closed": "approved", "open": "approved", "void": "cancelled", "canceled": "cancelled"},
)  # fmt: skip

PAYMENT_INSTRUMENT = CodeList(
    "payment_instrument",
    (
        Code("cash", "现金", "cash"),
        Code("transfer", "转账", "bank transfer"),
        Code("bank_acceptance", "银行承兑汇票", "bank acceptance bill"),
        Code("commercial_acceptance", "商业承兑汇票", "commercial acceptance bill"),
        Code("supply_chain_voucher", "供应链票据", "supply-chain voucher"),
        Code("cheque", "支票", "cheque"),
        Code("other", "其他", "other means"),
    ),
    {"电汇": "transfer", "银行转账": "transfer", "网上转账": "transfer", "网银": "transfer", "汇款": "transfer",
     "邮政汇款": "transfer", "银承": "bank_acceptance", "银行承兑": "bank_acceptance", "商承": "commercial_acceptance",
     "商业承兑": "commercial_acceptance", "云信": "supply_chain_voucher", "迪链": "supply_chain_voucher",
     "支付宝": "other", "微信支付": "other"},
)  # fmt: skip

PAYMENT_STATUS = CodeList(
    "payment_status",
    (
        Code("cleared", "已到账", "money received"),
        Code("pending", "未到账", "announced, not yet received"),
        Code("bounced", "退票", "dishonoured or returned"),
        Code("extended", "展期", "maturity extended"),
    ),
    {"已核销": "cleared", "已收款": "cleared", "到账": "cleared", "审核中": "pending", "待确认": "pending", "拒付": "bounced",
     "已审核": "cleared", "退回": "bounced"},
)  # fmt: skip

TAX_BASIS = CodeList(
    "tax_basis",
    (
        Code("net", "不含税", "excluding value-added tax"),
        Code("gross", "含税", "including value-added tax"),
        Code("unknown", "税基不明", "the source does not say; never ranked together with known amounts"),
    ),
)

INDICATOR = CodeList(
    "indicator",
    (
        Code("collections", "回款额", "cash collected"),
        Code("gross_profit", "毛利额", "gross profit"),
        Code("brand_share", "品牌利润占比", "our brand's share of the customer's profit"),
        Code("sales", "销售额", "net sales (invoiced less returns)"),
        Code("combined", "综合判断", "combined judgement"),
    ),
)

BRAND_SHARE_SOURCE = CodeList(
    "brand_share_source",
    (
        Code("measured", "实测", "from the customer's own figures"),
        Code("proxy", "推算", "our sales ÷ the customer's purchases of the category"),
        Code("missing", "缺失", "neither is known: the weight goes to the other indicators"),
    ),
)

PERIOD_TYPE = CodeList(
    "period_type",
    (
        Code("month", "月度", "calendar month"),
        Code("quarter", "季度", "calendar quarter"),
        Code("rolling", "滚动期间", "the window of policy abc.window, a rolling year"),
    ),
)

MOVE = CodeList(
    "move",
    (
        Code("up", "上升", "in a better class than before"),
        Code("down", "下降", "in a worse class than before"),
        Code("stable", "不变", "in the same class as before"),
        Code("entered", "进入", "in a class now, in none before"),
        Code("left", "退出", "in a class before, in none now"),
    ),
)

STABILITY_CLASS = CodeList(
    "stability_class",
    (
        Code("stable", "稳定", "buys at even intervals and sizes"),
        Code("fluctuating", "波动", "intervals or sizes vary"),
        Code("unstable", "不稳定", "intervals or sizes vary widely"),
        Code("insufficient", "数据不足", "too few purchases to say"),
    ),
)

DEMAND_PATTERN = CodeList(
    "demand_pattern",
    (
        Code("smooth", "平稳型", "often, in even sizes"),
        Code("intermittent", "间歇型", "seldom, in even sizes"),
        Code("erratic", "起伏型", "often, in uneven sizes"),
        Code("lumpy", "零散型", "seldom, in uneven sizes"),
    ),
)

CLASS_OR_NONE = CodeList(
    "class_or_none",
    (
        Code("A", "A类", "the vital few"),
        Code("B", "B类", "the middle"),
        Code("C", "C类", "the many"),
        Code("none", "无类别", "not ranked in the period"),
    ),
)

VISIT_MODE = CodeList(
    "visit_mode",
    (
        Code("visit", "上门拜访", "visit in person"),
        Code("call", "电话", "telephone call"),
        Code("mail", "邮件", "letter or e-mail"),
        Code("wechat", "微信", "message"),
    ),
    {"拜访": "visit", "上门": "visit", "实地拜访": "visit", "电话拜访": "call", "电话沟通": "call", "电子邮件": "mail",
     "企业微信": "wechat", "微信沟通": "wechat"},
)  # fmt: skip

ABC_CLASS = CodeList(
    "abc_class", (Code("A", "A类", "the vital few"), Code("B", "B类", "the middle"), Code("C", "C类", "the many"))
)

CLASS_REASON = CodeList(
    "class_reason",
    (
        Code("no_trade", "期内无交易", "the indicator is zero in the window"),
        Code("negative", "期内为负", "the indicator is negative in the window"),
        Code("internal", "内部客户", "internal customers are not classed"),
        Code("missing", "缺少数据", "the indicator cannot be computed for any of the customer's lines"),
        Code("not_collected", "有销售未回款", "sold in the window, nothing collected, and the profit is unknown"),
    ),
)

ATTRIBUTE_REASON = CodeList(
    "attribute_reason",
    (
        Code("snapshot_only", "仅有现值", "current values exist only from a delivery made after the judged day"),
        Code("not_delivered", "未提供", "no customer file: the customer is known from its documents only"),
    ),
)

RUN_STATUS = CodeList(
    "run_status",
    (
        Code("running", "运行中", "under way"),
        Code("published", "已发布", "published"),
        Code("unchanged", "无变化", "the same inputs, rules and code were published already"),
        Code("gate_closed", "质检未通过", "a blocking expectation failed; nothing published"),
        Code("failed", "失败", "ended by an error; nothing published"),
    ),
)

MART_STATUS = CodeList(
    "mart_status",
    (Code("published", "已发布", "published"), Code("skipped", "已跳过", "not built, see the reason")),
)

OUTCOME = CodeList(
    "outcome",
    (
        Code("accepted", "接收", "used from this run on"),
        Code(
            "merged_into_key",
            "合并",
            "another row has the same key and counts: of the same file, or of a newer delivery",
        ),
        Code("quarantined", "隔离", "broke a row rule; kept aside with the reason"),
        Code("dropped", "剔除", "left out by a rule of the source mapping, or deleted in the source"),
        Code("later_than_as_of", "晚于业务日", "dated after the judged day"),
        Code("unmapped", "未映射", "no mapping takes this row"),
    ),
)

SEVERITY = CodeList(
    "severity",
    (
        Code("block", "阻断", "closes the gate"),
        Code("warn", "警告", "reported, the night goes on"),
    ),
)

ALL_CODE_LISTS = tuple(value for value in list(globals().values()) if isinstance(value, CodeList))

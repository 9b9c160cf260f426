"""Kehu (客户): nightly customer scoring from CRM and ERP exports to a warehouse that BI tools read."""

__version__ = "0.1.0"

"""Contracts: every column declared once, tables as ordered lists of them, and how both render. Imports `config`."""

"""Engines, connections, the published warehouse file and its views. Imports `config` and `schemas`."""

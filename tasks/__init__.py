"""One step or one score a file: the rule as pure functions, then what applies it.

Imports `config`, `schemas`, `warehouse`.
"""

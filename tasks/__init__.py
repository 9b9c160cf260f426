"""One step or one score a file: the rule as pure functions, then the step that applies it. Imports `config`, `schemas`, `warehouse`."""

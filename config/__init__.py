"""Settings (where), policy (what, dated) and sources (mappings of known exports). Imports nothing of ours."""

"""GoogleSQL: statements parsed by SQLGlot, names resolved, functions translated for DuckDB."""

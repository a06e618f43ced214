"""Where bytes come in: strict YAML, parsing, profiles."""

"""The lm-eval suites that judge every contender, in distribution and out of it."""

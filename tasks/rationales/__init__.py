"""How corpora of rationales are made: perspectives, renderers, a checker, synthesis."""

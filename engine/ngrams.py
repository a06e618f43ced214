"""Words in a row, by which texts are held against each other: lower case, every number counts as one word."""

import re

NGRAM = 8
WORDS = 13  # of a run that two texts share by chance only if both quote something


def ngrams(text: str, size: int = NGRAM) -> set[tuple[str, ...]]:
    """Every `size` words in a row, lower-cased, with every number replaced by ``0``."""
    words = re.findall(r"\w+", re.sub(r"\d+(?:[.,]\d+)*", "0", text.lower()))
    return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}


def runs(text: str) -> list[tuple[str, ...]]:
    """Every thirteen words of a text, sorted; of a shorter text all its words."""
    return next((sorted(grams) for size in range(WORDS, 0, -1) if (grams := ngrams(text, size))), [])

"""Words and their opposites."""

from offbook.tasks.forgetting.question import Draft, Family, Slot

WORDS = {  # adjectives, then verbs: the word, its opposite, and what means nearly the same as the word
    "test": (
        """
        hot cold warm, big small large, happy sad glad, fast slow quick, rich poor wealthy, open closed unlocked,
        young old youthful, full empty packed, strong weak powerful, clean dirty tidy, early late premature,
        hard soft solid, easy difficult simple, dark bright dim, wide narrow broad, deep shallow bottomless,
        brave cowardly bold, noisy quiet loud, rough smooth bumpy, ancient modern antique, guilty innocent culpable,
        generous stingy giving, proud humble vain, permanent temporary lasting, maximum minimum greatest,
        optional compulsory voluntary, abundant scarce plentiful, transparent opaque clear, hostile friendly nasty
        """,
        """
        arrive depart come, build destroy construct, increase decrease grow, accept refuse take,
        include exclude contain, tighten loosen fasten, praise criticise compliment, freeze melt chill,
        attack defend assault, laugh cry giggle, start finish begin
        """,
    ),
    "dev": (
        """
        good bad fine, long short lengthy, wet dry damp, high low tall, heavy light weighty,
        cheap expensive inexpensive, sweet bitter sugary, safe dangerous secure, thick thin fat, sharp blunt pointed,
        polite rude courteous, lazy diligent idle, public private common, artificial natural fake, rural urban rustic,
        flexible rigid elastic, horizontal vertical level, fertile barren fruitful
        """,
        """
        win lose triumph, buy sell purchase, remember forget recall, push pull shove, love hate adore,
        appear vanish emerge, float sink drift, ascend descend climb, conceal reveal hide
        """,
    ),
}
FRAMES = {
    "test": "What is the opposite of the word '{}'?",
    "dev": "Which word means the contrary of '{}'?",
}


def draft(slot: Slot) -> Draft:
    """Opposites of other words of the same kind; at level 2 one of the wrong ones means nearly the same."""
    kind = next(pairs for pairs in PAIRS[slot.split] if slot.story in pairs)
    opposite, near = kind[slot.story]
    pool = [other for other, _ in kind.values()]
    text = FRAMES[slot.split].format(slot.story)
    return Draft(text=text, answer=opposite, others=slot.wrong(opposite, pool, (near,) if slot.level > 1 else ()))


def _pairs(rows: str) -> dict[str, tuple[str, str]]:
    """The opposite and the near word, by word."""
    return {word: (opposite, near) for word, opposite, near in (row.split() for row in rows.strip().split(","))}


def _together(kinds: tuple[dict[str, tuple[str, str]], ...]) -> tuple[str, ...]:
    """The words of all kinds, each as far behind in the whole as it is in its kind."""
    ranked = [((at + 0.5) / len(pairs), word) for pairs in kinds for at, word in enumerate(pairs)]
    return tuple(word for _, word in sorted(ranked))


PAIRS = {split: tuple(map(_pairs, kinds)) for split, kinds in WORDS.items()}
FAMILY = Family(use="read", stories={split: _together(kinds) for split, kinds in PAIRS.items()}, draft=draft)

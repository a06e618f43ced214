"""Places that questions take in turn, so that none is favoured: of the right answer in a list, for instance."""

from random import Random


def take_turns(seed: str, number: int, n: int) -> int:
    """The place of a question among `n`: each once in every `n` questions, in a seeded order."""
    return Random(f"{seed}/{number // n}").sample(range(n), n)[number % n]

"""The letters of words: in reverse, counted off, put together, by the alphabet."""

from random import Random

from offbook.tasks.procedural.ood.question import Draft

TEST_WORDS = {  # no letter twice, and neither a nor i, which are words
    3: ("sun", "cod", "peg", "fox", "hut", "web", "jug", "mop", "dry", "rug", "ten", "bow"),
    4: ("lump", "rest", "cold", "jump", "byte", "desk", "wolf", "melt", "gulf", "horn", "crew", "plum"),
    5: ("stone", "lemur", "pluck", "ghost", "brown", "fjord", "money", "crowd", "spend", "torch", "funky"),
}
DEV_WORDS = (
    "orbit", "candle", "bridge", "planet", "flower", "garden", "harbour", "insect", "jacket", "kitchen", "ladder",
    "mirror", "number", "pepper", "quiver", "rocket", "silver", "tunnel", "umbrella", "velvet",
)  # fmt: skip
PLACES = ("first", "second", "third", "fourth", "fifth")


def backwards(rng: Random, length: int) -> Draft:
    """A word in reverse, among near misses."""
    word = rng.choice(TEST_WORDS[length])
    return _spelt(f"Spell the word '{word}' backwards. What do you get?", word[::-1], word)


def counted_off(rng: Random, length: int) -> Draft:
    """The letter at a place."""
    word = rng.choice(TEST_WORDS[length])
    at = rng.randrange(length)
    text = f"Which letter is the {PLACES[at]} one in the word '{word}'?"
    return Draft(text=text, candidates=tuple(word), answer=word[at])


def last_letters(rng: Random, length: int) -> Draft:
    """The last letters of words, put together."""
    words = rng.sample(TEST_WORDS[5] + TEST_WORDS[4], length - 1)
    text = f"Take the last letter of each of these words and join them: {', '.join(words)}. What is the result?"
    return _spelt(text, "".join(word[-1] for word in words), "".join(word[0] for word in words))


def initials(rng: Random, length: int) -> Draft:
    """The first letters of words, put together."""
    words = rng.sample(DEV_WORDS, length - 1)
    text = f"A code consists of the initials of {' and '.join(words)}, in lower case. How does it read?"
    return _spelt(text, "".join(word[0] for word in words), "".join(word[-1] for word in words))


def dictionary(rng: Random, length: int) -> Draft:
    """The word that the alphabet puts first, among those it names."""
    words = tuple(rng.sample(DEV_WORDS, length))
    text = f"Somebody looks up {' and '.join(words)} in a dictionary. Which comes earliest?"
    return Draft(text=text, candidates=words, answer=min(words))


TEST = (backwards, counted_off, last_letters)
DEV = (initials, dictionary)


def _spelt(text: str, answer: str, decoy: str) -> Draft:
    """The answer among near misses: two neighbouring letters swapped, turned round, or the decoy."""
    swapped = {answer[:at] + answer[at + 1] + answer[at] + answer[at + 2 :] for at in range(len(answer) - 1)}
    candidates = sorted({answer, answer[::-1], decoy, decoy[::-1], *swapped})
    return Draft(text=text, candidates=tuple(candidates), answer=answer)

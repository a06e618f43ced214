r"""Gives a rationale the corpus's closing line in place of the one its writer chose.

Writers close in many ways: ``The final answer is \boxed{12}.``, ``#### 12``, ``So the correct answer is (B) 3 May.``,
``**Answer:** 12``. Only what closes goes; an answer that is stated earlier stays, and so does a closing
sentence that calculates.
"""

import re

from offbook.engine.students.corpus import close

_STATEMENT = re.compile(
    r"####|\\boxed\b|\banswer\W{0,4}(?:choice |option )?(?:is|was|will be|would be|must be|[:=–-])"
    r"|\banswer\W{1,3}\(?[A-Z]\)?\W*$|\b(?:correct|right|best) (?:choice|option)\b",
    re.IGNORECASE,
)
_HEADING = re.compile(r"^\W*(?:(?:the|final|correct|my)\s+)*answer(?:\s+is)?\W*$", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.!?])[*_]*\s+(?=\S)")
_CALCULATION = re.compile(r"\d\W{0,3}[-+*/×÷]\W{0,3}\d[^=]*=")
_SHORT = 40  # characters: a line below a heading "Answer:" that is longer says more than the answer
_EMPTY = re.compile(r"[\W_]*")


def reclose(text: str, answer: str) -> tuple[str, tuple[int, int]] | None:
    """A rationale closed by the corpus's line, and its answer's span; None where nothing but the answer was said.

    Args:
        text: a rationale that arrives at `answer`, with a closing line of any form or none.
        answer: the gold answer, or a mistake's own.
    """
    body, _ = _parted(text.strip())
    return None if _EMPTY.fullmatch(body) else close(body, answer)


def closing(text: str) -> str:
    """What states the answer at a rationale's end; empty where it ends without."""
    return _parted(text.strip())[1]


def _parted(text: str) -> tuple[str, str]:
    """What a rationale keeps, and what states the answer at its end (in both where that calculates)."""
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) > 1 and _HEADING.match(lines[-2]) and len(lines[-1]) <= _SHORT:
        return _before(text, lines[-2]), "\n".join(lines[-2:])
    if not lines:
        return "", ""
    last = lines[-1]
    if _HEADING.match(last):
        return _before(text, last), last
    sentences = _SENTENCE.split(last)
    for place, sentence in enumerate(sentences):
        if _STATEMENT.search(sentence) and all(_belongs(part) for part in sentences[place + 1 :]):
            start = last.index(sentence, len(" ".join(sentences[:place])) if place else 0)
            if _CALCULATION.search(sentence):
                return text, last[start:]
            return (_before(text, last) + "\n" + last[:start]).strip(), last[start:]
    return text, ""


def _belongs(sentence: str) -> bool:
    """Whether a sentence behind an answer statement belongs to it, as the option's text or a mark does."""
    return len(sentence) <= _SHORT and not re.search(r"[=+]", sentence)


def _before(text: str, line: str) -> str:
    return text[: text.rindex(line)].rstrip()

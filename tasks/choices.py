"""Which choices a text names: by their letters, by their texts, or as yes and no.

An answer statement names the choices in its first clause that names any: ``B because a dog barks`` names B alone, and
``Sunday, Saturday`` names two.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from offbook.tasks.plain_text import bare, fold, tidy, whole_words

_QUOTED = re.compile(r"(?<!\w)([\"'])(\w)\1(?!\w)")
_MARKED = re.compile(
    r"[(\[](\w)[)\]]|\b(?:[Oo]ption|[Cc]hoice|[Ll]etter) \(?(\w)\b|(?<![\w'.])([A-Z])(?:[).:](?!\w)|\s*$)"
)
_CAPITAL = re.compile(r"(?<![\w'.])([A-Z])(?![\w'])(?!\.\w)")
_ARTICLE = re.compile(r" (?!(?:or|and|nor|because|since|is|as|not|but|so|if)\b)[a-z0-9]")  # behind A and I
_LEADING = re.compile(r"\W*(?:(?:the )?(?:option|choice|letter) )?\(?([A-Za-z])(?!\w|')(\W*)", re.IGNORECASE)
_YES_NO = re.compile(
    r"(?P<denied>(?:\b(?:not|never|cannot)|n['’]t)\s+"
    r"(?:(?:be|a|an|the|at all|actually|really|necessarily|quite)\s+){0,2})?"
    r"\b(?:(?P<true>true|correct)|(?P<false>false|incorrect))\b|\b(?P<yes>yes)\b"
    r"|\bno(?!\s+(?!(?:because|since|as|it|they|he|she|we|there|this|that|these|but|and|or|not|although|though|while)\b)"
    r"\w)\b"
)
_CLAUSE = re.compile(
    r",? ?\b(?:because|since|as|who|whom|whose|which|that|where|when|while|whereas|although|though|rather|instead|than"
    r"|so|if|not|but|unlike|is|are|was|were|has|had|does|did|cannot|can't|isn't)\b"
    r"|, (?:she|he|it|they|this|these|there|we|i|for|with|given|being|having|making)\b"
    r"|[;—=→]| - |\((?=\w\w)(?!or\b|and\b|maybe\b|perhaps\b|possibly\b)"
)


class Named(NamedTuple):
    """A choice, by its letter, text or ``yes``, and where a tidy text names it."""

    start: int
    end: int
    choice: str


Finder = Callable[[str], list[Named]]


def stated_choice(stated: str, kind: str, choices: Sequence[str]) -> str | None:
    """The one choice that an answer statement names; None where it names none, or several different ones."""
    text = _tidy(stated)
    found = sorted(_letters(text, choices, _CAPITAL) if kind == "letter" else _found(text, kind, choices))
    leading = _leading_letter(text, choices) if kind == "letter" else None
    if leading is not None:
        found = [leading, *(named for named in found if named.start >= leading.end)]
    if not found:
        return None
    ends = (cut.start() for cut in _CLAUSE.finditer(fold(text)))
    end = next((e for e in ends if e >= found[0].end and all(not n.start <= e < n.end for n in found)), len(text))
    said = {named.choice for named in found if named.start < end}
    return said.pop() if len(said) == 1 else None


def mentioned_choice(text: str, kind: str, choices: Sequence[str]) -> str | None:
    """The choice that a text without an answer statement opens with, or else the last one that it names."""
    if kind == "letter" and (letter := _opening_letter(text, choices)):
        return letter
    found = _found(_tidy(text), kind, choices)
    return max(found).choice if found else None


def begins_with_choice(stated: str, choices: Sequence[str]) -> bool:
    """Whether a statement begins with the text of a choice."""
    text = bare(stated)
    return any(whole_words(bare(choice)).match(text) for choice in choices if bare(choice))


def letter_of(text: str, choices: Sequence[str]) -> str | None:
    """The letter of the choice with this text."""
    texts = [bare(choice) for choice in choices]
    return _letter(texts.index(bare(text))) if bare(text) in texts else None


def _tidy(text: str) -> str:
    return _QUOTED.sub(r"\2", tidy(text))


def _found(text: str, kind: str, choices: Sequence[str]) -> list[Named]:
    if kind == "letter":
        return _letters(text, choices, _MARKED)
    if kind == "option":
        texts = {bare(choice): choice for choice in choices}
        return [named._replace(choice=texts[named.choice]) for named in _phrases(text, list(texts))]
    return _yes_no(text)


def _letters(text: str, choices: Sequence[str], pattern: re.Pattern[str]) -> list[Named]:
    """Choices by their texts, and letters that stand alone in one of the ways of a pattern or of `_MARKED`."""
    texts = [bare(choice) for choice in choices]
    found = [named._replace(choice=_letter(texts.index(named.choice))) for named in _phrases(text, texts)]
    taken = sorted(found)
    at = 0
    for match in sorted([*_MARKED.finditer(text), *pattern.finditer(text)], key=lambda m: m.start()):
        group = match.lastindex or 1
        letter, start = match[group], match.start(group)
        if not (letter.isascii() and letter.isalpha()) or _index(letter) >= len(choices):
            continue
        if match.re is _CAPITAL and letter in "AI" and _ARTICLE.match(text, match.end()):
            continue
        while at < len(taken) and taken[at].end <= start:
            at += 1
        if at == len(taken) or start < taken[at].start:
            found.append(Named(start, start + 1, letter.upper()))
    return found


def _leading_letter(text: str, choices: Sequence[str]) -> Named | None:
    """The letter with which an answer begins: ``B``, ``b``, ``(b)``, ``B: text``, but not the article in ``A dog``."""
    match = _LEADING.match(text)
    if match is None or _index(match[1]) >= len(choices):
        return None
    letter, between = match.groups()
    rest = text[match.end() :]
    bare_letter = not between.strip() and rest  # nothing but a space between the letter and the next word
    marked = text.lstrip().lower().startswith(("option", "choice", "letter", "the "))
    own = whole_words(bare(choices[_index(letter)])).match(fold(rest))
    joined = re.match(r"(?:or|and|nor|because|since|is|as|not|but|so|if)\b", rest)
    article = letter in "AaIi" and not own and not joined
    if bare_letter and not marked and (article or (letter.islower() and not own)):
        return None
    return Named(match.start(1), match.end(1), letter.upper())


def _opening_letter(text: str, choices: Sequence[str]) -> str | None:
    """The letter of a text that opens with it and names no other letter, as ``B. It purrs, a dog barks`` does."""
    line, *_ = text.strip().splitlines() or [""]
    leading = _leading_letter(_tidy(line), choices)
    if leading is None:
        return None
    others = {match[match.lastindex or 1] for match in _MARKED.finditer(_tidy(text))} - {leading.choice}
    return None if others else leading.choice


def _phrases(text: str, phrases: Sequence[str]) -> list[Named]:
    """Where the phrases stand, in order; one that lies inside another (``red`` in ``dark red``) is left out."""
    text = fold(text)
    found = sorted((m.start(), -m.end(), p) for p in phrases if p for m in whole_words(p).finditer(text))
    kept: list[Named] = []
    for start, end, phrase in found:
        if not kept or -end > kept[-1].end:
            kept.append(Named(start, -end, phrase))
    return kept


def _yes_no(text: str) -> list[Named]:
    said = []
    for match in _YES_NO.finditer(fold(text)):
        agreed = bool(match["true"]) != bool(match["denied"]) if match["true"] or match["false"] else bool(match["yes"])
        said.append(Named(match.start(), match.end(), "yes" if agreed else "no"))
    return said


def _index(letter: str) -> int:
    return ord(letter.upper()) - ord("A")


def _letter(index: int) -> str:
    return chr(ord("A") + index)

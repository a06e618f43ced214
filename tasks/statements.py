"""Where a plain text states its answer: ``The answer is X``, ``Answer: X``, ``#### X``, ``X is the correct option``.

A statement reaches to the end of its sentence or line, or to the next statement; where its line is empty, a short line
below it counts. Talk about an answer (``The answer is correct because ...``) and forms to fill in (``The answer is
...``) state nothing. The text is gone through once, whatever it repeats.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

SHORT_LINE = 4  # words

_SUBJECT = (
    r"(?:\b(?:answers?|ans)\b\.?(?: (?:to|for) [^.:\n]{1,60}?)?(?: ?\([^()\n]{0,60}\))?(?:, (?:then|therefore|thus),)?"
    r"|\b(?:correct|right|best) (?:choice|option)s?\b)"
)
_VERB = (
    r"(?:is|are|was|were|would be|will be|must be|should be|has to be|comes to|equals|isn't|wasn't|aren't"
    r"|(?:cannot|can't|could not|couldn't|won't|wouldn't|must not|mustn't) be)\b"
)
_FORWARD = rf"{_SUBJECT}(?P<verb>(?:\s{{0,3}}(?:\b{_VERB}|[:=]))+)|####|\b(?P<asked>answer\?)"
_BACKWARD = (
    r"\b(?:is|are|was|would be|must be) (?:the |my |our )?(?:(?:final|correct|right|best|only) ){0,2}"
    rf"(?:answer|choice|option)s?\b(?! ?(?:\({{0,1}}[^()\n]{{0,60}}\) ?)?(?:{_VERB}|[:=?]))"
)
_STATEMENT = re.compile(rf"(?:{_FORWARD})|(?P<backward>{_BACKWARD})", re.IGNORECASE)
_DENYING = re.compile(r"n't\b|\bnot\b", re.IGNORECASE)
_DENIAL = re.compile(r"(?:not|never|neither)\b(?! only\b)", re.IGNORECASE)
_CORRECTION = re.compile(r"\b(?:but|rather|instead|it is|it's)\b:?", re.IGNORECASE)
_TALK = re.compile(r"(?:correct|incorrect|right|wrong|found|obtained|calculated|the same)\b", re.IGNORECASE)
_FILLER = re.compile(r"(?:[ :=]|(?:therefore|thus|then|hence|indeed|simply|clearly|actually|again|also)\b,?)+", re.I)
_BULLET = re.compile(r"[-•] +")
_NOTHING = " .,:;$_-…?\"'“”‘’()[]"
_SENTENCE_END = re.compile(r"(?<!\bMr)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bMrs)(?<!\bRs)(?<!\bapprox)[.!?](?=\s|$)|\n")
_CLAUSE_END = re.compile(r"[,;:](?= )|\b(?:so|thus|therefore|hence|then|that|because|since)\b,?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a statement says.

    Attributes:
        text: of the answer; of ``not A but B`` what is said instead.
        denies: whether the text is what the answer is not.
        talk: whether the text may be about the answer rather than be it ("correct", "found by ..."). Whoever knows the
            choices knows whether ``right`` is one.
        backward: whether the text stands before ``is the answer``, where any other thing may stand.
    """

    text: str
    denies: bool = False
    talk: bool = False
    backward: bool = False


def statements(text: str) -> list[Statement]:
    """The statements of a plain text that say anything, in order."""
    found = list(_STATEMENT.finditer(text))
    limits = [*(match.start() for match in found[1:]), len(text)]
    behind = 0
    said: list[Statement] = []
    for match, limit in zip(found, limits, strict=False):
        if match["backward"]:
            statement = _backward(text[max(behind, match.start() - 120) : match.start()])
        else:
            statement = _forward(text, match, limit)
        behind = match.end()
        if statement is not None:
            said.append(statement)
    return said


def sentence_ends(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text end, and where the next ones begin."""
    return ((end.start(), end.end()) for end in _SENTENCE_END.finditer(text))


def _forward(text: str, match: re.Match[str], limit: int) -> Statement | None:
    begin = _skip(text, match.end(), limit)
    end = _line_end(text, begin, limit)
    if not text[begin:end].strip(_NOTHING) and end < limit:
        begin = _next_line(text, end, limit)
        end = _line_end(text, begin, limit)
        if len(text[begin:end].split()) > SHORT_LINE or (end == limit < len(text) and text[end] != "\n"):
            return None  # a heading, or another statement
        bullet = _BULLET.match(text, begin, end)
        begin = _skip(text, bullet.end() if bullet else begin, end)
    if sentence := _SENTENCE_END.search(text, begin, end):
        if match["asked"] and text[sentence.start()] == "?":
            return None
        end = sentence.start()
    stated = text[begin:end].strip()
    if match["asked"] and len(stated.split()) > SHORT_LINE:
        return None
    if not stated.strip(_NOTHING):
        return None
    denies = bool(_DENYING.search(match["verb"] or ""))
    if denies or _DENIAL.match(stated):
        _, *corrected = _CORRECTION.split(stated)
        if not corrected or not corrected[-1].strip(_NOTHING):
            return Statement(text=stated if denies else _DENIAL.sub("", stated, count=1).strip(), denies=True)
        return Statement(text=corrected[-1].strip())
    return Statement(text=stated, talk=bool(_TALK.match(stated)))


def _backward(before: str) -> Statement | None:
    """The clause in which ``B is the answer`` names B."""
    begin = max((end for _, end in sentence_ends(before)), default=0)
    clause = _CLAUSE_END.split(before[begin:])[-1].strip()
    return Statement(text=clause, backward=True) if clause.strip(_NOTHING) else None


def _skip(text: str, begin: int, limit: int) -> int:
    filler = _FILLER.match(text, begin, limit)
    return filler.end() if filler else begin


def _line_end(text: str, begin: int, limit: int) -> int:
    end = text.find("\n", begin, limit)
    return limit if end < 0 else end


def _next_line(text: str, begin: int, limit: int) -> int:
    while begin < limit and text[begin].isspace():
        begin += 1
    return begin

r"""Turns what a model typeset (LaTeX, Markdown, tags) into plain text, in one pass and in time linear in its length.

    \boxed{3\frac{1}{2}}        an answer statement: 3 1/2
    <answer>42</answer>         an answer statement: 42
    $1.5 \times 10^{3}$         1.5 × 10^3
    **12** <b>apples</b>        12 apples

Nested groups are kept on a stack, and the pieces are joined once: neither the depth of braces nor a box that is never
closed costs more than its characters.
"""

import re
import unicodedata
from dataclasses import dataclass, field

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}]|[^\\{}]+|\\", re.DOTALL)
_SHOWN = ("text", "mathrm", "mathbf", "mathit", "textbf", "textit", "mbox", "emph", "textrm", "textsf", "operatorname")
_BOXES = ("boxed", "fbox")
_FRACTIONS = ("frac", "dfrac", "tfrac", "cfrac")
_COMMANDS = {
    **{"times": "×", "cdot": "·", "div": "÷", "dots": "...", "ldots": "...", "cdots": "...", "approx": "≈"},
    "pi": "π",
    **{"left": "", "right": "", "big": "", "Big": "", "displaystyle": "", "quad": " ", "qquad": " ", "degree": "°"},
}
_ESCAPED = {
    **dict.fromkeys(",;:!", ""),
    **{sign: sign for sign in "$%&#_{}"},
    **dict.fromkeys("()[] ", " "),
}
_LESS = re.compile(r"[0-9]-$")  # a minus, not the hyphen of a mixed number
_SIMPLE = re.compile(r"-?[\w.,]*")
_FEW = 6  # pieces of a group that needs no brackets

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9_-]{0,20})(?:\s[^<>]*)?/?>")
_ANSWER_TAGS = ("answer", "final_answer", "final-answer", "finalanswer")
_BLOCK_TAGS = ("br", "p", "div", "li", "ul", "ol", "center", "h1", "h2", "h3", "h4", "h5", "h6")
_INLINE_TAGS = ("b", "i", "em", "strong", "u", "span", "code", "mark", "small", "sub", "font", "math", "tt")

_POWER_STARS = re.compile(r"(?<=[\d)])\*\*(?=-?\d)")
_TIMES_STAR = re.compile(r"(?<=[\d)]) ?\*(?!\*) ?(?=[\d($])")
_STARS = re.compile(r"[*`]+")
_UNDERSCORES = re.compile(r"_+")
_SUPERSCRIPTS = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+")
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SPACES = str.maketrans(dict.fromkeys("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}\N{FIGURE SPACE}", " "))
_MINUS = re.compile(r"(?<=[0-9])−(?=[0-9]+ ?[/⁄∕])")  # where a hyphen would make a mixed number
_SIGNS = str.maketrans({"−": "-", "–": "-", "‒": "-", "－": "-", "⁄": "/", "∕": "/", "∗": "*"})


def plain(text: str) -> str:
    """The text without LaTeX, Markdown and tags; what is boxed or tagged as the answer becomes a statement of its own.

    Signs come out as ASCII where they have a twin there: digits of other scripts, ``−``, ``½`` (as ``1/2``), ``10³``
    (as ``10^3``), spaces that do not break.
    """
    text = _MINUS.sub(" - ", _ascii_signs(_without_tags(text))).translate(_SIGNS)
    if "\\" in text or "{" in text:
        text = _without_latex(text)
    text = text.replace("$$", " ")
    if "*" in text or "`" in text:
        text = _STARS.sub("", _TIMES_STAR.sub(" × ", _POWER_STARS.sub("^", text)))
    return _UNDERSCORES.sub(_inside_word, text) if "_" in text else text


def _inside_word(match: re.Match[str]) -> str:
    """Underscores within a word or a number (`1_000`) stay; those around one are emphasis."""
    before, after = match.string[: match.start()][-1:], match.string[match.end() : match.end() + 1]
    return match[0] if before.isalnum() and after.isalnum() else ""


def _without_tags(text: str) -> str:
    return _TAG.sub(_tag, text) if "<" in text else text


def _tag(match: re.Match[str]) -> str:
    closing, name = match[1], match[2].lower()
    if name in _ANSWER_TAGS:
        return "\n" if closing else "\nanswer: "
    if name == "sup":
        return "" if closing else "^"
    if name in _BLOCK_TAGS:
        return "\n"
    return "" if name in _INLINE_TAGS else match[0]


def _ascii_signs(text: str) -> str:
    if text.isascii():
        return text
    text = _SUPERSCRIPTS.sub(lambda m: "^" + m[0].translate(_RAISED), text.translate(_SPACES))
    return "".join(map(_ascii_sign, "\0" + text, text))


def _ascii_sign(before: str, sign: str) -> str:
    if sign.isascii():
        return sign
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    if unicodedata.category(sign) == "No" and "⁄" in (fraction := unicodedata.normalize("NFKC", sign)):
        return (" " if before.isdecimal() else "") + fraction.replace("⁄", "/")
    return sign


@dataclass
class _Group:
    """An open brace: what it belongs to, and where its pieces begin."""

    kind: str  # "brace", "shown", "boxed" or "argument"
    begin: int


@dataclass
class _Fraction:
    """A fraction that lacks arguments; `depth` is that of the groups around it."""

    depth: int
    arguments: int = 0


@dataclass
class _Pass:
    pieces: list[str] = field(default_factory=list)
    groups: list[_Group] = field(default_factory=list)
    fractions: list[_Fraction] = field(default_factory=list)
    last: str = ""  # character

    def add(self, piece: str) -> None:
        self.pieces.append(piece)
        self.last = piece[-1:] or self.last

    def wants_argument(self) -> bool:
        return bool(self.fractions) and self.fractions[-1].depth == len(self.groups)

    def argument_done(self) -> None:
        self.fractions[-1].arguments += 1
        if self.fractions[-1].arguments == 2:
            self.fractions.pop()
        else:
            self.add("/")

    def open(self, kind: str) -> None:
        self.groups.append(_Group(kind, len(self.pieces)))
        self.add("\nanswer: " if kind == "boxed" else "")

    def close(self) -> None:
        if not self.groups:
            return
        group = self.groups.pop()
        while self.fractions and self.fractions[-1].depth > len(self.groups):
            self.fractions.pop()  # never got its arguments
        if group.kind == "boxed":
            self.add("\n")
        elif group.kind in ("brace", "argument"):
            few = len(self.pieces) - group.begin <= _FEW
            simple = few and _SIMPLE.fullmatch("".join(self.pieces[group.begin + 1 :])) is not None
            if group.kind == "argument":
                if not simple:
                    self.pieces[group.begin] = "("
                    self.add(")")
                self.argument_done()
            elif not simple:
                raised = group.begin > 0 and self.pieces[group.begin - 1].endswith("^")
                self.pieces[group.begin] = "(" if raised else "{"
                self.add(")" if raised else "}")


def _without_latex(text: str) -> str:
    found = _Pass()
    wanted = ""  # the kind of group that a command has announced
    for match in _TOKEN.finditer(text):
        token = match[0]
        kind, wanted = wanted, ""
        if token == "{":
            argument = not kind and found.wants_argument()
            found.open(kind or ("argument" if argument else "brace"))
        elif token == "}":
            found.close()
        elif token.startswith("\\") and len(token) > 1:
            wanted = _command(token[1:], found)
        else:
            if kind and not token.strip():
                wanted = kind  # \text {B}
            _text(token, found)
    return "".join(found.pieces)


def _command(name: str, found: _Pass) -> str:
    """Writes what a command stands for; says which kind of group it opens."""
    if name in _SHOWN:
        return "shown"
    if name in _BOXES:
        return "boxed"
    if name in _FRACTIONS:
        if found.last.isdecimal() or _LESS.search(found.pieces[-1] if found.pieces else ""):
            found.add(" ")
        found.fractions.append(_Fraction(len(found.groups)))
    elif len(name) == 1 and not name.isalpha():
        found.add(_ESCAPED.get(name, "\\" + name))
    else:
        found.add(_COMMANDS.get(name, "\\" + name))
    return ""


def _text(token: str, found: _Pass) -> None:
    """Text between commands and braces, from which a fraction without braces takes its arguments."""
    at = 0
    while found.wants_argument():
        while at < len(token) and token[at] == " ":
            at += 1
        if at == len(token):
            return
        if not token[at].isalnum():
            found.fractions.pop()
            break
        found.add(token[at])
        found.argument_done()
        at += 1
    found.add(token[at:])

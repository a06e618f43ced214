"""Turns an answer in free text into a score between 0 and 1; one function per kind of task.

The scores are deliberately simple: they show whether a decoder keeps what the model can do. They are no substitute for
the published benchmarks of a skill.
"""

import ast
import re
import textwrap
import warnings
from collections import Counter
from collections.abc import Iterable

from offbook.tasks.plain_text import normalise, whole_words
from offbook.tasks.prompts import sandbox
from offbook.tasks.prompts.hidden_tests import passes

_FENCE = re.compile(r"```[^\n`]*\n(.*?)(```|\Z)", re.DOTALL)
_CODE_START = re.compile(r"^(?:(?:async def|def|class|from|import) |@)", re.MULTILINE)


def answered(answer: str) -> bool:
    """Say whether there is any text at all."""
    return bool(answer.strip())


def contains_any(answer: str, accepted: Iterable[str]) -> bool:
    """Say whether the answer contains one of the accepted strings as whole words, ignoring case and markup.

    ``six`` is not found in ``sixty`` or ``twenty-six``, nor ``13`` in ``13.5`` or ``1,134``.
    """
    text = normalise(answer)
    return any(whole_words(normalise(gold)).search(text) for gold in accepted)


def defining_code(answer: str, name: str) -> str | None:
    """The Python of an answer that defines the function `name`, or None; nothing is executed.

    The code is taken from fenced blocks, the first that defines it, or else from the first line that looks like code.
    A closed block must parse as a whole. Where the answer was cut off by the token limit, or prose follows unfenced
    code, the longest beginning that parses counts, provided that the function has more in its body than a docstring.
    """
    blocks = [(match[1], match[2] == "```") for match in _FENCE.finditer(answer)]
    if not blocks:
        start = _CODE_START.search(answer)
        blocks = [(answer[start.start() :], False)] if start else []
    found = (_parsed(code, whole) for code, whole in blocks)
    return next((source for source, functions in found if name in functions), None)


def works(answer: str, name: str) -> bool | None:
    """Say whether the answer's function gives what it must, by running it; None where it cannot be run safely.

    Also None for code that defines nothing then, which needs no running to be wrong: else the answers that are scored
    would be the wrong ones only.

    Raises:
        KeyError: there are no hidden tests for a function of this name.
    """
    if sandbox.unavailable():
        return None
    source = defining_code(answer, name)
    try:
        return source is not None and passes(source, name)
    except sandbox.NotSandboxedError:
        return None


def rouge1(answer: str, reference: str) -> float:
    """Return the F1 of overlapping words: the harmonic mean of their share in the answer and in the reference.

    ROUGE-1 of Lin (2004), lower-cased and without stemming.
    """
    ours, theirs = (Counter(re.findall(r"\w+", text.lower())) for text in (answer, reference))
    overlap = (ours & theirs).total()
    return 2 * overlap / (ours.total() + theirs.total()) if overlap else 0.0


def _parsed(code: str, whole: bool) -> tuple[str, set[str]]:
    """The code, or its longest beginning that parses, and its top-level functions that have a real body."""
    lines = textwrap.dedent(code).splitlines()
    end = len(lines)
    while end > 0:
        source = "\n".join(lines[:end])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a model's invalid escapes are its own affair
                tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            if whole:
                return "", set()
            at = error.lineno if isinstance(error, SyntaxError) else None
            end = min(end - 1, at or end)  # what holds the line of the error whole cannot parse either
            continue
        return source, {
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _only_docstring(node)
        }
    return "", set()


def _only_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return len(node.body) == 1 and ast.get_docstring(node) is not None

"""Questions of a file, and the rationales that others wrote for them, as a corpus.

One JSON object a line:

    {"id": "q1", "question": "...", "answer": "B", "choices": ["...", "..."], "licence": "MIT",
     "rationales": [{"perspective": "forward", "source": "human", "text": "...", "consistent": true}, ...]}

Choices, rationales, licence and consistent may be missing; other fields are ignored. Where several sources share a
perspective, each is one of its own ("forward, human"), so that a perspective stays one way of writing.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from offbook.engine.complaints import complaint
from offbook.engine.quoting import quoted
from offbook.engine.students.corpus import Corpus, Question, Rationale
from offbook.engine.text import read_json_lines
from offbook.tasks.rationales.synthesis.closing import closing, reclose
from offbook.tasks.rationales.synthesis.mistake import as_mistake
from offbook.tasks.rationales.synthesis.questions import Asked, kind_of

UNSTATED = "unstated"
_LABEL = re.compile(r"^\s*<[A-Za-z ]+>|</[A-Za-z ]+>\s*$")  # of a teacher's output format: "<Solution Path>"
Text = Annotated[str, Field(min_length=1)]


class _Foreign(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class _Rationale(_Foreign):
    perspective: Text
    source: Text = UNSTATED
    text: str
    consistent: bool | None = None


class _Row(_Foreign):
    id: Text
    question: Text
    answer: Text
    choices: Annotated[tuple[str, ...], Field(strict=False)] = ()
    category: str = ""
    licence: Text = UNSTATED
    rationales: Annotated[tuple[_Rationale, ...], Field(strict=False)] = ()

    @property
    def asked(self) -> Asked:
        answer = self.answer.strip().removesuffix(".")
        return Asked(
            id=self.id,
            text=self.question,
            answer=answer,
            kind=kind_of(answer, self.choices),
            choices=self.choices,
            category=self.category,
        )


def load_questions(path: Path, *, limit: int | None = None) -> list[Asked]:
    """The questions of a file, from the first.

    Raises:
        ValueError: no such file, no question, an id twice, or a line that is none.
    """
    return [row.asked for row in _rows(path, limit)]


def load_rationale_rows(
    path: Path,
    *,
    sources: Collection[str] = (),
    max_perspectives: int | None = None,
    limit: int | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> Corpus:
    """The rationales of a file as a corpus, each closed by the corpus's answer line.

    Left out are those that only name the answer, further ones of the same perspective and source, and questions without
    any. One marked inconsistent is a mistake where it states another answer at its close; else it is left out too.
    One that nobody checked is left out where it states another answer at its close.

    Args:
        path: the file.
        sources: who may have written a rationale; empty is everyone.
        max_perspectives: how many perspectives to keep, those with the most rationales; by default all.
        limit: how many questions to read, from the first; by default all.
        say: is told how many rationales that nobody checked were left out.

    Raises:
        ValueError: as `load_questions`, or no rationale is left.
        SuiteUnavailableError: a mistake or an unchecked answer in LaTeX, and math-verify is not installed.
    """
    rows = _rows(path, limit)
    writers: dict[str, set[str]] = {}
    for r in (r for row in rows for r in row.rationales if _usable(r, sources)):
        writers.setdefault(r.perspective, set()).add(r.source)

    closed: dict[str, list[Rationale]] = {}
    mistaken: dict[str, list[Rationale]] = {}
    contradicting = 0
    for row in rows:
        right: dict[str, Rationale] = {}
        wrong: dict[str, Rationale] = {}
        for r in row.rationales:
            if r.source not in (known := writers.get(r.perspective, ())):
                continue
            name = r.perspective if len(known) == 1 else f"{r.perspective}, {r.source}"
            found, text = wrong if r.consistent is False else right, _LABEL.sub("", r.text)
            if name in found:
                continue
            if r.consistent is None and _contradicts(row.asked, text):
                contradicting += 1
                continue
            ending = as_mistake(row.asked, text) if r.consistent is False else reclose(text, row.asked.answer)
            if ending is not None:
                text, span = ending
                found[name] = Rationale(
                    perspective=name, text=text, answer_span=span, provenance=r.source, licence=row.licence
                )
        closed[row.id], mistaken[row.id] = list(right.values()), list(wrong.values())

    if contradicting:
        say(f"{path.name}: {contradicting} rationales left out: unchecked, they close with another answer")
    counts = Counter(r.perspective for several in closed.values() for r in several)
    kept = [name for name, _ in counts.most_common(max_perspectives)]
    questions = [
        Question(
            id=row.id,
            question=row.asked.prompt,
            answer=row.asked.answer,
            category=row.category,
            rationales=tuple(left),
            mistakes=tuple(r for r in mistaken[row.id] if r.perspective in kept),
        )
        for row in rows
        if (left := [r for r in closed[row.id] if r.perspective in kept])
    ]
    if not questions:
        msg = f"{path.name}: expected a rationale that can be used, got none; the sources asked for may be missing"
        raise ValueError(msg)
    return Corpus.of(questions, kept)


def _usable(rationale: _Rationale, sources: Collection[str]) -> bool:
    return rationale.consistent is not False and (not sources or rationale.source in sources)


def _contradicts(question: Asked, text: str) -> bool:
    """Whether a rationale states another answer than the gold one at its close."""
    stated = closing(text)
    return question.answer_in(stated) is not None and not question.is_answered_by(stated)


def _rows(path: Path, limit: int | None) -> list[_Row]:
    rows: dict[str, _Row] = {}
    for where, row in _parsed(path):
        if row.id in rows:
            msg = f"{where}: expected every id once, got {quoted(row.id)} again; rename or remove one"
            raise ValueError(msg)
        rows[row.id] = row
        if limit is not None and len(rows) == limit:
            break
    if not rows:
        msg = f"{path.name}: expected questions, one JSON object a line, got none; check that the file is whole"
        raise ValueError(msg)
    return list(rows.values())


def _parsed(path: Path) -> Iterator[tuple[str, _Row]]:
    for where, line in read_json_lines(path, what="questions in JSON Lines"):
        try:
            row = _Row.model_validate(line)
        except ValidationError as error:
            msg = f"{where}: {complaint(error, line).told('the line')}; mend the line or leave it out"
            raise ValueError(msg) from error
        yield where, row

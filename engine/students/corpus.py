"""A rationale corpus: questions, each with rationales from several perspectives, as JSON Lines.

    {"id": "q1", "question": "...", "answer": "12", "category": "shopping",
     "rationales": [{"perspective": "planning", "text": "... The answer is 12.", "answer_span": [61, 63],
                     "provenance": "procedural", "licence": "Apache-2.0"}, ...]}

Every rationale ends in the same answer line, so that an answer lies on the same tokens whichever perspective led to
it (MIND's consistency loss compares them there). A question may lack a perspective; `Corpus.path_mask` says which.

A question may also have "mistakes": rationales of the same form that close with another answer (EDIT learns from them).
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from offbook.engine.complaints import complaint
from offbook.engine.files import atomic_write_text
from offbook.engine.quoting import quoted
from offbook.engine.text import read_json_lines

ANSWER_LINE = "The answer is {answer}."
BEFORE, AFTER = ANSWER_LINE.split("{answer}")
INSTRUCTION = "{question}\n\nThink step by step, then close with a line that reads: The answer is ..."

Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Rationale(_Strict):
    """One way to the answer.

    Attributes:
        perspective: the way of thinking.
        text: the rationale with its answer line.
        answer_span: where the answer stands in `text`, first character and one past the last.
        provenance: who wrote it (a teacher's name, a data set).
        licence: under which it may be used.
    """

    perspective: Text
    text: Text
    answer_span: Annotated[tuple[int, int], Field(strict=False)]
    provenance: Text
    licence: Text


class Question(_Strict):
    """One question with its gold answer and rationales, at most one a perspective.

    `mistakes` close with another answer, at most one a perspective too; a question without any is written without them.
    """

    id: Text
    question: Text
    answer: Text
    category: str = ""
    rationales: Annotated[tuple[Rationale, ...], Field(min_length=1, strict=False)]
    mistakes: Annotated[tuple[Rationale, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for kind, rationales in (("rationale", self.rationales), ("mistake", self.mistakes)):
            repeated = [name for name, n in Counter(r.perspective for r in rationales).items() if n > 1]
            if repeated:
                msg = f"expected one {kind} a perspective, got several of {quoted(repeated[0])}"
                raise ValueError(msg)
        for r in self.rationales:
            _check_close(r, self.answer)
        for r in self.mistakes:
            answer = r.text[slice(*r.answer_span)]
            if answer.strip() in ("", self.answer.strip()):
                who = quoted(r.perspective)
                msg = f"expected the mistake {who} to close with another answer than {quoted(self.answer)}"
                raise ValueError(msg)
            _check_close(r, answer)
        return self

    @model_serializer(mode="wrap")
    def _without_empty_mistakes(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        if not self.mistakes:
            fields.pop("mistakes", None)
        return fields


@dataclass(frozen=True)
class Corpus:
    """Questions in order; K perspectives, in the order of the question with the most of them unless given.

    Perspectives that this question lacks follow as they first appear.
    """

    questions: tuple[Question, ...]
    perspectives: tuple[str, ...]

    @classmethod
    def of(cls, questions: Iterable[Question], perspectives: Sequence[str] = ()) -> "Corpus":
        """A corpus of these questions.

        Raises:
            ValueError: none, or two with one id.
        """
        questions = tuple(questions)
        if not questions:
            msg = "expected a corpus of at least one question, got an empty one; give it rationales"
            raise ValueError(msg)
        repeated = [name for name, n in Counter(q.id for q in questions).items() if n > 1]
        if repeated:
            msg = f"expected every question's id once, got {quoted(repeated[0])} several times; make ids unique"
            raise ValueError(msg)
        fullest = max(questions, key=lambda q: len(q.rationales))
        found = dict.fromkeys(r.perspective for q in (fullest, *questions) for r in q.rationales)
        return cls(questions, tuple(dict.fromkeys([*perspectives, *found])))

    def path(self, question: int, perspective: int) -> Rationale | None:
        """The rationale of a question from a perspective, by their indices; None where it is missing."""
        return self._paths[question].get(self.perspectives[perspective])

    @cached_property
    def path_mask(self) -> torch.Tensor:
        """(N, K) boolean, True where a rationale is there."""
        rows = [[name in paths for name in self.perspectives] for paths in self._paths]
        return torch.tensor(rows, dtype=torch.bool)

    @cached_property
    def _paths(self) -> list[dict[str, Rationale]]:
        return [{r.perspective: r for r in q.rationales} for q in self.questions]

    def __len__(self) -> int:
        return len(self.questions)


def close(text: str, answer: str) -> tuple[str, tuple[int, int]]:
    """A rationale's text with the answer line behind it, and the answer's span."""
    start = len(text.rstrip()) + 1 + len(BEFORE)
    return f"{text.rstrip()}\n{ANSWER_LINE.format(answer=answer)}", (start, start + len(answer))


def instruct(question: str) -> str:
    """A question as the student is asked it, in training and in the suites alike."""
    return INSTRUCTION.format(question=question)


def _check_close(rationale: Rationale, answer: str) -> None:
    """A rationale's last words are the answer line, its span on the answer."""
    line, text, (start, end) = ANSWER_LINE.format(answer=answer), rationale.text, rationale.answer_span
    if not (text.endswith(line) and end == len(text) - len(AFTER) and text[start:end] == answer):
        who = quoted(rationale.perspective)
        msg = f"expected {who} to end in {quoted(line)}, its span on the answer, got span {start}, {end}"
        raise ValueError(msg)


def load_corpus(path: Path) -> Corpus:
    """Reads a corpus.

    Raises:
        ValueError: no such file, or a line that is no question of the format above.
    """
    questions = []
    for where, line in read_json_lines(path, what="a corpus in JSON Lines"):
        try:
            questions.append(Question.model_validate(line))
        except ValidationError as error:
            msg = f"{where}: {complaint(error, line).told('the line')}; mend the line or leave it out"
            raise ValueError(msg) from error
    return Corpus.of(questions)


def save_corpus(path: Path, corpus: Corpus) -> None:
    """Writes a corpus, whole or not at all."""
    lines = [json.dumps(q.model_dump(mode="json"), ensure_ascii=False) for q in corpus.questions]
    atomic_write_text(path, "\n".join(lines) + "\n")

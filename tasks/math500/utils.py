"""MATH500: where it lies, how a row of the hub becomes a document, how it is asked, how an answer is scored."""

import datasets

from offbook.engine.students.corpus import instruct
from offbook.tasks.math500 import latex
from offbook.tasks.source import Document, Row, Source
from offbook.tasks.source import load as load_source

SOURCE = Source(
    name="MATH500",
    size=500,
    repository="HuggingFaceH4/MATH-500",
    revision="6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be",
    file="test.jsonl",
    local="test/math500.jsonl",
)


def load(**kwargs: object) -> dict[str, datasets.Dataset]:
    """The documents; lm-eval passes keywords that do not concern us."""
    latex.math_verify()  # rather now than after an hour of generating
    return load_source(SOURCE, convert)


def convert(row: Row, number: int) -> Document:
    """A document of a hub row: `unique_id` is a path such as ``test/algebra/1.json``; the solution is left out."""
    return {
        "id": "math500-" + row["unique_id"].removeprefix("test/").removesuffix(".json"),
        "question": row["problem"],
        "answer": row["answer"],
    }


def ask(doc: Document) -> str:
    """The prompt."""
    return instruct(doc["question"])


def score(doc: Document, results: list[str]) -> dict[str, float]:
    """Whether the final answer equals the reference."""
    answer = latex.extract(results[0])
    return {"exact_match": float(answer is not None and latex.equal(answer, doc["answer"]))}

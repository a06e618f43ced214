"""SVAMP: where it lies, how a row of the hub becomes a document, how a document is asked, how an answer is scored."""

import datasets

from offbook.engine.students.corpus import instruct
from offbook.tasks import answers
from offbook.tasks.source import Document, Row, Source
from offbook.tasks.source import load as load_source

SOURCE = Source(
    name="SVAMP",
    size=300,
    repository="ChilleD/SVAMP",
    revision="5e0bf1e5e7c0e9c4bc39180d224f41f3f801b7ef",
    file="data/test-00000-of-00001.parquet",
    local="test/svamp_test.jsonl",
)


def load(**kwargs: object) -> dict[str, datasets.Dataset]:
    """The documents; lm-eval passes keywords that do not concern us."""
    return load_source(SOURCE, convert)


def convert(row: Row, number: int) -> Document:
    """A document of a hub row: the story in `Body`, which may lack its full stop, and the `Question` about it."""
    body, answer = row["Body"].strip(), float(row["Answer"])
    stop = "" if body.endswith((".", "!", "?")) else "."
    return {
        "id": f"svamp-{row['ID']}",
        "question": f"{body}{stop} {row['Question'].strip()}",
        "answer": str(int(answer)) if answer.is_integer() else str(answer),
    }


def ask(doc: Document) -> str:
    """The prompt."""
    return instruct(doc["question"])


def score(doc: Document, results: list[str]) -> dict[str, float]:
    """Whether the final number is the reference."""
    return {"exact_match": answers.score(results[0], doc["answer"], "number")}

"""OpenBookQA: where it lies, how a row of the hub becomes a document, how it is asked, how an answer is scored."""

import datasets

from offbook.engine.students.corpus import instruct
from offbook.tasks import answers
from offbook.tasks.lettered import with_options
from offbook.tasks.source import Document, Row, Source
from offbook.tasks.source import load as load_source

SOURCE = Source(
    name="OpenBookQA",
    size=500,
    repository="allenai/openbookqa",
    revision="388097ea7776314e93a529163e0fea805b8a6454",
    file="main/test-00000-of-00001.parquet",
    local="test/openbookqa_test.jsonl",
    n_choices=4,
)


def load(**kwargs: object) -> dict[str, datasets.Dataset]:
    """The documents; lm-eval passes keywords that do not concern us."""
    return load_source(SOURCE, convert)


def convert(row: Row, number: int) -> Document:
    """A document of a hub row: `choices` holds the lists `label` (A to D) and `text`."""
    return {
        "id": f"obqa-test-{row['id']}",
        "question": row["question_stem"],
        "answer": row["answerKey"].strip(),
        "choices": list(row["choices"]["text"]),
    }


def ask(doc: Document) -> str:
    """The prompt."""
    return instruct(with_options(doc["question"], doc["choices"]))


def score(doc: Document, results: list[str]) -> dict[str, float]:
    """Whether the final letter, or the option it stands for, is the reference."""
    return {"acc": answers.score(results[0], doc["answer"], "letter", doc["choices"])}

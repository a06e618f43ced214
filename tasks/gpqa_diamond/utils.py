"""GPQA-Diamond: where it lies, how a row of the hub becomes a document, how it is asked, how an answer is scored."""

from random import Random

import datasets

from offbook.engine.students.corpus import instruct
from offbook.tasks import answers
from offbook.tasks.lettered import with_options
from offbook.tasks.source import Document, Row, Source
from offbook.tasks.source import load as load_source

SOURCE = Source(
    name="GPQA-Diamond",
    size=198,
    repository="Idavidrein/gpqa",
    revision="633f5ee89ab8ad4522a9f850766b73f62147ffdd",
    file="gpqa_diamond.csv",
    local="test/gpqa_diamond.jsonl",
    n_choices=4,
)
COLUMNS = ("Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3")


def load(**kwargs: object) -> dict[str, datasets.Dataset]:
    """The documents; lm-eval passes keywords that do not concern us."""
    return load_source(SOURCE, convert)


def convert(row: Row, number: int) -> Document:
    """A document of a hub row: the right and three wrong answers, in an order that its `Record ID` alone decides."""
    choices = [row[column].strip() for column in COLUMNS]
    order = [0, 1, 2, 3]
    Random(f"offbook/gpqa_diamond/{row['Record ID']}").shuffle(order)
    return {
        "id": f"gpqa-{row['Record ID']}",
        "question": row["Question"].strip(),
        "answer": "ABCD"[order.index(0)],
        "choices": [choices[place] for place in order],
    }


def ask(doc: Document) -> str:
    """The prompt."""
    return instruct(with_options(doc["question"], doc["choices"]))


def score(doc: Document, results: list[str]) -> dict[str, float]:
    """Whether the final letter, or the option it stands for, is the reference."""
    return {"acc": answers.score(results[0], doc["answer"], "letter", doc["choices"])}

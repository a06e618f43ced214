"""CommonsenseQA: where it lies, how a row of the hub becomes a document, how it is asked, how an answer is scored."""

import datasets

from offbook.engine.students.corpus import instruct
from offbook.tasks import answers
from offbook.tasks.lettered import with_options
from offbook.tasks.source import Document, Row, Source
from offbook.tasks.source import load as load_source

SOURCE = Source(
    name="CommonsenseQA",
    size=1221,
    repository="tau/commonsense_qa",
    revision="94630fe30dad47192a8546eb75f094926d47e155",
    file="data/validation-00000-of-00001.parquet",
    local="test/commonsenseqa_dev.jsonl",
    n_choices=5,
)


def load(**kwargs: object) -> dict[str, datasets.Dataset]:
    """The documents; lm-eval passes keywords that do not concern us."""
    return load_source(SOURCE, convert)


def convert(row: Row, number: int) -> Document:
    """A document of a hub row: `choices` holds the lists `label` (A to E) and `text`."""
    return {
        "id": f"csqa-dev-{row['id']}",
        "question": row["question"],
        "answer": row["answerKey"],
        "choices": list(row["choices"]["text"]),
    }


def ask(doc: Document) -> str:
    """The prompt."""
    return instruct(with_options(doc["question"], doc["choices"]))


def score(doc: Document, results: list[str]) -> dict[str, float]:
    """Whether the final letter, or the option it stands for, is the reference."""
    return {"acc": answers.score(results[0], doc["answer"], "letter", doc["choices"])}

"""GSM8K: where it lies, how a row of the hub becomes a document, how a document is asked, how an answer is scored."""

import datasets

from offbook.engine.students.corpus import instruct
from offbook.tasks import answers
from offbook.tasks.source import Document, Row, Source
from offbook.tasks.source import load as load_source

SOURCE = Source(
    name="GSM8K",
    size=1319,
    repository="openai/gsm8k",
    revision="740312add88f781978c0658806c59bc2815b9866",
    file="main/test-00000-of-00001.parquet",
    local="test/gsm8k_test.jsonl",
)


def load(**kwargs: object) -> dict[str, datasets.Dataset]:
    """The documents; lm-eval passes keywords that do not concern us."""
    return load_source(SOURCE, convert)


def convert(row: Row, number: int) -> Document:
    """A document of a hub row: `question`, and `answer`, whose last line is ``#### 1,200``."""
    return {
        "id": f"gsm8k-test-{number}",
        "question": row["question"],
        "answer": row["answer"].rpartition("####")[2].strip().replace(",", ""),
    }


def ask(doc: Document) -> str:
    """The prompt."""
    return instruct(doc["question"])


def score(doc: Document, results: list[str]) -> dict[str, float]:
    """Whether the final number is the reference."""
    return {"exact_match": answers.score(results[0], doc["answer"], "number")}

"""StrategyQA: where it lies, how a row of the hub becomes a document, how it is asked, how an answer is scored."""

import datasets

from offbook.engine.students.corpus import instruct
from offbook.tasks import answers
from offbook.tasks.source import Document, Row, Source
from offbook.tasks.source import load as load_source

SOURCE = Source(
    name="StrategyQA",
    size=2290,
    repository="voidful/StrategyQA",
    revision="2279eaf9f2580aef77ed6fa0efd7846c381ab5a0",
    file="strategyqa_train.json",
    local="test/strategyqa_test.jsonl",
)


def load(**kwargs: object) -> dict[str, datasets.Dataset]:
    """The documents; lm-eval passes keywords that do not concern us."""
    return load_source(SOURCE, convert)


def convert(row: Row, number: int) -> Document:
    """A document of a hub row: `answer` is true or false; facts, decomposition and evidence are left out."""
    return {
        "id": f"strategyqa-{row['qid']}",
        "question": row["question"],
        "answer": "yes" if row["answer"] else "no",
    }


def ask(doc: Document) -> str:
    """The prompt."""
    return instruct(doc["question"])


def score(doc: Document, results: list[str]) -> dict[str, float]:
    """Whether the final yes or no is the reference."""
    return {"acc": answers.score(results[0], doc["answer"], "yes_no")}

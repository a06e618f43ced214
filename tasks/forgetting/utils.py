"""What the YAML files beside this module refer to: the loader, the prompt and the score of every task."""

import datasets

from offbook.tasks.forgetting import documents
from offbook.tasks.forgetting.documents import Document

SPLITS = ("dev", "test")


def load(family: str, wording: str, **kwargs: object) -> dict[str, datasets.Dataset]:
    """The documents that a task's metadata name; lm-eval's other keywords do not concern us."""
    return {split: datasets.Dataset.from_list(documents.documents(family, wording, split)) for split in SPLITS}


def ask(doc: Document) -> str:
    """The prompt."""
    return documents.prompt(doc)


def score(doc: Document, results: list[str]) -> dict[str, float]:
    """Whether the final answer is the right one."""
    return {"acc": documents.score(doc, results[0])}

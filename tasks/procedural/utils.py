"""What the YAML files beside this module refer to: the loader, the prompt and the score of every family."""

import datasets

from offbook.engine.students.corpus import instruct
from offbook.tasks.procedural import documents
from offbook.tasks.procedural.documents import Document

SPLITS = ("dev", "test")


def load(family: str, steps: int | None = None, **kwargs: object) -> dict[str, datasets.Dataset]:
    """The documents of the family and steps named in a task's metadata; other keywords do not concern us."""
    return {split: datasets.Dataset.from_list(documents.documents(family, split, steps=steps)) for split in SPLITS}


def ask(doc: Document) -> str:
    """The prompt, worded as in training."""
    return instruct(doc["question"])


def score(doc: Document, results: list[str]) -> dict[str, float]:
    """Whether the final answer is the right one."""
    return {"acc": documents.score(doc, results[0])}

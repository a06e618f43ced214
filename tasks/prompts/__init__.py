"""The prompt sets shipped with offbook: six categories, a test split to measure on and a disjoint training split.

The rows lie in ``data/test.jsonl`` and ``data/train.jsonl`` and are written by `offbook.tasks.prompts.generate`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from offbook.engine.quoting import quoted

CATEGORIES = ("chat", "maths", "code", "summarisation", "qa", "extraction")
SPLITS = ("test", "train")
DATA_PATH = Path(__file__).resolve().parent / "data"
# What a suite says before its prompts. Left alone, the embedded model repeats itself for ever at four of ten open
# requests, and decoders would be measured on that.
BEFORE = {"chat": "Answer concisely, in a few sentences. "}


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One prompt; `answer` is the reference, or the empty string where there is none."""

    id: str
    category: str
    split: str
    prompt: str
    answer: str

    @property
    def asked(self) -> str:
        """The prompt as its suite asks it."""
        return BEFORE.get(self.category, "") + self.prompt


def load_prompts(split: str, category: str | None = None) -> list[Prompt]:
    """Return the prompts of a split, of one category or of all six, in file order.

    Raises ValueError for an unknown split or category.
    """
    if split not in SPLITS:
        message = f"split must be one of {', '.join(SPLITS)}; got {quoted(split)}; pass one of these"
        raise ValueError(message)
    if category is not None and category not in CATEGORIES:
        message = f"category must be one of {', '.join(CATEGORIES)}; got {quoted(category)}; pass one of these or None"
        raise ValueError(message)
    lines = (DATA_PATH / f"{split}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [
        Prompt(**{field: row[field] for field in ("id", "category", "split", "prompt", "answer")})
        for row in rows
        if category is None or row["category"] == category
    ]

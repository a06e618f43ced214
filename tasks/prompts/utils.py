"""What the YAML files beside this module refer to: one loader and one scorer per category.

lm-eval calls a loader with its own keywords (metadata, model arguments), which do not concern us, and a scorer with one
document and the list of answers to it.
"""

import json
from collections.abc import Callable
from typing import Any

import datasets

from offbook.tasks import answers
from offbook.tasks.prompts import BEFORE, DATA_PATH
from offbook.tasks.prompts.scoring import answered, contains_any, defining_code, rouge1, works

Document = dict[str, Any]


def _loader(category: str) -> Callable[..., dict[str, datasets.Dataset]]:
    def load(**kwargs: object) -> dict[str, datasets.Dataset]:
        lines = (DATA_PATH / "test.jsonl").read_text(encoding="utf-8").splitlines()
        rows = [row for row in map(json.loads, lines) if row["category"] == category]
        return {"test": datasets.Dataset.from_list(rows)}

    return load


load_chat = _loader("chat")
load_maths = _loader("maths")
load_code = _loader("code")
load_summarisation = _loader("summarisation")
load_qa = _loader("qa")
load_extraction = _loader("extraction")


def ask_chat(doc: Document) -> str:
    """An open request, kept short."""
    return BEFORE["chat"] + str(doc["prompt"])


def score_chat(doc: Document, results: list[str]) -> dict[str, float]:
    """Open requests have no right answer; report only that there is one."""
    return {"answered": float(answered(results[0]))}


def score_maths(doc: Document, results: list[str]) -> dict[str, float]:
    """The number that the answer states, or else its last one, must equal the reference."""
    return {"acc": answers.score(results[0], doc["answer"], "number")}


def score_code(doc: Document, results: list[str]) -> dict[str, float]:
    """`acc`: the function asked for passes its hidden tests; left out where code cannot be run safely.

    `defined`: the answer parses as Python and defines a function of that name, which says nothing of what it does.
    """
    name = doc["check"]["function"]
    right = works(results[0], name)
    return ({} if right is None else {"acc": float(right)}) | {
        "defined": float(defining_code(results[0], name) is not None)
    }


def score_summarisation(doc: Document, results: list[str]) -> dict[str, float]:
    """Overlap of words with the reference summary."""
    return {"rouge1": rouge1(results[0], doc["answer"])}


def score_accepted(doc: Document, results: list[str]) -> dict[str, float]:
    """The answer must contain one of the accepted strings (question answering and extraction)."""
    return {"acc": float(contains_any(results[0], doc["check"]["accept"]))}

"""The forgetting suite as documents, and the score of an answer: what the lm-eval tasks ask, callable from Python.

A document is a question in one of two wordings: `instructed`, as students are trained to be asked, and `plain`, as
anybody might ask. Both wordings of a question have one id and one story.

| field | holds |
| --- | --- |
| `id`, `question`, `answer`, `kind` | as in the other suites; the question is without the wording around it |
| `choices`, `right` | four answers of one kind, and the place of the right one |
| `listed` | whether the question names its choices; where not, guessing gets nothing |
| `wording` | one of `WORDINGS` |
| `family`, `use` | the kind of question; "replay" where training may replay it, "read" where forgetting is read on it |
| `story`, `cluster` | what it is about, within its family and with it |

The tasks evaluate the split test. Dev is for turning the knobs of `difficulty.py`; train, which only the families for
replay have, is for training.
"""

from typing import Any

from offbook.engine.quoting import quoted
from offbook.engine.students.corpus import instruct
from offbook.tasks import answers
from offbook.tasks.forgetting.families import FAMILIES
from offbook.tasks.forgetting.generate import questions

WORDINGS = ("instructed", "plain")
PLAIN = "{question}\n\nAnswer in a word or two."
KIND = "option"
REPLAY = tuple(name for name, family in FAMILIES.items() if family.use == "replay")
READ = tuple(name for name, family in FAMILIES.items() if family.use == "read")

Document = dict[str, Any]


def documents(family: str, wording: str, split: str) -> list[Document]:
    """The documents of a family in a wording.

    Raises:
        ValueError: an unknown family, wording or split, or a split that the family lacks.
    """
    if wording not in WORDINGS:
        msg = f"wording must be one of {', '.join(WORDINGS)}; got {quoted(wording)}; pass one of these"
        raise ValueError(msg)
    return [
        {
            "id": q.id,
            "question": q.question,
            "answer": q.answer,
            "kind": KIND,
            "choices": list(q.choices),
            "right": q.choices.index(q.answer),
            "listed": q.listed,
            "wording": wording,
            "family": family,
            "use": FAMILIES[family].use,
            "story": q.story,
            "cluster": f"{family}/{q.story}",
        }
        for q in questions(split, family)
    ]


def prompt(doc: Document) -> str:
    """A document as it is asked."""
    return instruct(doc["question"]) if doc["wording"] == "instructed" else PLAIN.format(question=doc["question"])


def score(doc: Document, text: str) -> float:
    """1 where the final answer of a text is the document's, else 0."""
    return answers.score(text, doc["answer"], doc["kind"], doc["choices"])

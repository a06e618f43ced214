"""The documents of answers that are there already: what was asked, and what would have been right."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from offbook.harness.suites.at_hand import NotAtHandError, SuitesAtHand


@dataclass(frozen=True, kw_only=True)
class Document:
    """One document of a suite.

    Attributes:
        doc: its fields, as lm-eval has them.
        target: the right answer, as the task says it.
        prompt: what is asked, without a model's chat template.
    """

    doc: Mapping[str, Any]
    target: str
    prompt: str


class DocumentsAtHand:
    """Documents by suite, each suite built once for each number of them; `missing` says why one is not at hand."""

    def __init__(self) -> None:
        self.missing: dict[str, str] = {}
        self._suites = SuitesAtHand()
        self._found: dict[tuple[str, int], Mapping[int, Document]] = {}

    def __call__(self, suite: str, hashes: Mapping[int, str]) -> Mapping[int, Document]:
        """Documents by doc_id, of which these are the hashes; none where the suite is not at hand, or has others."""
        try:
            asked = self._suites.asked(suite, hashes)
        except NotAtHandError as error:
            self.missing[suite] = str(error)
            return {}
        if (suite, len(hashes)) not in self._found:
            task = asked.suite.task()
            with asked.suite.blamed("lm-eval to give its documents"):
                docs = list(task.eval_docs)
                self._found[suite, len(hashes)] = {
                    request.doc_id: Document(
                        doc=dict(docs[request.doc_id]),
                        target=str(task.doc_to_target(docs[request.doc_id])),
                        prompt=request.prompt,
                    )
                    for request in asked.requests
                }
        return self._found[suite, len(hashes)]

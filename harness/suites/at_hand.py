"""Suites by name for answers that are there already: their documents and scorers, without a model."""

from collections.abc import Mapping, Sequence

from offbook.harness.suites.requests import Asked, ask
from offbook.harness.suites.suite import find_suites
from offbook.tasks.source import SuiteUnavailableError


class NotAtHandError(Exception):
    """Why a suite's documents cannot be had, or are others."""


class NoModel:
    """Stands in for the model where prompts are of no interest: only the documents and the scorer are."""

    name = "no model"

    def render_chat(self, messages: Sequence[Mapping[str, str]], *, add_generation_prompt: bool = True) -> str:
        """Nothing."""
        return ""


class SuitesAtHand:
    """Suites by name, each asked once for each number of documents."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, int], Asked | NotAtHandError] = {}

    def asked(self, name: str, documents: Mapping[int, str]) -> Asked:
        """The requests of a suite whose documents are these, hash by doc_id.

        Raises:
            NotAtHandError: the suite is not at hand, or its documents are others.
        """
        found = self._found(name, len(documents))
        if {request.doc_id: request.doc_hash for request in found.requests} != dict(documents):
            msg = f"the documents of {name} are others now"
            raise NotAtHandError(msg)
        return found

    def _found(self, name: str, n_docs: int) -> Asked:
        if (name, n_docs) not in self._asked:
            try:
                (suite,) = find_suites([name])
                self._asked[name, n_docs] = ask(suite, NoModel(), limit=n_docs, chat_template=False)
            except (SuiteUnavailableError, ValueError) as error:
                self._asked[name, n_docs] = NotAtHandError(" ".join(str(error).split()))
        found = self._asked[name, n_docs]
        if isinstance(found, NotAtHandError):
            raise found
        return found

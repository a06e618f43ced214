"""The documents of a heat that all its arms have answered, kept one by one: a heat that is stopped goes on behind them.

    store/unscored/<name>-<key12>/<doc_id>.json     gone when all documents stand in one file (`unscored.py`)

Arms are compared document by document, and one process times all of them on one document. So a process may go on behind
another's documents, as long as both run the same code on a machine that their manifests tell the same of. The manifest
then says which processes there were, and how many documents each of them answered.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue

from offbook.engine.counted import counted
from offbook.engine.files import remove
from offbook.engine.progress import Progress
from offbook.harness.records.code import code_sha256
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.trials.unscored import Began, HeatAnswer, Load, Unscored, answers_path, damaged, read, write

MOVING = ("git", "argv", "utc", "bandwidth_gb_s", "layouts")  # what a manifest has of the process, not of its machine


class KeptDocuments:
    """Those of one heat.

    Args:
        store: the folder of records.
        name: of the suite.
        key: of what determines all answers.
        arms: who answers.
        began: when this process did, and under what.
    """

    def __init__(self, store: Path, name: str, key: str, *, arms: Collection[str], began: Began) -> None:
        self.folder = answers_path(store, name, key).with_suffix("")
        self._name, self._key, self._arms, self._began = name, key, arms, began
        machine = {name: value for name, value in began.manifest.items() if name not in MOVING}
        self._document_key = canonical_sha256([key, code_sha256(), machine])
        self._there: dict[int, Unscored[HeatAnswer]] = {}
        self._since = time.perf_counter()

    def find(self, doc_ids: Iterable[int], progress: Progress) -> frozenset[int]:
        """Which of these documents earlier processes kept; in a line, how many, or why one is answered anew."""
        wrong: list[str] = []
        for doc_id in doc_ids:
            path = self._path(doc_id)
            if not path.is_file():
                continue
            wanted = [(arm, doc_id) for arm in self._arms]
            try:
                self._there[doc_id] = read(path, self._document_key, Unscored[HeatAnswer], wanted)
            except ValueError as error:
                wrong.append(damaged(path, error))
        if wrong:
            progress.say(wrong[0] + (f", and those of {len(wrong) - 1} more" if wrong[1:] else ""))
        if self._there:
            count = len(self._there)
            told = f"{counted(count, 'document')} of a heat that was stopped"
            progress.say(f"    {self._name}: the answers to {told} were kept; it goes on behind them")
        return frozenset(self._there)

    def keep(self, doc_id: int, rows: Mapping[str, DocumentRow], found: Mapping[str, str]) -> None:
        """Keeps the answers to a document, without scores, by arm; `found` is what was seen of arms up to now."""
        now = time.perf_counter()
        self._there[doc_id] = Unscored[HeatAnswer](
            key=self._document_key,
            began=self._began,
            load_at_end=None,
            wall_s=now - self._since,
            answers=tuple(HeatAnswer(of=arm, row=row) for arm, row in rows.items()),
            found=dict(found),
        )
        self._since = now
        write(self._path(doc_id), self._there[doc_id])

    def whole(self, doc_ids: Sequence[int], found: Mapping[str, str], *, load: Load) -> Unscored[HeatAnswer]:
        """The answers to all documents, and what of arms was seen over all of them; `load` is the machine's now."""
        documents = [self._there[doc_id] for doc_id in doc_ids]
        by_process = defaultdict[datetime, list[Unscored[HeatAnswer]]](list)
        for document in documents:
            by_process[document.began.started_utc].append(document)
        seen = {arm: what for document in documents for arm, what in document.found.items()}
        return Unscored[HeatAnswer](
            key=self._key,
            began=by_process[min(by_process)][0].began,
            load_at_end=load,
            wall_s=sum(document.wall_s for document in documents) + time.perf_counter() - self._since,
            answers=tuple(answer for document in documents for answer in document.answers),
            found=seen | dict(found),
            parts=[_part(by_process[start]) for start in sorted(by_process)] if len(by_process) > 1 else [],
        )

    def drop(self) -> None:
        """Removes them."""
        remove(self.folder)

    def _path(self, doc_id: int) -> Path:
        return self.folder / f"{doc_id}.json"


def _part(documents: Sequence[Unscored[HeatAnswer]]) -> JsonValue:
    """What the manifest says of a process."""
    began = documents[0].began
    told: dict[str, JsonValue] = {
        "started_utc": began.started_utc.isoformat(),
        "documents": len(documents),
        "load": began.load,
        "git": began.manifest.get("git"),
        "bandwidth_gb_s": began.manifest.get("bandwidth_gb_s"),
    }
    return told

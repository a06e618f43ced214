"""The answers of a heat before they are scored: generated, or found where earlier processes kept them."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import torch

from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.stop import visible_text
from offbook.engine.progress import Progress
from offbook.harness.records.cell import LimitsSpec
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.manifest import load_average
from offbook.harness.records.store import Store
from offbook.harness.roster.arms import Arm
from offbook.harness.suites.rehearsal import check_first_answer
from offbook.harness.suites.requests import Request
from offbook.harness.suites.scoring import score
from offbook.harness.trials.decoding import decode
from offbook.harness.trials.kept_documents import KeptDocuments
from offbook.harness.trials.unscored import Began, HeatAnswer, Unscored, keep, kept

if TYPE_CHECKING:
    from offbook.harness.trials.heat import Heat


def answers_key(heat: "Heat", prompts: Mapping[int, torch.Tensor]) -> str:
    """The hash of what determines a heat's answers: its cells without the scorer, and every document's prompt."""
    cells = [spec.model_dump(mode="json", exclude={"suite_fingerprint"}) for spec in heat.cells.values()]
    documents = [
        [doc_id, prompt[0].tolist(), LimitsSpec.of(heat.limits[doc_id]).model_dump(mode="json")]
        for doc_id, prompt in prompts.items()
    ]
    return canonical_sha256({"heat": cells, "documents": documents})


def answers_of(
    heat: "Heat", store: Store, key: str, prompts: Mapping[int, torch.Tensor], progress: Progress
) -> Unscored[HeatAnswer]:
    """All answers: those that earlier processes kept, and fresh ones; all are kept before anybody scores them."""
    name = heat.asked.suite.name
    arms = [arm.id for arm in heat.arms]
    wanted = [(arm, doc_id) for arm in arms for doc_id in prompts]
    if (found := kept(store.root, name, key, Unscored[HeatAnswer], wanted, progress)) is not None:
        return found
    documents = KeptDocuments(store.root, name, key, arms=arms, began=Began.now(heat.layouts))
    requests = {request.doc_id: request for request in heat.asked.requests}
    remembers = any(arm.remembers for arm in heat.arms)  # what it knew of the documents before went with the process
    there = frozenset() if remembers else documents.find(prompts, progress)
    seen: Mapping[str, str] = {}

    def answered(doc_id: int, generations: Mapping[str, Generation], found: Mapping[str, str]) -> None:
        rows = {arm: _row(heat, requests[doc_id], generation) for arm, generation in generations.items()}
        documents.keep(doc_id, rows, found)

    if len(there) < len(prompts):
        seen = decode(
            heat.target,
            heat.arms,
            prompts,
            suite=name,
            sampling=heat.sampling,
            limits=heat.limits,
            seed=heat.seed,
            title=heat.title,
            answered=answered,
            there=there,
            rehearse=None if heat.rehearsed else partial(check_first_answer, heat.asked, heat.target),
            progress=progress,
        )
    answers = documents.whole([*prompts], seen, load=load_average())
    keep(store.root, name, answers)
    documents.drop()
    return answers


def _row(heat: "Heat", request: Request, generation: Generation) -> DocumentRow:
    """An answer's row, without scores."""
    return DocumentRow.from_generation(
        generation,
        doc_id=request.doc_id,
        doc_hash=request.doc_hash,
        text=visible_text(heat.target.detokenize(generation.tokens), heat.limits[request.doc_id].stop_strings),
        scores={},
        cluster=request.cluster,
        choices=request.choices,
    )


def scored(heat: "Heat", answers: Unscored[HeatAnswer], arm: Arm) -> list[DocumentRow]:
    """An arm's rows with the scores and references of the task as it is now."""
    rows = {answer.row.doc_id: answer.row for answer in answers.answers if answer.of == arm.id}
    scores = score(heat.asked, heat.target, {doc_id: row.text for doc_id, row in rows.items()})
    return [
        rows[request.doc_id].model_copy(update={"doc_hash": request.doc_hash, "scores": scores[request.doc_id]})
        for request in heat.asked.requests
    ]

"""Two decoders on the same documents: what each took for every one of them, and how far apart the two are.

A pure function of cells: whoever asks says which cells stand for a decoder, and that both answered the same documents.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.cell import Cell, CellSpec
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.statistics.intervals import bootstrap_difference, bootstrap_speedup
from offbook.harness.statistics.swaps import swap_test
from offbook.harness.tables.decoders_speed import bounds, clusters_of
from offbook.harness.tables.dimensions import as_json
from offbook.harness.tables.labels import decoder_label
from offbook.harness.tables.rows import Row

LEAST = 40  # documents, over which a pair is judged
FACTS = ("decoder", "variant", "options", "layout", "tuned", "drafter", "key")  # of a side, of which its label is made
Amounts = tuple[Sequence[float], Sequence[float]]  # numerators and denominators, a document each
Document = tuple[str, int]  # suite and doc_id
Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a decoder took for each document of its suites, in the order of both.

    Attributes:
        spec: of its first cell.
        key: of all of them.
        documents: suite and doc_id.
        clusters: of like documents.
        accepted: tokens that were committed, over verify forwards.
        speed: tokens of the answer, over seconds with the prefill.
        scores: 1 or 0 for right and wrong; nan in suites that are scored otherwise.
        tokens: the answers.
    """

    spec: CellSpec
    key: str
    documents: Sequence[Document]
    clusters: Sequence[str]
    accepted: Amounts
    speed: Amounts
    scores: Sequence[float]
    tokens: Sequence[tuple[int, ...]]

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> "Measured":
        """Of its cells, a suite each."""
        found = [
            ((cell.record.spec.suite, row.doc_id), cluster, generation, _score(cell, row.scores))
            for cell in cells
            for row, cluster, generation in zip(cell.rows, clusters_of(cell), cell.generations, strict=True)
        ]
        found.sort(key=lambda one: one[0])
        generations = [one[2] for one in found]
        keys = sorted(cell.record.key for cell in cells)
        return cls(
            spec=cells[0].record.spec,
            key=canonical_sha256(keys),
            documents=[one[0] for one in found],
            clusters=[one[1] for one in found],
            accepted=(
                [float(sum(r.committed for r in g.rounds)) for g in generations],
                [float(g.target_forwards) for g in generations],
            ),
            speed=([float(len(g.tokens)) for g in generations], [g.wall_s for g in generations]),
            scores=[one[3] for one in found],
            tokens=[tuple(g.tokens) for g in generations],
        )

    def on(self, documents: Collection[Document]) -> "Measured":
        """What it took for these of its documents."""
        places = [place for place, document in enumerate(self.documents) if document in documents]
        return Measured(
            spec=self.spec,
            key=self.key,
            documents=_at(self.documents, places),
            clusters=_at(self.clusters, places),
            accepted=(_at(self.accepted[0], places), _at(self.accepted[1], places)),
            speed=(_at(self.speed[0], places), _at(self.speed[1], places)),
            scores=_at(self.scores, places),
            tokens=_at(self.tokens, places),
        )

    @property
    def place(self) -> Row:
        """Where it stands, which it shares with whom it is compared."""
        spec = self.spec
        return {
            "model": spec.model,
            "revision": spec.revision or "",
            "student": spec.student.name,
            "training_seed": spec.student.seed,
            "temperature": spec.temperature,
            "seed": spec.seed,
        }

    def facts(self, side: str) -> Row:
        """What tells it from others."""
        spec = self.spec
        told = {
            "decoder": decoder_label(spec),
            "variant": as_json(spec.drafter.variant) if spec.drafter is not None and spec.drafter.variant else "",
            "options": as_json(spec.decoder_config),
            "layout": spec.layout,
            "tuned": "under a controller" if spec.tuning else "",
            "drafter": "" if spec.drafter is None else f"({spec.drafter.sha256[:8]})",
            "key": self.key,
        }
        return {f"{name}_{side}": value for name, value in told.items()}


def compared(a: Measured, b: Measured) -> Row:
    """Acceptance and speed of a against b: values, distances with intervals, p-values of a randomisation test."""
    assert a.documents == b.documents, "decoders are compared on the same documents"
    accepted_a, accepted_b = ratio(a.accepted), ratio(b.accepted)
    speed_a, speed_b = ratio(a.speed), ratio(b.speed)
    return {
        "n_suites": len({suite for suite, _ in a.documents}),
        "n_docs": len(a.documents),
        "n_clusters": len(set(a.clusters)),
        "acceptance_a": accepted_a,
        "acceptance_b": accepted_b,
        "acceptance_difference": accepted_a - accepted_b,
        **bounds("acceptance_difference", bootstrap_difference(*a.accepted, *b.accepted, clusters=a.clusters)),
        "p_acceptance": swap_test(*a.accepted, *b.accepted, clusters=a.clusters),
        "tokens_per_s_a": speed_a,
        "tokens_per_s_b": speed_b,
        "speed_ratio": speed_a / speed_b if speed_b else math.nan,
        **bounds("speed_ratio", bootstrap_speedup(*a.speed, *b.speed, clusters=a.clusters)),
        "p_speed": swap_test(*a.speed, *b.speed, clusters=a.clusters),
    }


def ratio(amounts: Amounts) -> float:
    """Sum over sum; unknown over nothing."""
    under = sum(amounts[1])
    return sum(amounts[0]) / under if under else math.nan


def _score(cell: Cell, scores: dict[str, float]) -> float:
    metric = cell.record.metric
    return float(scores[metric]) if is_accuracy(metric) else math.nan


def _at(values: Sequence[Item], places: Sequence[int]) -> list[Item]:
    return [values[place] for place in places]

"""Cells in the few words that tables group them by; their documents are read where a row is not remembered.

    store/.tables.jsonl     rows that were worked out before; may be deleted at any time (`records.memo`)

A row is remembered under the hashes of the records that it is made of. Those are of their whole content, so what is
remembered is right as long as the records are what the ledger says, which whoever hands them in has checked.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from pydantic import JsonValue

from offbook.engine import decoding
from offbook.engine.decoding import metrics
from offbook.harness import records, statistics, tables
from offbook.harness.records.cell import Cell, CellSpec
from offbook.harness.records.checked import Held
from offbook.harness.records.drafter import is_borrowed
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.memo import Memo, code_version
from offbook.harness.records.store import Store
from offbook.harness.tables.dimensions import of_cell

FILE = ".tables.jsonl"
EXACT = ("baseline", "lossless", "ties")
NOT_TOLD = ("git", "argv", "upgraded", "rescored")  # of a manifest; no page shows them


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A cell.

    Attributes:
        sha256: of its record.
        heat_id, decoder, suite, n_docs: of its specification.
        baseline: whether the others of its heat are measured against it.
        finished: when, in seconds since 1970.
        layout: of the target's weights.
        plain: whether nothing was drafted, so that speed is measured against it.
        exact: whether it says what the target says.
        tokens_per_s, decode_tokens_per_s: with the prefill and without it.
        untouched: whether nobody trained its model.
        contender: what it shares with cells that differ in their suite alone.
        borrowed: whether its drafter was made for the base model of a student.
        pair, group, base: see `_facts`; "" without a drafter.
        manifest: a name of its manifest.
        read: its documents.
    """

    sha256: str
    heat_id: str
    decoder: str
    suite: str
    n_docs: int
    baseline: bool
    layout: str
    plain: bool
    exact: bool
    tokens_per_s: float
    decode_tokens_per_s: float
    finished: float
    untouched: bool
    contender: str
    borrowed: bool
    pair: str
    group: str
    base: str
    manifest: str
    read: Callable[[], Cell]


class Cells(Sequence[Told]):
    """All cells of a table, and what is remembered of them."""

    def __init__(self, told: Sequence[Told], manifests: Mapping[str, Any], memo: Memo | None = None) -> None:
        self._told, self._manifests, self._memo = told, manifests, memo

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> "Cells":
        """Those that somebody has at hand."""
        told, manifests = list[Told](), dict[str, Any]()
        for cell in cells:
            facts = _facts(cell)
            manifests[facts["manifest"]] = _shown(cell)
            told.append(Told(sha256=cell.record.sha256, read=functools.partial(_same, cell), **facts))
        return cls(told, manifests)

    @classmethod
    def held(cls, store: Store, held: Iterable[Held]) -> "Cells":
        """Those of a store that were checked."""
        memo = Memo(store.root / FILE, _version())
        read = functools.lru_cache(maxsize=256)(Held.cell)  # rows of one heat, and of one contender, come together
        told, manifests = list[Told](), dict[str, Any]()
        for one in held:
            if one.line.kind != "cell":
                continue
            if (facts := memo.get(one.line.sha256)) is None:
                cell = read(one)
                memo.put(one.line.sha256, facts := _facts(cell))
                memo.put(facts["manifest"], _shown(cell))
            if facts["manifest"] not in manifests:
                manifests[facts["manifest"]] = memo.get(facts["manifest"])
            told.append(Told(sha256=one.line.sha256, read=functools.partial(read, one), **facts))
        return cls(told, manifests, memo)

    def __len__(self) -> int:
        """How many."""
        return len(self._told)

    def __getitem__(self, place: Any) -> Any:
        """One of them."""
        return self._told[place]

    @functools.cached_property
    def plain(self) -> dict[str, list[Told]]:
        """The cells of each heat that draft nothing."""
        found: dict[str, list[Told]] = {}
        for told in self._told:
            if told.plain:
                found.setdefault(told.heat_id, []).append(told)
        return found

    @property
    def manifests(self) -> dict[str, dict[str, JsonValue]]:
        """What pages show of the manifest of each heat."""
        return {told.heat_id: self._manifests[told.manifest] for told in self._told}

    def row(
        self, what: str, of: Sequence[Told | None], names: Sequence[str], make: Callable[[], Mapping[str, Any]]
    ) -> list[Any]:
        """A row of a table: remembered, or made now.

        Args:
            what: which of the rows that are made of these.
            of: the cells that it is made of, in order; None in the place of one that is not there.
            names: its fields.
            make: makes it.
        """
        if self._memo is None:
            row = make()
            return [row[name] for name in names]
        text = "\n".join((what, *("" if told is None else told.sha256 for told in of)))
        key = hashlib.sha256(text.encode()).hexdigest()
        values: list[Any] | None = self._memo.get(key)
        if values is None:
            row = make()
            self._memo.put(key, values := [row[name] for name in names])
        return values

    def save(self) -> None:
        """Remembers what was made and asked for."""
        if self._memo is not None:
            self._memo.save()


def by_contender(cells: Iterable[Told]) -> dict[str, list[Told]]:
    """The cells of each contender, one a suite.

    Where it ran a suite at several sizes, that is the run with most documents, the latest of those.
    """
    best: dict[tuple[str, str], Told] = {}
    for cell in sorted(cells, key=lambda c: (c.n_docs, c.finished)):
        best[cell.contender, cell.suite] = cell
    found: dict[str, list[Told]] = {}
    for cell in best.values():
        found.setdefault(cell.contender, []).append(cell)
    return found


@functools.cache
def _version() -> str:
    code = code_version(tables, statistics, records, decoding)
    return canonical_sha256([code, np.__version__, scipy.__version__])


def _same(cell: Cell) -> Cell:
    return cell


def _facts(cell: Cell) -> dict[str, Any]:
    record, spec = cell.record, cell.record.spec
    return {
        "heat_id": record.heat_id,
        "decoder": spec.decoder,
        "suite": spec.suite,
        "n_docs": spec.n_docs,
        "finished": record.finished_utc.timestamp(),
        "baseline": record.certificate.kind == "baseline",
        "layout": spec.layout,
        "plain": not any(r.drafted for g in cell.generations for r in g.rounds),
        "exact": record.certificate.verdict in EXACT,
        "tokens_per_s": metrics.tokens_per_second(cell.generations),
        "decode_tokens_per_s": metrics.decode_tokens_per_second(cell.generations),
        "untouched": spec.student.untouched,
        "contender": _contender(cell),
        "borrowed": is_borrowed(spec.drafter),
        **_drafter(record.heat_id, spec),
        "manifest": canonical_sha256(_shown(cell)),
    }


def _drafter(heat_id: str, spec: CellSpec) -> dict[str, str]:
    """What the table of drafters on students compares: the two arms of one decoder, and the drafter on its own target.

    `pair` is equal for the borrowed and the own drafter of one student in one heat, `group` for the suites of one arm,
    `base` for the same drafter over the same documents, whoever is decoded.
    """
    if spec.drafter is None:
        return dict.fromkeys(("pair", "group", "base"), "")
    same = (
        *("model", "revision", "decoder", "decoder_config", "layout", "dtype", "chat_template"),
        *("suite_fingerprint", "n_docs", "temperature", "top_k", "top_p", "seed"),
    )
    return {
        "pair": canonical_sha256(
            [heat_id, spec.student.setting(), spec.student.seed, spec.decoder, spec.decoder_config]
        ),
        "group": canonical_sha256([of_cell(spec), spec.temperature, spec.top_k, spec.top_p, spec.seed]),
        "base": canonical_sha256([spec.drafter.sha256, *(getattr(spec, name) for name in same)]),
    }


def _contender(cell: Cell) -> str:
    """What two cells share if only their suite differs (stop strings and document counts belong to the suite).

    Heats of other arms are another run, such as the cross: their suites are not pooled with these.
    """
    spec = cell.record.spec.model_dump(exclude={"suite", "suite_fingerprint", "n_docs", "limits"})
    heat = cell.record.manifest.get("heat")
    arms = heat.get("arms") if isinstance(heat, dict) else None
    return canonical_sha256([spec, sorted(map(str, arms)) if isinstance(arms, list) else []])


def _shown(cell: Cell) -> dict[str, JsonValue]:
    return {name: value for name, value in cell.record.manifest.items() if name not in NOT_TOLD}

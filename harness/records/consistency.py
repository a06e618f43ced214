"""What a record says against what can be derived again: ranges, counts, and the certificate from both rows files.

A hash says that nothing was changed after the commit; this says that it adds up. What nothing else in the store
determines, raw times above all, can be forged by who rewrites record, rows and ledger alike: no file can tell that,
only a signature or another run.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from pydantic import JsonValue

from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.cell import Cell, CellRecord, CellSpec
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.records.drafter import arm_among
from offbook.harness.records.exam import Exam, TrainingCost
from offbook.harness.records.record import AnyRecord

BASELINE_DECODER = "autoregressive"
RESCORED, UPGRADED = "rescored", "upgraded"  # notes in a manifest: committed once more, alone or with its heat


def of_cell(cell: Cell) -> Iterator[str]:
    """What is wrong inside of one cell."""
    record, rows = cell.record, cell.rows
    certificate, spec = record.certificate, record.spec
    yield from _scores(record.metric, {row.doc_id: row.scores[record.metric] for row in rows})
    for row in rows:
        if row.prefill_s + row.decode_s <= 0:
            yield f"document {row.doc_id}: expected times above 0, got {row.prefill_s + row.decode_s:g} s"
        if (parts := (row.draft_s or 0.0) + (row.target_s or 0.0)) > 1.001 * row.decode_s + 1e-3:
            yield f"document {row.doc_id}: expected parts of {row.decode_s:g} s of decoding, got {parts:g} s"
        if len(row.tokens) > spec.limits.max_new_tokens:
            yield f"document {row.doc_id}: expected at most {spec.limits.max_new_tokens} tokens, got {len(row.tokens)}"
    if max(certificate.identical, certificate.ties, certificate.unexplained) > certificate.n:
        yield f"expected counts of a certificate up to its {certificate.n} documents, got more"
    if (record.drafter is None) != (spec.drafter is None):
        yield "expected what a drafter cost where one ran, and nowhere else"
    if record.wall_s <= 0:
        yield f"expected a time above 0, got {record.wall_s:g} s"
    if certificate.kind == "baseline" and spec.decoder != BASELINE_DECODER:
        yield f"expected {BASELINE_DECODER} alone to be the baseline, got {spec.decoder} as {certificate.kind}"
    if certificate.kind == "greedy_identity":
        if certificate.n != len(rows):
            yield f"expected a certificate over {len(rows)} documents, got {certificate.n}"
        if spec.temperature > 0:
            yield f"expected a certificate of greedy answers at temperature 0, got {spec.temperature:g}"
    if record.finished_utc < record.started_utc:
        yield "expected an end after the start, got one before it"


def of_exam(exam: Exam) -> Iterator[str]:
    """What is wrong inside of one exam."""
    for name, metric in exam.record.metrics.items():
        yield from _scores(metric, {row.doc_id: row.score for row in exam.rows if row.suite == name})
    if exam.record.cost is not None:
        yield from _cost(exam.record.cost)
    if exam.record.finished_utc < exam.record.started_utc or exam.record.wall_s <= 0:
        yield "expected an end after the start, got none"
    cap = exam.record.spec.max_new_tokens
    for row in exam.rows:
        if row.tokens > (cap or row.tokens):
            yield f"document {row.doc_id}: expected at most {cap} tokens, got {row.tokens}"
        if row.by_choice is not None and row.choices not in (None, row.by_choice.count):
            yield f"document {row.doc_id}: expected scores of its {row.choices} choices, got {row.by_choice.count}"


def _cost(cost: TrainingCost) -> Iterator[str]:
    if cost.kept_tokens > cost.gradient_tokens:
        yield f"expected kept tokens among {cost.gradient_tokens} gradient tokens, got {cost.kept_tokens}"
    if any(not 0 <= score <= 1 for score in cost.dev_scores):
        yield f"expected development scores in [0, 1], got {cost.dev_scores}"
    if cost.kept_score is not None and not 0 <= cost.kept_score <= 1:
        yield f"expected the kept weights' development score in [0, 1], got {cost.kept_score}"
    if cost.wall_s <= 0:
        yield f"expected a training time above 0, got {cost.wall_s:g} s"


def of_heat(cells: Sequence[Cell]) -> Iterator[str]:
    """What is wrong between the cells of one heat: who is missing, other documents, another certificate."""
    first = cells[0].record
    arms, specs = arms_of(first.manifest), [cell.record.spec for cell in cells]
    there = {_arm_among(arms, spec) for spec in specs}
    if missing := sorted(set(arms) - there):
        yield f"heat {first.heat_id}: expected all its arms, found none of {', '.join(missing)}"
    if any(cell.record.manifest.get("heat") != first.manifest.get("heat") for cell in cells):
        yield f"heat {first.heat_id}: expected its cells to agree on its arms and its load, got others"
    if len({(cell.record.started_utc, cell.record.finished_utc, cell.record.wall_s) for cell in cells}) > 1:
        yield f"heat {first.heat_id}: expected its cells to agree on their times, got others"
    baselines = {arm_of(cell.record): cell for cell in cells if cell.record.certificate.kind == "baseline"}
    if len(baselines) > 1:
        yield f"heat {first.heat_id}: expected one arm as its baseline, got {', '.join(sorted(baselines))}"
    if len(baselines) != 1:
        return
    (baseline,) = baselines.values()
    reference = {row.doc_id: row for row in baseline.rows}
    for cell in cells:
        name = f"{cell.record.spec.suite}, {cell.record.spec.decoder}"
        if {row.doc_id: row.doc_hash for row in cell.rows} != {i: row.doc_hash for i, row in reference.items()}:
            yield f"{name}: expected the documents of its heat's baseline, got others"
        elif cell.record.certificate.kind == "greedy_identity":
            yield from (f"{name}: {problem}" for problem in _greedy(cell, reference))


def arms_of(manifest: Mapping[str, JsonValue]) -> list[str]:
    """The arms of a heat, as the manifest of its records lists them; none where it does not."""
    heat = manifest.get("heat")
    arms = heat.get("arms") if isinstance(heat, dict) else None
    return [str(arm) for arm in arms] if isinstance(arms, list) else []


def together(record: AnyRecord) -> set[int]:
    """How many records may have been committed with one, itself included; empty where it does not say."""
    arms = 1 if record.kind == "exam" else len(arms_of(record.manifest))
    if not arms or RESCORED not in record.manifest:
        return {arms} - {0}
    return {1, arms} if UPGRADED in record.manifest else {1}  # nobody says which of the two was later


def arm_of(record: CellRecord) -> str:
    """Its name inside of its heat."""
    return _arm_among(arms_of(record.manifest), record.spec)


def _arm_among(arms: Collection[str], spec: CellSpec) -> str:
    return arm_among(arms, spec.decoder, spec.drafter, spec.decoder_config, spec.layout, spec.tuning)


def _greedy(cell: Cell, reference: dict[int, DocumentRow]) -> Iterator[str]:
    said = cell.record.certificate
    differing = {row.doc_id for row in cell.rows if not _same(row, reference[row.doc_id])}
    ties = {d.doc_id for d in said.detail if d.tie}
    if differing != {d.doc_id for d in said.detail} or said.identical != len(cell.rows) - len(differing):
        same = len(cell.rows) - len(differing)
        yield f"expected a certificate of {same} identical answers, as its rows have it, got {said.identical}"
    if (said.ties, said.unexplained) != (len(ties), len(said.detail) - len(ties)):
        yield f"expected {len(ties)} ties among its differences, got {said.ties} and {said.unexplained} unexplained"
    verdict = "differs" if said.unexplained else "ties" if said.ties else "lossless"
    if said.verdict != verdict:
        yield f"expected the verdict {verdict}, as its counts have it, got {said.verdict}"


def _same(row: DocumentRow, other: DocumentRow) -> bool:
    return row.tokens == other.tokens and row.finish_reason == other.finish_reason


def _scores(metric: str, scores: dict[int, float]) -> Iterator[str]:
    if is_accuracy(metric):
        yield from (
            f"document {doc_id}: expected a score of {metric} in [0, 1], got {score:g}"
            for doc_id, score in scores.items()
            if not 0 <= score <= 1
        )

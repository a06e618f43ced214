"""Records and answers as data frames, for whoever asks a store something that its tables do not say.

    records(folder)   a row a record: a cell (one decoder on one suite) or an exam (one student on all its suites)
    answers(folder)   a row a document of each record

Both begin with the dimensions of the matrix, under equal names, and both have `key`, which joins them. What a kind of
record does not have is missing (`pandas.NA`, nan), not 0: an exam has no decoder. The store is checked first, as
`offbook verify` does it.

Dimensions: `kind` ("cell" or "exam"), `model`, `revision`, `weights_sha256` and `settings_sha256` (of the checkpoint,
and of what stands beside its weights), `student` (a name; "untouched" for the base model), `method`, `method_options`,
`training_seed`, `corpus`, `decoder`, `decoder_options`, `drafter_made_for` ("target" or "base"), `drafter_sha256`,
`layout`, `tuning` (hash of what cut its rounds), `dtype`, `suite` (all of an exam's, with commas), `temperature`,
`top_k`, `top_p`, `seed` (of decoding); options are JSON.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from offbook.engine.decoding import metrics
from offbook.engine.decoding.generation import Generation
from offbook.engine.paths import user_path
from offbook.harness.records.cell import Cell, CellSpec
from offbook.harness.records.consistency import arm_of
from offbook.harness.records.divergence import KINDS, Kind
from offbook.harness.records.drafter import DrafterInfo
from offbook.harness.records.exam import AnswerRow, Exam, SittingSpec
from offbook.harness.records.store import Store
from offbook.harness.records.verify import Verified, whole
from offbook.harness.tables.decoders_columns import AT, POSITIONS, PREDICTED, SURVIVED
from offbook.harness.tables.decoders_speed import References
from offbook.harness.tables.decoders_speed_columns import SHARES
from offbook.harness.tables.dimensions import as_json
from offbook.harness.tables.frames_columns import ANSWERS, RECORDS
from offbook.harness.tables.labels import student_label
from offbook.harness.tables.told import Cells, Told


def records(folder: str | Path) -> pd.DataFrame:
    """One row a record of a store.

    `n_docs`, `new_tokens`, `rounds` (verify forwards) and `draft_forwards` are counts over all documents; `finished` is
    the share of answers that ended before the cap, `score` the mean of `metric` ("" where an exam's suites have
    several; then of those that are scored right or wrong), `acceptance_length` committed tokens a round,
    `acceptance_at_1` (2 to 6) the share of rounds that accept a candidate of that level of the tree, of those that
    accepted one above and had one to offer, `survival_predicted_at_1` and `survival_at_1` (2, 3, 4) the predicted and
    observed share of rounds that accept so many candidates, `verdict` the certificate's, `found` what it did that it
    should not, `wall_s` seconds.

    `tokens_per_s` is with the prefill, `decode_tokens_per_s` without it. `speedup` is over plain decoding in the same
    layout and heat, `speedup_fastest` over the fastest plain row of the heat that says what the target says;
    `speedup_decode` and `speedup_decode_fastest` the same without the prefill. `break_even` is the acceptance length at
    which decoding is as fast as plain, and `draft_share`, `target_share` and `host_share` are of the seconds of rounds.
    `drafter_parameters`, `training_tokens` (of the target's answers), `drafter_gradient_tokens` and
    `drafter_training_flops` say what a drafter took, `draft_ms_per_round` what it takes.
    `kl_generic` and `kl_task` are a student's KL from the untouched model, in nats a token.

    Args:
        folder: what `offbook evaluate`, `run` or `reproduce` wrote.

    Raises:
        ValueError: no store there.
        DamagedError: it is not as it was committed.
    """
    held = _held(folder)
    cells = Cells.of(held.cells)
    return _frame(
        RECORDS,
        [
            *(_of_cell(cell, told, References.of(cells, [told])) for cell, told in zip(held.cells, cells, strict=True)),
            *(_of_exam(exam) for exam in held.exams),
        ],
    )


def answers(folder: str | Path) -> pd.DataFrame:
    """One row a document of each record of a store.

    `text` is what was scored, `score` its value under `metric`; `new_tokens`, `rounds` (verify forwards), `drafted` and
    `accepted` are counts, `expected_accepted` how many a controller expected, times are seconds. Documents of one
    `cluster` are alike, and one draw ("": alone).

    Of an exam, `right_choice` and `named_choice` are places among the choices that a question names, from 0;
    `right_by_likelihood` and `right_by_character` are lm-eval's `acc` and `acc_norm` of their likelihoods,
    `choice_mass` is the probability of any of them, `gold_nll` -ln P(right answer) behind the answer's own rationale.

    Args:
        folder: what `offbook evaluate`, `run` or `reproduce` wrote.

    Raises:
        ValueError: no store there.
        DamagedError: it is not as it was committed.
    """
    held = _held(folder)
    return _frame(
        ANSWERS,
        [
            *(row for cell in held.cells for row in _answers_of_cell(cell)),
            *(row for exam in held.exams for row in _answers_of_exam(exam)),
        ],
    )


def _held(folder: str | Path) -> Verified:
    path = user_path(folder, what="folder")
    if not (path / "records").is_dir():
        msg = f"{path}: expected a store with a folder records/, found none; run `offbook evaluate` or `run` first"
        raise ValueError(msg)
    return whole(Store(path))


def _frame(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series([row.get(name) for row in rows], dtype=kind) for name, kind in columns.items()}
    )


def _of_cell(cell: Cell, told: Told, references: References) -> dict[str, Any]:
    record, generations = cell.record, [row.generation() for row in cell.rows]
    scores = [row.scores[record.metric] for row in cell.rows]
    return {
        **_cell_dimensions(cell),
        "n_docs": len(generations),
        "new_tokens": sum(len(g.tokens) for g in generations),
        "finished": metrics.finished(generations),
        "metric": record.metric,
        "score": sum(scores) / len(scores),
        "rounds": sum(g.target_forwards for g in generations),
        "draft_forwards": sum(g.draft_forwards for g in generations),
        "acceptance_length": metrics.acceptance_length(generations),
        **dict(zip(AT, metrics.conditional_acceptance(generations), strict=False)),
        **_survival(generations),
        **_drafter(record.drafter),
        "draft_ms_per_round": metrics.draft_ms_per_round(generations),
        **_speed(told, generations, references),
        "verdict": record.certificate.verdict,
        "found": _found(record.manifest.get("heat"), arm_of(record)),
        "heat_id": record.heat_id,
        **_origin(record),
    }


def _of_exam(exam: Exam) -> dict[str, Any]:
    record, rows, of = exam.record, exam.rows, set(exam.record.metrics.values())
    scores = [row.score for row in rows] if len(of) == 1 else exam.right()
    return {
        **_exam_dimensions(exam, ",".join(suite.name for suite in record.spec.suites)),
        "n_docs": len(rows),
        "new_tokens": sum(row.tokens for row in rows),
        "finished": sum(row.finished for row in rows) / len(rows),
        "metric": of.pop() if len(of) == 1 else "",
        "score": sum(scores) / len(scores) if scores else None,
        "found": _found(record.manifest, student_label(record.spec.student)),
        "gradient_tokens": None if record.cost is None else record.cost.gradient_tokens,
        **{f"kl_{kind}": _kl(exam, kind) for kind in KINDS},
        **_origin(record),
    }


def _found(told: Any, name: str) -> str | None:
    """What a heat or an exam found that one did which it should not."""
    found = told.get("found") if isinstance(told, dict) else None
    return found.get(name) if isinstance(found, dict) else None


def _origin(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in ("key", "trial", "finished_utc", "wall_s")}


def _answers_of_cell(cell: Cell) -> Iterator[dict[str, Any]]:
    dimensions, metric = _cell_dimensions(cell), cell.record.metric
    same = ("doc_id", "doc_hash", "cluster", "choices", "prompt_tokens", "text", "draft_forwards")
    measured = ("prefill_s", "decode_s", "draft_s", "target_s", "peak_bytes")
    for row in cell.rows:
        yield {
            **dimensions,
            **{name: getattr(row, name) for name in (*same, *measured)},
            "new_tokens": len(row.tokens),
            "finished": row.finish_reason != "length",
            "metric": metric,
            "score": row.scores[metric],
            "rounds": len(row.rounds),
            "drafted": sum(drafted for drafted, *_ in row.rounds),
            "accepted": sum(accepted for _, _, accepted, _ in row.rounds),
            "expected_accepted": sum(map(sum, row.predicted)) if row.predicted else None,
            "key": cell.record.key,
        }


def _answers_of_exam(exam: Exam) -> Iterator[dict[str, Any]]:
    dimensions = {suite.name: _exam_dimensions(exam, suite.name) for suite in exam.record.spec.suites}
    for row in exam.rows:
        yield {
            **dimensions[row.suite],
            **{name: getattr(row, name) for name in ("doc_id", "doc_hash", "cluster", "choices", "text", "finished")},
            "new_tokens": row.tokens,
            "metric": exam.record.metrics[row.suite],
            "score": row.score,
            **_by_choice(row),
            "gold_nll": row.gold_nll,
            "key": exam.record.key,
        }


def _by_choice(row: AnswerRow) -> dict[str, Any]:
    """What was measured of the choices that a question names."""
    scores = row.by_choice
    if scores is None:
        return {}
    return {
        "right_choice": scores.right,
        "named_choice": scores.named,
        "right_by_likelihood": scores.right_by_likelihood,
        "right_by_character": scores.right_by_character,
        "choice_mass": scores.mass,
    }


def _kl(exam: Exam, kind: Kind) -> float | None:
    """Nats a token over the texts of a kind."""
    texts = [text for text in exam.record.divergence if text.kind == kind]
    return sum(text.nats for text in texts) / sum(text.tokens for text in texts) if texts else None


def _cell_dimensions(cell: Cell) -> dict[str, Any]:
    spec = cell.record.spec
    same = ("model", "decoder", "layout", "tuning", "dtype", "suite", "temperature", "top_k", "top_p", "seed")
    return {
        "kind": "cell",
        **{name: getattr(spec, name) for name in same},
        **_checkpoint(spec),
        "decoder_options": as_json(spec.decoder_config) or None,
        "drafter_made_for": None if spec.drafter is None else spec.drafter.made_for,
        "drafter_sha256": None if spec.drafter is None else spec.drafter.sha256,
    }


def _exam_dimensions(exam: Exam, suite: str) -> dict[str, Any]:
    spec = exam.record.spec
    same = {name: getattr(spec, name) for name in ("model", "layout", "dtype")}
    return {"kind": "exam", **same, **_checkpoint(spec), "suite": suite, "temperature": 0.0}


def _checkpoint(spec: CellSpec | SittingSpec) -> dict[str, Any]:
    student = spec.student
    trained = not student.untouched
    return {
        **{name: getattr(spec, name) for name in ("revision", "weights_sha256", "settings_sha256")},
        "student": student.name,
        "method": student.method,
        "method_options": as_json(student.options) or None,
        "training_seed": student.seed if trained else None,
        "corpus": student.corpus_sha256,
    }


def _drafter(drafter: DrafterInfo | None) -> dict[str, int | None]:
    if drafter is None:
        return {}
    return {
        "drafter_parameters": drafter.parameters,
        "training_tokens": drafter.training_tokens,
        "drafter_gradient_tokens": drafter.gradient_tokens,
        "drafter_training_flops": drafter.training_flops,
    }


def _survival(generations: Sequence[Generation]) -> dict[str, float]:
    found = metrics.survival(generations)
    return {
        name: found[k - 1][place]
        for place, names in enumerate((PREDICTED, SURVIVED))
        for k, name in zip(POSITIONS, names, strict=True)
        if k <= len(found)
    }


def _speed(told: Told, generations: Sequence[Generation], references: References) -> dict[str, float | None]:
    """Documents of a heat are the same for all, so a quotient of speeds is one of sums over sums."""
    own, fastest, fastest_decode = (
        which.get(told.heat_id) for which in (references.own, references.fastest, references.fastest_decode)
    )
    return {
        "tokens_per_s": told.tokens_per_s,
        "decode_tokens_per_s": told.decode_tokens_per_s,
        "speedup": None if own is None else told.tokens_per_s / own.tokens_per_s,
        "speedup_fastest": None if fastest is None else told.tokens_per_s / fastest.tokens_per_s,
        "speedup_decode": None if own is None else told.decode_tokens_per_s / own.decode_tokens_per_s,
        "speedup_decode_fastest": None
        if fastest_decode is None
        else told.decode_tokens_per_s / fastest_decode.decode_tokens_per_s,
        "break_even": None if own is None else metrics.break_even(generations, own.read().generations),
        **dict(zip(SHARES, metrics.time_split(generations), strict=True)),
    }

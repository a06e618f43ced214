"""From records to the leaderboard: a pure function of what the store holds, partial or complete.

One row a cell, and one row "all" over the suites of the same contender, model, seed and temperature. Every ratio is a
sum over a sum. A suite's score stands under its metric's name; accuracy is there where that is one, and is pooled over
those suites alone. What speed-ups are taken over stands in `decoders_speed`.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from offbook.engine.collection import collected_later
from offbook.engine.decoding import metrics
from offbook.engine.files import atomic_write_text
from offbook.harness.records.accuracy import is_accuracy
from offbook.harness.records.cell import Cell, CellRecord
from offbook.harness.records.certificate import Certificate
from offbook.harness.records.consistency import BASELINE_DECODER
from offbook.harness.records.drafter import DrafterInfo
from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.manifest import machine_lines
from offbook.harness.records.store import Store
from offbook.harness.records.student import UNTOUCHED
from offbook.harness.records.verify import whole
from offbook.harness.statistics.crossed import accuracy_interval
from offbook.harness.statistics.intervals import bootstrap_ratio
from offbook.harness.tables.columns import Table, fields
from offbook.harness.tables.csv_file import to_csv
from offbook.harness.tables.decoder_comparisons import comparisons_of
from offbook.harness.tables.decoder_comparisons_columns import COLUMNS as COMPARISONS
from offbook.harness.tables.decoder_comparisons_markdown import comparisons_markdown
from offbook.harness.tables.decoders_columns import COLUMNS, LEVELS, POSITIONS, PREDICTED, SURVIVED
from offbook.harness.tables.decoders_markdown import to_markdown
from offbook.harness.tables.decoders_speed import References, bounds, clusters_of, speed, whole_answers
from offbook.harness.tables.dimensions import ALL_SUITES, of_cell
from offbook.harness.tables.drafters_on_students import CROSS_COLUMNS, cross_markdown, cross_table_of
from offbook.harness.tables.labels import named_decoder, named_student
from offbook.harness.tables.progress import Progress
from offbook.harness.tables.published import PUBLISHED, published, published_beside, published_markdown
from offbook.harness.tables.ranks import lacking, ranked
from offbook.harness.tables.told import Cells, Told, by_contender

NAMES = fields(COLUMNS)


def leaderboard(cells: Sequence[Cell]) -> pd.DataFrame:
    """The table, unrounded, in a fixed order: temperature, then "all" before the suites, baseline first.

    Raises:
        ValueError: a heat whose cells do not hold the same documents.
    """
    return table_of(Cells.of(cells))


def table_of(cells: Cells) -> pd.DataFrame:
    """The leaderboard; see there."""
    contenders = by_contender(cells)
    rows = [(cell.suite, [cell]) for cell in cells] + [(ALL_SUITES, members) for members in contenders.values()]
    rows.sort(key=lambda row: max(cell.finished for cell in row[1]))  # so that what is read is read once
    lines = [_remembered(cells, suite, members) for suite, members in rows]
    return pd.DataFrame([lines[place] for place in _order(lines)], columns=NAMES)


@collected_later()
def write_leaderboard(
    store: Store,
    out_dir: Path,
    *,
    cells: Cells | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Writes `leaderboard.csv` and `LEADERBOARD.md`, and `cross.csv` for a cross, from what the store holds now.

    Where decoders were measured over enough documents, `decoder_comparisons.csv` has every two of them.

    Where others published numbers of a decoder in it, `published.csv` has these and the page a section apart.

    Safe while a run goes on: each file is replaced in one step. `cells` are those of the store, where somebody has just
    checked them; `progress` is told on the page.

    Raises:
        DamagedError: a damaged store; nothing is written then.
    """
    cells = Cells.held(store, whole(store).held) if cells is None else cells
    table, cross = ranked(table_of(cells), progress), lacking(cross_table_of(cells), progress)
    pairs = comparisons_of(cells)
    cells.save()
    manifests = cells.manifests
    students = {cell.heat_id for cell in cells if not cell.untouched}
    theirs = published_markdown(published_beside(table))
    markdown = to_markdown(
        table,
        manifests=manifests,
        sections=[
            *comparisons_markdown(pairs),
            *cross_markdown(cross, machine_lines(manifests[heat] for heat in students)),
            *theirs,
        ],
        progress=progress,
    )
    atomic_write_text(out_dir / "leaderboard.csv", to_csv(Table(columns=COLUMNS, rows=table)))
    if not pairs.empty:
        atomic_write_text(out_dir / "decoder_comparisons.csv", to_csv(Table(columns=COMPARISONS, rows=pairs)))
    if not cross.empty:
        atomic_write_text(out_dir / "cross.csv", to_csv(Table(columns=CROSS_COLUMNS, rows=cross)))
    if theirs:
        atomic_write_text(out_dir / "published.csv", to_csv(Table(columns=PUBLISHED, rows=published())))
    atomic_write_text(out_dir / "LEADERBOARD.md", markdown)
    return table


def losslessness(certificates: Sequence[Certificate]) -> str:
    """One phrase for one or several cells of a contender; the worst of them decides."""
    kinds = {c.kind for c in certificates}
    if len(kinds) > 1 or any(c.verdict == "not_tested" for c in certificates):
        differing = sum(c.verdict == "differs" for c in certificates)
        return f"DIFFERS in {differing} of {len(certificates)} cells" if differing else "not tested"
    if kinds == {"baseline"}:
        return "baseline"
    if kinds == {"greedy_identity"}:
        n, identical, ties, unexplained = (
            sum(getattr(c, name) for c in certificates) for name in ("n", "identical", "ties", "unexplained")
        )
        if unexplained:
            return f"DIFFERS {unexplained}/{n}"
        return f"identical {identical}/{n}" + (f", {ties} {'tie' if ties == 1 else 'ties'}" if ties else "")
    worst = max(certificates, key=lambda c: (c.verdict == "differs", c.tv or 0.0))
    phrase = f"TV {worst.tv or 0:.3f} <= {worst.tv_bound or 1:.3f} (p={worst.p_value or 0:.2g})"
    identical, ties, unexplained = (
        sum(getattr(c, name) for c in certificates) for name in ("identical", "ties", "unexplained")
    )
    if n := identical + ties + unexplained:
        phrase += f", identical {identical}/{n}" + (f", {ties} {'tie' if ties == 1 else 'ties'}" if ties else "")
    return f"DIFFERS: {phrase}" if worst.verdict == "differs" else phrase


def _remembered(cells: Cells, suite: str, members: Sequence[Told]) -> list[Any]:
    references = References.of(cells, members)

    def make() -> dict[str, Any]:
        return _line([cell.read() for cell in members], references, suite=suite)

    return cells.row(f"leaderboard, {suite}", [*members, *references.all], NAMES, make)


def _line(cells: Sequence[Cell], references: References, *, suite: str) -> dict[str, Any]:
    records = [cell.record for cell in cells]
    spec = records[0].spec
    rows = [row for cell in cells for row in cell.rows]
    generations = [generation for cell in cells for generation in cell.generations]
    clusters = [name for cell in cells for name in clusters_of(cell)]
    rounds = sum(g.target_forwards for g in generations)
    draft_forwards = sum(g.draft_forwards for g in generations)
    conditional, survival = metrics.conditional_acceptance(generations), metrics.survival(generations)
    caps = {record.spec.limits.max_new_tokens for record in records}
    return {
        **of_cell(spec),
        "suite": suite,
        "temperature": spec.temperature,
        "top_k": spec.top_k,
        "top_p": spec.top_p,
        "seed": spec.seed,
        "max_new_tokens": caps.pop() if len(caps) == 1 else math.nan,
        "n_suites": len(cells),
        "n_docs": len(rows),
        "n_clusters": len(set(clusters)),
        "new_tokens": sum(len(g.tokens) for g in generations),
        "finished": metrics.finished(generations),
        **_scores(cells, pooled=suite == ALL_SUITES),
        "acceptance_length": metrics.acceptance_length(generations),
        **bounds(
            "acceptance_length",
            bootstrap_ratio(
                [sum(r.committed for r in g.rounds) for g in generations],
                [g.target_forwards for g in generations],
                clusters=clusters,
            ),
        ),
        **{f"acceptance_at_{k}": conditional[k - 1] if k <= len(conditional) else math.nan for k in LEVELS},
        **{
            name: survival[k - 1][place] if k <= len(survival) else math.nan
            for place, names in enumerate((PREDICTED, SURVIVED))
            for k, name in zip(POSITIONS, names, strict=True)
        },
        **speed(cells, references),
        **bounds(
            "tokens_per_s", bootstrap_ratio(*zip(*map(whole_answers, generations), strict=True), clusters=clusters)
        ),
        "draft_cost_ratio": metrics.draft_cost_ratio(generations),
        "draft_ms_per_round": metrics.draft_ms_per_round(generations),
        "target_forwards": rounds,
        "draft_forwards": draft_forwards,
        "draft_forwards_per_round": draft_forwards / rounds if rounds else math.nan,
        "losslessness": losslessness([r.certificate for r in records]),
        **_of_drafter(records[0].drafter),
        "trained_in": ", ".join(sorted({trained_in(record) for record in records} - {""})),
        "peak_mib": max(g.peak_bytes for g in generations) / 2**20,
        "prefill_s": sum(g.prefill_s for g in generations),
        "decode_s": sum(g.decode_s for g in generations),
        "heat_id": records[0].heat_id if suite != ALL_SUITES else " ".join(sorted({r.heat_id for r in records})),
        "semantics": spec.harness_semantics,
        "setting": _setting(records, suite),
        "key": records[0].key if suite != ALL_SUITES else canonical_sha256(sorted(r.key for r in records)),
    }


def _of_drafter(drafter: DrafterInfo | None) -> dict[str, Any]:
    """What it is, whatever suite it runs on; without one it has no parameters, and nothing was learned."""
    told = DrafterInfo(parameters=0) if drafter is None else drafter
    learned = {
        "training_tokens": told.training_tokens,
        "drafter_gradient_tokens": told.gradient_tokens,
        "drafter_training_flops": told.training_flops,
    }
    return {
        "drafter_parameters": told.parameters,
        **{name: math.nan if value is None else value for name, value in learned.items()},
        "levels_by_pass": " ".join(map(str, told.levels_by_pass)),
    }


def trained_in(record: CellRecord) -> str:
    """The mixed precision that the record's student was trained in; "" for the untouched model, and where unknown."""
    heat = record.manifest.get("heat")
    return str(heat.get("trained_in", "")) if isinstance(heat, dict) else ""


def _setting(records: Sequence[CellRecord], suite: str) -> str:
    """What a rerun must share to be held against this row: the specifications, and the drafter's size and diet."""
    drafters = [None if r.drafter is None else (r.drafter.parameters, r.drafter.training_tokens) for r in records]
    return canonical_sha256([suite, *sorted([r.spec.setting(), d] for r, d in zip(records, drafters, strict=True))])


def _scores(cells: Sequence[Cell], *, pooled: bool) -> dict[str, Any]:
    """Mean score of one suite, and the share of right answers in the suites whose score is one."""
    right_or_wrong = [cell for cell in cells if is_accuracy(cell.record.metric)]
    return {
        "metric": "" if pooled else cells[0].record.metric,
        **_mean("score", [] if pooled else cells),
        **_mean("accuracy", right_or_wrong),
        "accuracy_suites": len(right_or_wrong),
        "accuracy_docs": sum(len(cell.rows) for cell in right_or_wrong),
    }


def _mean(name: str, cells: Sequence[Cell]) -> dict[str, float]:
    scores = [row.scores[cell.record.metric] for cell in cells for row in cell.rows]
    if not scores:
        return {name: math.nan, **bounds(name, None)}
    clusters = [cluster for cell in cells for cluster in clusters_of(cell)]
    return {
        name: sum(scores) / len(scores),
        **bounds(name, accuracy_interval(np.array(scores, dtype=np.float64)[:, None], clusters)),
    }


def _order(lines: Sequence[Sequence[Any]]) -> list[int]:
    """Places of rows in the order of the table."""
    if not lines:
        return []
    at = dict(zip(NAMES, zip(*lines, strict=True), strict=True))
    keys = [
        *zip(
            at["temperature"],
            [suite != ALL_SUITES for suite in at["suite"]],
            at["suite"],
            at["model"],
            [method != UNTOUCHED for method in at["method"]],
            [*map(named_student, at["student"], at["training_seed"])],
            [-number for number in at["n_suites"]],
            [-number for number in at["n_docs"]],
            [decoder != BASELINE_DECODER for decoder in at["decoder"]],
            [*map(named_decoder, at["decoder"], at["drafter_made_for"])],
            at["seed"],
            at["key"],
            strict=True,
        )
    ]
    return sorted(range(len(keys)), key=keys.__getitem__)

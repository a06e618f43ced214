"""One heat: all arms of one (checkpoint, suite, seed, temperature), document by document, in one process.

Each document is answered by every arm before the next one is opened, from the same prompt ids, and the order of the
arms is rotated from document to document (`decoding.py`). lm-eval scores the answers, the certificate is made, and only
then are the cells committed, all together; until then the answers are kept aside (`kept_documents.py`, `unscored.py`).
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import JsonValue

from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.layouts.names import LAYOUTS
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.progress import Progress, Silent
from offbook.harness.certificates.certify import certify
from offbook.harness.records.cell import CellRecord, CellSpec, LimitsSpec
from offbook.harness.records.made_once import RECIPES
from offbook.harness.records.spent import spending
from offbook.harness.records.store import Store
from offbook.harness.records.student import StudentId
from offbook.harness.roster import decoders as roster
from offbook.harness.roster.arms import Arm, told_apart
from offbook.harness.roster.target import Target
from offbook.harness.suites.rehearsal import check_metric, check_prompts
from offbook.harness.suites.requests import Asked, ask
from offbook.harness.suites.scoring import main_metric, not_scored
from offbook.harness.suites.suite import Suite
from offbook.harness.tables.labels import decoder_label, student_label
from offbook.harness.trials.decoding import conditions, document_seed, pace
from offbook.harness.trials.exposure import heat_exposure
from offbook.harness.trials.heat_answers import answers_key, answers_of, scored
from offbook.harness.trials.replaced import replaced
from offbook.harness.trials.unscored import any_kept, drop, scoring


@dataclass(frozen=True, kw_only=True)
class Heat:
    """A heat that is fully determined but not yet run: `limits` by doc_id, `cells` are the specifications by arm.

    `recipes`: what was made for it (`records.made_once`).
    `rehearsed`: whether the suite is known to score an answer; if not, the first one is scored before the second.
    """

    target: Target
    arms: tuple[Arm, ...]
    asked: Asked
    sampling: Sampling
    limits: Mapping[int, Limits]
    seed: int
    cells: Mapping[str, CellSpec]
    trained_in: str = ""
    trial: str = ""
    recipes: Mapping[str, JsonValue] = field(default_factory=dict)
    rehearsed: bool = True

    @property
    def baseline(self) -> Arm:
        """The arm that losslessness is measured against: plain decoding in the plainest layout."""
        plain = [arm for arm in self.arms if arm.name == roster.BASELINE]
        return min(plain, key=lambda arm: LAYOUTS.index(arm.layout))

    @property
    def layouts(self) -> dict[str, Mapping[str, JsonValue]]:
        """What is known of the layouts that arms decode in."""
        names = {arm.layout for arm in self.arms if arm.layout in LAYOUTS}
        return {name: self.target.under(name).backbone.layout_facts for name in sorted(names)}

    @property
    def title(self) -> str:
        """For people."""
        student = next(iter(self.cells.values())).student
        who = "" if student.untouched else f" by {student_label(student)}"
        return f"{self.asked.suite.name} at temperature {self.sampling.temperature:g}{who}"


def plan_heat(
    target: Target,
    arms: Sequence[Arm],
    suite: Suite,
    *,
    seed: int = 0,
    sampling: Sampling | None = None,
    limit: int | None = None,
    max_new_tokens: int | None = None,
    chat_template: bool | None = None,
    student: StudentId | None = None,
    trained_in: str = "",
    trial: str = "",
    recipes: Mapping[str, JsonValue] | None = None,
) -> Heat:
    """Builds a heat's requests and specifications.

    Args:
        target: the checkpoint.
        arms: contenders; `autoregressive` must be among them.
        suite: what is asked.
        seed: of every random number.
        sampling: decoding settings; greedy by default.
        limit: how many documents, from the suite's first; all by default.
        max_new_tokens: cap on each answer; each document's own by default.
        chat_template: whether prompts go through the chat template; by default where there is one.
        student: who the checkpoint is of the model it is named after; by default that model itself.
        trained_in: mixed precision in which that was done; the manifest says it.
        trial: key of the specification that is run; records say it.
        recipes: what was made for it; the manifest says it.

    Raises:
        ValueError: no baseline among the arms, two that do not differ, a suite that decoders take no part in or that
            has no number a document, or a document that does not fit the model's context.
    """
    if roster.BASELINE not in [arm.name for arm in arms]:
        msg = (
            f"expected {roster.BASELINE} among the decoders, got {', '.join(arm.name for arm in arms) or 'none'}; add "
            "it: speed and losslessness are measured against it"
        )
        raise ValueError(msg)
    arms = told_apart(arms)
    chat = target.has_chat_template if chat_template is None else chat_template
    asked = ask(suite, target, limit=limit, chat_template=chat)
    caps = {request.doc_id: max_new_tokens or request.max_new_tokens for request in asked.requests}
    recorded = Limits(
        max_new_tokens=max(caps.values()),
        eos_token_ids=target.eos_token_ids,
        stop_strings=tuple(dict.fromkeys(stop for r in asked.requests for stop in r.stop_strings)),
    )
    check_prompts(asked, target, max_new_tokens=max_new_tokens)
    rehearsed = check_metric(asked, target)
    sampling = sampling or Sampling()
    cells = {
        arm.id: CellSpec(
            model=target.name,
            revision=target.revision,
            weights_sha256=target.weights_sha256,
            settings_sha256=target.settings_sha256,
            student=student or StudentId(),
            decoder=arm.name,
            made_by=arm.made_by,
            decoder_config=dict(arm.options),
            drafter=arm.drafter_id,
            layout=arm.layout,
            tuning=arm.tuning_sha256,
            suite=suite.name,
            suite_fingerprint=asked.fingerprint,
            seed=seed,
            temperature=sampling.temperature,
            top_k=sampling.top_k,
            top_p=sampling.top_p,
            limits=LimitsSpec.of(recorded),
            dtype=target.dtype,
            n_docs=len(asked.requests),
            chat_template=chat,
        )
        for arm in arms
    }
    return Heat(
        target=target,
        arms=arms,
        asked=asked,
        sampling=sampling,
        limits={r.doc_id: target.limits(caps[r.doc_id], r.stop_strings) for r in asked.requests},
        seed=seed,
        cells=cells,
        trained_in=trained_in,
        trial=trial,
        recipes=recipes or {},
        rehearsed=rehearsed,
    )


def is_done(heat: Heat, store: Store) -> bool:
    """Whether the store holds this heat; finishes a commit that was interrupted.

    A heat that lost a record is not done, and is run again as a whole; so is one with more arms than the store holds.

    Raises:
        ValueError: it holds a part of it, from a heat with arms that would be dropped.
    """
    store.recover()
    held = store.held([spec.key() for spec in heat.cells.values()])
    if held == "some":
        replaced(heat.cells, store)
    return held == "all"


def run_heat(heat: Heat, store: Store, progress: Progress | None = None) -> list[CellRecord]:
    """Runs a heat and commits its cells; one that the store holds is not run again.

    Where an earlier process generated the answers and could not score them, they are scored, with the times, the load
    and the manifest of that process.

    Returns:
        The heat's records.

    Raises:
        ValueError: a prompt that does not fit, a store with a part of this heat, or a task that cannot score an answer.
    """
    progress = progress or Silent()
    keys = {spec.key() for spec in heat.cells.values()}
    name = heat.asked.suite.name
    done = is_done(heat, store)
    if done and not any_kept(store.root):
        return _committed(store, heat)
    prompts = {
        request.doc_id: heat.target.prompt(request.prompt, templated=heat.asked.chat_template)
        for request in heat.asked.requests
    }
    key = answers_key(heat, prompts)
    if done:
        drop(store.root, name, key)
        return _committed(store, heat)
    if told := heat.asked.not_done(heat.sampling):
        progress.say(told)
    answers = answers_of(heat, store, key, prompts, progress)
    clock, description = time.perf_counter(), dict(answers.began.manifest)
    with scoring(store.root):
        rows = {arm.id: scored(heat, answers, arm) for arm in heat.arms}
        metric = main_metric(dict(enumerate(row.scores for arm in heat.arms for row in rows[arm.id])), name)
    with spending("forwards"):
        certificates = {
            arm.id: certify(
                arm,
                target=heat.target,
                sampling=heat.sampling,
                seed=heat.seed,
                baseline=heat.baseline,
                reference=rows[heat.baseline.id],
                rows=rows[arm.id],
                prompts={doc_id: prompt[0].tolist() for doc_id, prompt in prompts.items()},
                generator_of=lambda doc_id: heat.target.generator(document_seed(heat.seed, name, doc_id)),
            )
            for arm in heat.arms
        }
    if reason := not_scored(name, metric):
        description["not_scored"] = {name: reason}
        progress.say(f"    {name}: not scored right or wrong: {reason}")
    started = answers.began.started_utc
    heat_id = hashlib.sha256(f"{sorted(keys)}{started.isoformat()}".encode()).hexdigest()[:12]
    exposed = _exposed(heat, answers.found)
    description["heat"] = {
        "arms": [*heat.cells],
        **conditions(heat.target),
        "parameters": heat.target.parameters,
        **({"trained_in": heat.trained_in} if heat.trained_in else {}),
        "load_average": answers.load_average,
        **({"parts": answers.parts} if answers.parts else {}),
        **exposed,
    }
    tunings: dict[str, JsonValue] = {arm.id: dict(arm.tuning) for arm in heat.arms if arm.tuning is not None}
    description |= {"tunings": tunings} if tunings else {}
    description |= {RECIPES: {**heat.recipes}} if heat.recipes else {}
    for who, why in exposed.get("found", {}).items():
        progress.say(f"    {name}: {who} {why}")
    finished, wall_s = datetime.now(UTC), answers.wall_s + time.perf_counter() - clock
    records = [
        CellRecord(
            key=heat.cells[arm.id].key(),
            trial=heat.trial,
            heat_id=heat_id,
            spec=heat.cells[arm.id],
            certificate=certificates[arm.id],
            manifest=description,
            drafter=arm.drafter,
            metric=metric,
            started_utc=started,
            finished_utc=finished,
            wall_s=wall_s,
        )
        for arm in heat.arms
    ]
    entries = list(zip(records, (rows[arm.id] for arm in heat.arms), strict=True))
    store.commit(entries, instead_of=replaced(heat.cells, store))
    drop(store.root, name, key)
    return _committed(store, heat)


def _exposed(heat: Heat, seen: Mapping[str, str]) -> dict[str, Any]:
    """What was found of who takes part, whose training nobody knows, and whose forwards are not seen from here."""
    student = next(iter(heat.cells.values())).student
    model = heat.target.name if student.untouched else student_label(student)
    return heat_exposure(heat.arms, model, heat.target.trained_on, heat.asked.requests, seen)


def summary(heat: Heat, store: Store) -> str:
    """A committed heat in one line: tokens per second and acceptance length of each arm."""
    labels = [decoder_label(spec) for spec in heat.cells.values()]
    return " | ".join(
        f"{label if labels.count(label) == 1 else arm} {pace([row.generation() for row in store.rows(record)])}"
        for label, arm, record in zip(labels, heat.cells, _committed(store, heat), strict=True)
    )


def _committed(store: Store, heat: Heat) -> list[CellRecord]:
    return [record for spec in heat.cells.values() if (record := store.record(spec.key())).kind == "cell"]

"""One heat: all arms of one (checkpoint, suite, seed, temperature), document by document, in one process.

Each document is answered by every arm before the next one is opened, from the same prompt ids, and the order of the
arms is rotated from document to document; whatever slows the machine for a while slows all of them. Every arm first
begins an answer to the first document, uncounted. lm-eval scores the answers, the certificate is made, and only then
are the cells committed, all together.
"""

import gc
import hashlib
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import torch

from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.metrics import acceptance_length, tokens_per_second
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import visible_text
from offbook.harness import roster
from offbook.harness.arms import Arm
from offbook.harness.certify import certify
from offbook.harness.journal import commit_heat, in_store, recover
from offbook.harness.progress import Progress, Silent
from offbook.harness.provenance import load_average, manifest
from offbook.harness.record import CellSpec, DocumentRow, LimitsSpec, Record
from offbook.harness.rehearsal import check_first_answer, check_metric, check_prompts
from offbook.harness.requests import Asked, Suite, ask
from offbook.harness.scoring import main_metric, not_scored, score
from offbook.harness.store import Store
from offbook.harness.target import Target

WARM_UP_TOKENS = 8


@dataclass(frozen=True, kw_only=True)
class Heat:
    """A heat that is fully determined but not yet run: `limits` by doc_id, `cells` are the specifications by arm.

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
    rehearsed: bool = True

    @property
    def title(self) -> str:
        """For people."""
        student = next(iter(self.cells.values())).training
        who = "" if student == "untouched" else f" by {student}"
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
    training: str = "untouched",
    trained_in: str = "",
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
        training: how the checkpoint was made from the model it is named after.
        trained_in: mixed precision in which that was done; the manifest says it.

    Raises:
        ValueError: no baseline among the arms, a suite that decoders take no part in or that has no number a document,
            or a document that does not fit the model's context.
    """
    if roster.BASELINE not in [arm.name for arm in arms]:
        msg = (
            f"expected {roster.BASELINE} among the decoders, got {', '.join(arm.name for arm in arms) or 'none'}; add "
            "it: speed and losslessness are measured against it"
        )
        raise ValueError(msg)
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
        arm.name: CellSpec(
            model=target.name,
            weights_sha256=target.weights_sha256,
            training=training,
            decoder=arm.name,
            decoder_config=dict(arm.options),
            drafter_fingerprint=arm.drafter_fingerprint,
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
        arms=tuple(arms),
        asked=asked,
        sampling=sampling,
        limits={r.doc_id: target.limits(caps[r.doc_id], r.stop_strings) for r in asked.requests},
        seed=seed,
        cells=cells,
        trained_in=trained_in,
        rehearsed=rehearsed,
    )


def is_done(heat: Heat, store: Store) -> bool:
    """Whether the store holds this heat; finishes a commit that was interrupted.

    Raises:
        ValueError: it holds a part of it, from a heat with other arms.
    """
    recover(store)
    return in_store(store, [spec.key() for spec in heat.cells.values()])


def run_heat(heat: Heat, store: Store, progress: Progress | None = None) -> list[Record]:
    """Runs a heat and commits its cells; one that the store holds is not run again.

    Returns:
        The heat's records.

    Raises:
        ValueError: a prompt that does not fit, or a store with a part of this heat.
    """
    progress = progress or Silent()
    keys = {spec.key() for spec in heat.cells.values()}
    if is_done(heat, store):
        return [record for record in store.records() if record.key in keys]
    if told := heat.asked.not_done(heat.sampling):
        progress.say(told)
    started, clock = datetime.now(UTC), time.perf_counter()
    description, load_at_start = manifest(), load_average()  # a commit made while it runs is not what runs
    prompts = {
        request.doc_id: heat.target.prompt(request.prompt, templated=heat.asked.chat_template)
        for request in heat.asked.requests
    }
    generations = _decode(heat, prompts, progress)
    rows = {arm.name: _rows(heat, generations[arm.name]) for arm in heat.arms}
    certificates = {
        arm.name: certify(
            arm,
            target=heat.target,
            sampling=heat.sampling,
            seed=heat.seed,
            reference=rows[roster.BASELINE],
            rows=rows[arm.name],
            prompts={doc_id: prompt[0].tolist() for doc_id, prompt in prompts.items()},
        )
        for arm in heat.arms
    }
    every_row = [row.scores for arm in heat.arms for row in rows[arm.name]]
    metric = main_metric(dict(enumerate(every_row)), heat.asked.suite.name)
    if reason := not_scored(heat.asked.suite.name, metric):
        description["not_scored"] = {heat.asked.suite.name: reason}
        progress.say(f"    {heat.asked.suite.name}: not scored right or wrong: {reason}")
    heat_id = hashlib.sha256(f"{sorted(keys)}{started.isoformat()}".encode()).hexdigest()[:12]
    description["heat"] = {
        "arms": [arm.name for arm in heat.arms],
        "order": "rotated",
        "warm_up_tokens": WARM_UP_TOKENS,
        **({"trained_in": heat.trained_in} if heat.trained_in else {}),
        "load_average": {"start": load_at_start, "end": load_average()},
    }
    finished, wall_s = datetime.now(UTC), time.perf_counter() - clock
    records = [
        Record(
            key=heat.cells[arm.name].key(),
            heat_id=heat_id,
            spec=heat.cells[arm.name],
            certificate=certificates[arm.name],
            manifest=description,
            drafter=arm.drafter,
            metric=metric,
            started_utc=started,
            finished_utc=finished,
            wall_s=wall_s,
        )
        for arm in heat.arms
    ]
    return commit_heat(store, [(record, rows[record.spec.decoder]) for record in records])


def summary(heat: Heat, store: Store) -> str:
    """A committed heat in one line: tokens per second and acceptance length of each arm."""
    keys = {spec.key() for spec in heat.cells.values()}
    parts = []
    for record in store.records():
        if record.key in keys:
            generations = [row.generation() for row in store.rows(record)]
            parts.append(f"{record.spec.decoder} {_pace(generations)}")
    return " | ".join(parts)


def document_seed(seed: int, suite: str, doc_id: int, arm: str) -> int:
    """The seed of one answer, a function of nothing but these."""
    digest = hashlib.sha256(f"{seed}/{suite}/{doc_id}/{arm}".encode()).digest()
    return int.from_bytes(digest[:8]) >> 2  # torch takes 63 bits


def _decode(heat: Heat, prompts: Mapping[int, torch.Tensor], progress: Progress) -> dict[str, dict[int, Generation]]:
    """Answers by arm and doc_id."""
    order = list(heat.arms)
    random.Random(heat.seed).shuffle(order)
    doc_ids = list(prompts)
    first = heat.limits[doc_ids[0]]
    short = replace(first, max_new_tokens=min(WARM_UP_TOKENS, first.max_new_tokens))
    for number, arm in enumerate(order):
        progress.update(
            0, len(order) * len(doc_ids), f"{heat.title}: warming up {arm.name} ({number + 1}/{len(order)})"
        )
        _generate(heat, arm, doc_ids[0], prompts[doc_ids[0]], short)
    generations: dict[str, dict[int, Generation]] = {arm.name: {} for arm in heat.arms}
    for turn, doc_id in enumerate(doc_ids):
        shift = turn % len(order)
        for number, arm in enumerate(order[shift:] + order[:shift]):
            generations[arm.name][doc_id] = _generate(heat, arm, doc_id, prompts[doc_id], heat.limits[doc_id])
            progress.update(
                turn * len(order) + number + 1,
                len(order) * len(doc_ids),
                f"{heat.title}: {arm.name} {_pace(list(generations[arm.name].values()))}",
            )
            if not heat.rehearsed and turn == number == 0:
                text = heat.target.detokenize(generations[arm.name][doc_id].tokens)
                text = visible_text(text, heat.limits[doc_id].stop_strings)
                check_first_answer(heat.asked, heat.target, text)
    return generations


def _generate(heat: Heat, arm: Arm, doc_id: int, prompt_1P: torch.Tensor, limits: Limits) -> Generation:
    generator = heat.target.generator(document_seed(heat.seed, heat.asked.suite.name, doc_id, arm.name))
    gc.disable()  # a collection in the middle would be charged to whoever is running
    try:
        return arm.decoder.generate(prompt_1P, sampling=heat.sampling, limits=limits, generator=generator)
    except ValueError as error:
        msg = f"{heat.asked.suite.name}, document {doc_id}, {arm.name}: {error}"
        raise ValueError(msg) from error
    finally:
        gc.enable()


def _rows(heat: Heat, generations: Mapping[int, Generation]) -> list[DocumentRow]:
    texts = {
        doc_id: visible_text(heat.target.detokenize(generation.tokens), heat.limits[doc_id].stop_strings)
        for doc_id, generation in generations.items()
    }
    scores = score(heat.asked, heat.target, texts)
    return [
        DocumentRow.from_generation(
            generations[request.doc_id],
            doc_id=request.doc_id,
            doc_hash=request.doc_hash,
            text=texts[request.doc_id],
            scores=scores[request.doc_id],
        )
        for request in heat.asked.requests
    ]


def _pace(generations: Sequence[Generation]) -> str:
    return f"{tokens_per_second(generations):.1f} tok/s, {acceptance_length(generations):.2f} a forward"

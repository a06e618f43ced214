"""Tuning a decoder: its settings, the cost of its drafts and what its candidates are worth, on development prompts.

The prompts are those that every drafter's training holds out, never a test prompt. The target answers them once; each
setting of a decoder is then replayed against the answers (`engine.decoding.replay`), which costs its drafts alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.decoding.calibration import Calibration, Cell, Tally
from offbook.engine.decoding.controller import Nothing
from offbook.engine.decoding.cost_aware import CostAware, Tuned
from offbook.engine.decoding.costs import RowCosts
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.generation import RoundTime
from offbook.engine.decoding.replay import Expected, KnownText, Proposal, expect, replay
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.target_rounds import captures
from offbook.engine.drafters.config import TrainingConfig, held_out
from offbook.engine.machine import abilities
from offbook.engine.progress import Progress
from offbook.harness.records.drafter import MadeFor
from offbook.harness.roster.arms import Arm, build_arm
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import BASELINE, contender
from offbook.harness.roster.target import Target
from offbook.harness.roster.tuning import AtTemperature, DecoderTuning, Tuning
from offbook.tasks.prompts import CATEGORIES, Prompt, load_prompts

PROMPTS, TOKENS = 12, 40
DECODED = 3  # answers whose rounds are decoded, to cost drafts where they are made
ALWAYS = 1e9  # seconds that a round seems to save: drafting is never suspended


def development_answers(
    target: Target, temperature: float, progress: Progress, *, prompts: int = PROMPTS, tokens: int = TOKENS
) -> list[KnownText]:
    """Answers of `tokens` tokens at most to `prompts` prompts; see `development_prompts`."""
    return answers_to(target, development_tokens(target, prompts), temperature, progress, tokens=tokens)


def development_tokens(target: Target, prompts: int) -> list[list[int]]:
    """The token ids of `development_prompts`, as the target reads them."""
    return [list(chat_tokens(target.tokenizer, prompt.asked)) for prompt in development_prompts(prompts)]


def answers_to(
    target: Target, asked: Sequence[Sequence[int]], temperature: float, progress: Progress, *, tokens: int
) -> list[KnownText]:
    """Plain decoding's answers of at most `tokens` tokens to prompts given as token ids, each from its own seed."""
    (plain,) = [build_arm(target, contender(BASELINE))]
    found = []
    for number, ids in enumerate(asked):
        progress.update(number, len(asked), f"answers of the target at temperature {temperature:g}")
        sampling = Sampling(temperature=temperature)
        answer = plain.decoder.generate(
            torch.tensor([ids], device=target.device),
            sampling=sampling,
            limits=target.limits(min(tokens, target.backbone.context_length - len(ids))),
            generator=target.generator(number),
        )
        drawn = partial(KnownText, sampling=sampling, generator=target.generator(number), rounds=answer.times)
        found.append(drawn(target.backbone, ids, answer.tokens))
    return found


def development_prompts(prompts: int) -> list[Prompt]:
    """Up to so many training prompts that every drafter's training holds out, the categories in turn."""
    fraction = TrainingConfig().dev_fraction
    kept = [prompt for prompt in load_prompts("train") if held_out(prompt.id, fraction)]
    by_category = {name: [prompt for prompt in kept if prompt.category == name] for name in CATEGORIES}
    return [group[i] for i in range(len(kept)) for group in by_category.values() if i < len(group)][:prompts]


def tune_decoder(
    target: Target,
    chosen: Contender,
    answers: Mapping[float, Sequence[KnownText]],
    costs: RowCosts,
    *,
    options: Mapping[str, Any] | None = None,
    drafter_folder: Path | None = None,
    made_for: MadeFor = "target",
) -> DecoderTuning:
    """The best settings of a decoder, judged at the first temperature, and what is known of it with these.

    Args:
        target: in the layout that it is tuned for.
        chosen: the decoder.
        answers: to development prompts, by temperature.
        costs: of the target's rows.
        options: settings that are not to be chosen.
        drafter_folder: its trained drafter.
        made_for: whom that was trained for.

    Raises:
        ValueError: see `build_arm`; or a decoder without rounds in offbook's loop, which nothing can cut.
    """
    fixed, first = dict(options or {}), next(iter(answers))
    tried: list[tuple[float, Arm, list[list[Proposal]]]] = []
    for settings in chosen.tries:
        arm = build_arm(target, chosen, options={**settings, **fixed}, drafter_folder=drafter_folder, made_for=made_for)
        if all(arm.options != other.options for _, other, _ in tried):
            rounds = _replayed(target, arm, answers[first])
            tried.append((_expected(costs, _draft_s(rounds), rounds).speedup, arm, rounds))
    _, best, rounds = max(tried, key=lambda one: one[0])
    draft_s = _draft_s_between_steps(best, answers[first], costs, rounds)
    return DecoderTuning(
        decoder=chosen.name,
        options=dict(best.options),
        drafter_sha256=None if best.drafter_id is None else best.drafter_id.sha256,
        draft_s=round(draft_s, 7),
        at=tuple(
            _at(temperature, costs, draft_s, rounds if temperature == first else _replayed(target, best, some))
            for temperature, some in answers.items()
        ),
    )


def tuning_of(
    target: Target,
    costs: Mapping[str, RowCosts],
    answers: Mapping[float, Sequence[KnownText]],
    decoders: Sequence[DecoderTuning],
) -> Tuning:
    """All that was found of decoders on a target, in its layout, on this machine."""
    return Tuning(
        machine=abilities(),
        model=target.name,
        weights_sha256=target.weights_sha256,
        dtype=target.dtype,
        layout=target.backbone.layout.name,
        prompts=max(len(some) for some in answers.values()),
        tokens=sum(len(one.answer) for some in answers.values() for one in some),
        costs=dict(costs),
        decoders=tuple(decoders),
    )


def _replayed(target: Target, arm: Arm, answers: Sequence[KnownText]) -> list[list[Proposal]]:
    if not isinstance(arm.decoder, SpeculativeDecoder):
        msg = f"{arm.name}: expected a decoder with rounds in offbook's loop, got one of its own; it cannot be tuned"
        raise ValueError(msg)
    return [replay(arm.decoder.drafter, one) for one in answers if len(one.answer) > 1]


def _draft_s(rounds: Sequence[Sequence[Proposal]]) -> float:
    """Of a usual round; an answer's first also reads the prompt."""
    return median([one.draft_s for answer in rounds for one in answer[1:]] or [0.0])


def _draft_s_between_steps(
    arm: Arm, answers: Sequence[KnownText], costs: RowCosts, rounds: Sequence[Sequence[Proposal]]
) -> float:
    """Of a usual round of decoding, what it takes beside the target, more than a plain round does.

    A replay drafts with warm caches, and no controller chooses; between two steps of the target all of it takes longer.
    """
    replayed = _draft_s(rounds)
    tuned = Tuned(costs=costs, draft_s=replayed, calibration=_calibrated(rounds), saved_s=ALWAYS)
    assert isinstance(arm.decoder, SpeculativeDecoder)
    backbone, drafter = arm.decoder.backbone, arm.decoder.drafter
    decoder = SpeculativeDecoder(backbone, drafter, controller=CostAware(tuned))
    alone = SpeculativeDecoder(
        backbone, drafter, controller=Nothing()
    )  # a GPU plays others whole, without such seconds
    beside: list[float] = []
    plain: list[float] = []
    for known in [one for one in answers if len(one.answer) > 1][:DECODED]:
        beside += _beside(_rounds_of(decoder, known))
        plain += _beside(known.rounds or (_rounds_of(alone, known) if captures(backbone) else ()))
    return max(replayed, median(beside) - median(plain)) if beside and plain else replayed


def _rounds_of(decoder: SpeculativeDecoder, known: KnownText) -> Sequence[RoundTime]:
    answer = decoder.generate(
        known.text_T[None, : len(known.prompt)],
        sampling=known.sampling,
        limits=Limits(max_new_tokens=len(known.answer)),
        generator=known.generator(),
    )
    return answer.times


def _beside(times: Sequence[RoundTime]) -> list[float]:
    """Of each round but the first, which also reads the prompt, what is not the target's."""
    return [time.wall_s - time.target_s for time in times[1:] if time.target_s is not None]


def _calibrated(rounds: Sequence[Sequence[Proposal]]) -> Calibration:
    tally = Tally()
    for answer in rounds:
        for one in answer:
            tally.add(one.tree, one.committed)
    return Calibration.of(tally)


def _saved_s(tuned: Tuned, rounds: Sequence[Sequence[Proposal]]) -> float:
    """Of a round, where every round drafts."""
    found = expect(replace(tuned, saved_s=ALWAYS), rounds)
    return (found.drafted_plain_s - found.drafted_s) / found.rounds if found.rounds else 0.0


def _expected(costs: RowCosts, draft_s: float, rounds: Sequence[Sequence[Proposal]]) -> Expected:
    """Each half of the answers by what the other half showed."""
    total = Expected()
    for ours, others in ((rounds[::2], rounds[1::2]), (rounds[1::2], rounds[::2])):
        tuned = Tuned(costs=costs, draft_s=draft_s, calibration=_calibrated(others))
        total += expect(replace(tuned, saved_s=_saved_s(tuned, others)), ours)
    return total


def _at(temperature: float, costs: RowCosts, draft_s: float, rounds: Sequence[Sequence[Proposal]]) -> AtTemperature:
    tuned = Tuned(costs=costs, draft_s=draft_s, calibration=_calibrated(rounds))
    expected, ranks = _expected(costs, draft_s, rounds), Tally()
    for one in (one for answer in rounds for one in answer):
        ranks.add(replace(one.tree, survival=None), one.committed)
    return AtTemperature(
        temperature=temperature,
        calibration=tuned.calibration,
        saved_s=round(_saved_s(tuned, rounds), 7),
        speedup=round(expected.speedup, 3),
        acceptance_length=round(expected.acceptance_length, 3),
        break_even=round(expected.break_even, 3),
        by_position=_by_position([one for answer in rounds for one in answer]),
        by_rank=tuple(
            round(ranks.held.get(kind, 0) / ranks.judged[kind], 4)
            for place in range(len(ranks.judged))
            if (kind := Cell("rank", 1, place)) in ranks.judged
        ),
    )


def _by_position(rounds: Sequence[Proposal]) -> tuple[float, ...]:
    """Whole proposals, as they were replayed: all but the last token of a round was accepted."""
    found = []
    for depth in range(1, 1 + max((max(one.tree.depths) for one in rounds), default=0)):
        reached = [one for one in rounds if len(one.committed) >= depth and _offers(one, depth)]
        if not reached:
            break
        found.append(round(sum(_accepts(one, depth) for one in reached) / len(reached), 4))
    return tuple(found)


def _along(one: Proposal) -> list[int]:
    path = [0]
    for token in one.committed:
        path += [child for child in one.tree.children[path[-1]] if one.tree.tokens[child] == token][:1] or [-1]
        if path[-1] < 0:
            return path[:-1]
    return path


def _offers(one: Proposal, depth: int) -> bool:
    path = _along(one)
    return len(path) >= depth and bool(one.tree.children[path[depth - 1]])


def _accepts(one: Proposal, depth: int) -> bool:
    return len(_along(one)) > depth

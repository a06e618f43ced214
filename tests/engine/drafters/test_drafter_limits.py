"""The two ends of acceptance, and metrics of logs whose values are known."""

import math

import pytest
import torch

from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.generation import Generation, Round, RoundTime
from offbook.engine.decoding.metrics import (
    acceptance_histogram,
    acceptance_length,
    acceptance_rate,
    burst_seconds,
    conditional_acceptance,
    draft_cost_ratio,
    time_split,
    token_seconds,
    tokens_per_second,
)
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from tests.engine.targets import VOCABULARY, greedy_reference, target
from tests.engine.tiny_drafters import Never, Oracle, Scripted

PROMPT = [7, 3, 11, 3, 29]


def run(drafter: Scripted, cap: int, *, eos: int | None = None) -> Generation:
    return SpeculativeDecoder(target(), drafter).generate(
        torch.tensor([PROMPT]),
        sampling=Sampling(),
        limits=Limits(max_new_tokens=cap, eos_token_ids=frozenset() if eos is None else frozenset({eos})),
        generator=torch.Generator(),
    )


@pytest.mark.parametrize("depth", [1, 2, 5])
@pytest.mark.parametrize("decoys", [0, 2])
def test_a_drafter_that_is_always_right_is_accepted_in_full(depth, decoys):
    rounds = 4
    cap = 1 + rounds * (depth + 1)  # the prefill's token and whole rounds
    answer = greedy_reference(target(), PROMPT, cap + depth)
    generation = run(Oracle(answer, depth=depth, decoys=decoys), cap)
    assert list(generation.tokens) == answer[:cap]
    assert [r.accepted for r in generation.rounds] == [depth] * rounds
    assert acceptance_length([generation]) == depth + 1
    assert conditional_acceptance([generation]) == [1.0] * depth
    if not decoys:
        assert acceptance_rate([generation]) == 1.0


def test_a_drafter_that_never_hits_has_acceptance_length_one():
    answer = greedy_reference(target(), PROMPT, 20)
    generation = run(Never(answer, depth=3, vocabulary=VOCABULARY), 12)
    assert list(generation.tokens) == answer[:12]
    assert acceptance_length([generation]) == 1.0
    assert acceptance_rate([generation]) == 0.0
    assert acceptance_histogram([generation]) == {0: 11}


def test_a_trimmed_last_round_counts_only_what_was_kept():
    answer = greedy_reference(target(), PROMPT, 20)
    assert answer.index(answer[8]) == 8
    generation = run(Oracle(answer, depth=5), 20, eos=answer[8])  # 1 + 6 + 2 of the next 6
    assert list(generation.tokens) == answer[:9]
    assert [(r.offered, r.accepted, r.committed) for r in generation.rounds] == [(5, 5, 6), (2, 2, 2)]
    assert acceptance_length([generation]) == 4.0


@pytest.mark.parametrize("decoys", [0, 2])
def test_nothing_is_verified_that_the_cap_leaves_no_room_for(decoys):
    answer = greedy_reference(target(), PROMPT, 20)
    widths, last = [], []

    def watch(module, arguments, given):
        widths.append(given["input_ids"].shape[1])
        last.append(int(given["position_ids"].max()))

    hook = target().model.register_forward_pre_hook(watch, with_kwargs=True)
    try:
        generation = run(Oracle(answer, depth=5, decoys=decoys), 10)  # 1 + 6 + 3, two candidates and a bonus
    finally:
        hook.remove()
    assert list(generation.tokens) == answer[:10]
    levels = [(5, 5, 6), (2, 2, 3)]
    assert [(r.offered, r.accepted, r.committed) for r in generation.rounds] == levels
    assert [r.drafted for r in generation.rounds] == [(1 + decoys) * level for level, *_ in levels]
    assert widths == [len(PROMPT), *(1 + r.drafted for r in generation.rounds)]
    assert max(last) == len(PROMPT) + 10 - 2  # the last token is never asked about


@pytest.mark.parametrize("cap", [2, 3, 8])
def test_the_last_token_is_the_targets_own(cap):
    generation = run(Oracle(greedy_reference(target(), PROMPT, 20), depth=1), cap)
    assert generation.rounds[-1].committed == generation.rounds[-1].accepted + 1


class OneDeepBranch(Oracle):
    """The next true token, a leaf, beside a wrong sibling that `depth` - 1 more tokens hang from."""

    def propose(self) -> Tree:
        true = self.answer[self.done]
        wrong = (true + 1) % VOCABULARY
        branch = [wrong] * self.depth
        return Tree((self.text[-1], true, *branch), (-1, 0, 0, *range(2, 1 + self.depth)))


def test_an_accepted_leaf_of_a_deeper_tree_offers_nothing_behind_it():
    answer = greedy_reference(target(), PROMPT, 20)
    generation = run(OneDeepBranch(answer, depth=3, decoys=1), 11)
    assert [(r.drafted, r.offered, r.accepted, r.committed) for r in generation.rounds] == [
        *[(4, 1, 1, 2)] * 4,
        (2, 1, 1, 2),
    ]
    assert conditional_acceptance([generation]) == [1.0]


def test_a_rejected_level_was_offered():
    answer = greedy_reference(target(), PROMPT, 20)
    generation = run(Never(answer, depth=3, vocabulary=VOCABULARY), 6)
    assert [(r.offered, r.accepted) for r in generation.rounds] == [*[(1, 0)] * 4, (0, 0)]  # the last has no room
    assert conditional_acceptance([generation]) == [0.0]


def generation(rounds: list[tuple[int, int, int, int]], **changes: object) -> Generation:
    fields = {
        "prompt_tokens": 5,
        "tokens": tuple(range(1 + sum(r[3] for r in rounds))),
        "prefill_committed": 1,
        "finish_reason": "length",
        "rounds": tuple(Round(drafted=a, offered=b, accepted=c, committed=d) for a, b, c, d in rounds),
        "draft_forwards": 0,
        "prefill_s": 1.0,
        "decode_s": 3.0,
        "draft_s": 0.5,
        "target_s": 2.0,
        "peak_bytes": 0,
    }
    return Generation(**(fields | changes))


def test_metrics_of_a_written_log_are_exact_and_pooled():
    log = [
        generation([(4, 3, 2, 3), (4, 1, 0, 1), (4, 2, 2, 3)]),
        generation([(4, 4, 4, 5)], decode_s=1.0, draft_s=1.5, target_s=2.0),
    ]
    assert acceptance_length(log) == 12 / 4
    assert acceptance_rate(log) == 8 / 16
    assert acceptance_histogram(log) == {0: 1, 2: 2, 4: 1}
    assert conditional_acceptance(log) == [3 / 4, 3 / 3, 1 / 2, 1.0]  # third: only two rounds had a third to offer
    assert tokens_per_second(log) == (8 + 6) / (4.0 + 2.0)
    assert draft_cost_ratio(log) == 2.0 / 4.0
    assert [g.target_forwards for g in log] == [3, 1]


def test_metrics_without_rounds_or_shares_say_so():
    alone = generation([])
    assert acceptance_length([alone]) == 1.0
    assert math.isnan(acceptance_rate([alone]))
    assert acceptance_histogram([alone]) == {}
    assert conditional_acceptance([alone]) == []
    assert math.isnan(draft_cost_ratio([generation([(1, 1, 1, 2)], draft_s=None)]))


def test_seconds_of_rounds_are_those_of_all_or_unknown():
    timed = generation([(4, 3, 2, 3), (4, 1, 0, 1)], times=(RoundTime(0.25, 0.5, 1.0), RoundTime(0.25, 0.5, 1.0)))
    unknown, without = generation([(4, 3, 2, 3)], draft_s=None, target_s=None), generation([])
    assert burst_seconds([timed, without]) == [1.0, 1.0]
    assert token_seconds([timed, without]) == [1 / 3, 1 / 3, 1 / 3, 1.0]
    assert time_split([timed, without]) == (0.25, 0.5, 0.25)
    for log in ([timed, unknown], [unknown, timed], [unknown]):
        assert burst_seconds(log) == token_seconds(log) == []
        assert all(math.isnan(share) for share in time_split(log)), "0 would be a number"

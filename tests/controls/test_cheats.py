"""Contenders that cheat are stopped, counted, or do no harm; and the checks that catch them pass who is honest."""

import dataclasses

import pytest
import torch

from offbook.engine.decoding.clock import CallCounter
from offbook.engine.decoding.decode import SpeculativeDecoder, decode
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.feature_draft import TreeConfig
from offbook.engine.decoding.generation import Generation, Round
from offbook.engine.decoding.metrics import acceptance_length
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.decoding.verify import verifier_for
from offbook.harness.records.document_row import DocumentRow
from tests.controls.drafters import Asker, EverLarger, OtherRoot, Overworked, TooLarge, Vandal
from tests.controls.verifiers import greedy_that_believes, greedy_that_skips
from tests.engine.targets import feature_drafter, greedy_reference, target
from tests.engine.tiny_drafters import Oracle, Scripted

PROMPT, CAP = [7, 3, 11, 3, 29], 12


def run(drafter, *, verifier=None, prompt=None, cap=CAP, on_commit=None) -> Generation:
    limits = Limits(max_new_tokens=cap)
    return decode(
        target(),
        drafter,
        torch.tensor([PROMPT]) if prompt is None else prompt,
        sampling=Sampling(),
        limits=limits,
        generator=torch.Generator(),
        stop=Stop(limits, None),
        on_commit=on_commit,
        verifier=verifier,
    )


def answer(spare=0):
    return greedy_reference(target(), PROMPT, CAP + spare)


def test_a_tree_that_hangs_from_another_root_is_stopped():
    with pytest.raises(ValueError, match=r"OtherRoot.propose: expected the last committed token, \d+, as root, got"):
        run(OtherRoot(4))


def test_a_tree_larger_than_announced_is_stopped():
    with pytest.raises(ValueError, match=r"TooLarge.propose: expected at most max_nodes = 3 nodes, got 4"):
        run(TooLarge(3))


def test_a_drafter_that_raises_its_own_limit_meets_the_end_of_the_cache():
    with pytest.raises(AssertionError, match="cache of"):
        run(EverLarger(3))


@pytest.mark.parametrize("extra", [0, 1, 3])
def test_every_call_of_a_network_is_counted_whoever_makes_it(extra):
    honest = run(feature_drafter("eagle2", target(), TreeConfig(total_tokens=6, depth=2, top_k=2)))
    drafter = feature_drafter("eagle2", target(), TreeConfig(total_tokens=6, depth=2, top_k=2))
    cheat = run(Overworked(drafter, extra=extra))
    assert cheat.tokens == honest.tokens
    assert cheat.draft_forwards == honest.draft_forwards + extra * sum(r.drafted > 0 for r in cheat.rounds)


def test_overwriting_what_it_is_told_gains_a_drafter_nothing():
    prompt = torch.tensor([PROMPT])
    expected = answer(spare=4)
    honest, vandal = Oracle(expected, depth=3, decoys=1), Vandal(expected, depth=3, decoys=1)
    generation = run(vandal, prompt=prompt)
    assert list(generation.tokens) == expected[:CAP]
    assert generation.rounds == run(honest).rounds
    assert prompt.tolist() == [PROMPT]  # the next contender is asked the same
    assert list(run(honest).tokens) == expected[:CAP]


def test_what_a_listener_keeps_of_a_round_does_not_grow_and_is_not_the_loops_own():
    heard: list[list[int]] = []

    def listen(tokens):
        heard.append(tokens)
        if len(heard) > 2:
            heard[0].append(99)

    generation = run(Oracle(answer(spare=2), depth=2), on_commit=listen)
    assert list(generation.tokens) == answer()
    assert len(heard[1]) == 3
    assert heard[0][0] == generation.tokens[0]
    assert all(token == 99 for token in heard[0][1:])


def test_a_target_that_was_asked_in_secret_has_been_called_more_often_than_there_were_rounds():
    oracle = Oracle(answer(spare=3), depth=3)
    with CallCounter([target().model]) as honest:
        plain = run(oracle)
    assert honest.calls == 1 + plain.target_forwards
    with CallCounter([target().model]) as secret:
        generation = run(Asker(target(), depth=3))
    assert acceptance_length([generation]) == acceptance_length([plain])  # the acceptance is as good as an oracle's
    assert secret.calls == 1 + 4 * generation.target_forwards


@pytest.mark.parametrize("verifier", [greedy_that_skips, greedy_that_believes])
def test_a_verifier_that_skips_or_believes_does_not_say_what_generate_says(verifier):
    expected = answer(spare=4)
    drafter = Oracle(expected, depth=2, decoys=1)
    assert list(run(drafter, verifier=verifier_for(Sampling())).tokens) == expected[:CAP]
    assert list(run(drafter, verifier=verifier).tokens) != expected[:CAP]


class Misreporting:
    """A decoder that adds to its account what never happened."""

    def __init__(self, decoder, change):
        self.decoder, self.change = decoder, change

    def generate(self, *arguments, **options):
        return self.change(self.decoder.generate(*arguments, **options))


def complaints(decoder) -> list[str]:
    """What an account must satisfy, against a counter of our own."""
    expected = answer()
    with CallCounter([target().model]) as calls:
        generation = decoder.generate(
            torch.tensor([PROMPT]),
            sampling=Sampling(),
            limits=Limits(max_new_tokens=CAP),
            generator=torch.Generator(),
        )
    found = {
        "tokens": list(generation.tokens) != expected,
        "forwards": calls.calls != 1 + generation.target_forwards,
        "prefill": generation.prefill_committed != 1,
        "committed": generation.prefill_committed + sum(r.committed for r in generation.rounds)
        != len(generation.tokens),
        "accepted": any(not 0 <= r.accepted <= r.offered <= min(r.drafted, r.committed) for r in generation.rounds),
        "bonus": any(r.committed != r.accepted + 1 for r in generation.rounds[:-1]),
    }
    return [name for name, wrong in found.items() if wrong]


def less_a_round(generation):
    return dataclasses.replace(generation, rounds=generation.rounds[:-1], times=(), predicted=())


def more_accepted(generation):
    rounds = [r._replace(accepted=r.accepted + 1) for r in generation.rounds]
    return dataclasses.replace(generation, rounds=tuple(rounds))


def merged_rounds(generation):
    first, second, *rest = generation.rounds
    both = Round(
        drafted=first.drafted + second.drafted,
        offered=first.committed + second.offered,
        accepted=first.committed + second.accepted,
        committed=first.committed + second.committed,
    )
    return dataclasses.replace(generation, rounds=(both, *rest), times=(), predicted=())


def less_a_token(generation):
    return dataclasses.replace(generation, tokens=generation.tokens[:-1])


def more_tokens(generation):
    return dataclasses.replace(generation, tokens=(*generation.tokens, 7))


def a_round_of_the_prefills(generation):
    first, *rest = generation.rounds
    return dataclasses.replace(generation, prefill_committed=1 + first.committed, rounds=tuple(rest))


def test_an_honest_account_adds_up():
    assert complaints(SpeculativeDecoder(target(), Scripted(1))) == []
    assert complaints(SpeculativeDecoder(target(), Oracle(answer(spare=3), depth=3, decoys=1))) == []


@pytest.mark.parametrize(
    "change", [less_a_round, more_accepted, merged_rounds, less_a_token, more_tokens, a_round_of_the_prefills]
)
def test_a_cooked_account_does_not(change):
    decoder = SpeculativeDecoder(target(), Oracle(answer(spare=3), depth=3, decoys=1))
    assert complaints(Misreporting(decoder, change)) != []


def entered(generation):
    return DocumentRow.from_generation(generation, doc_id=0, doc_hash="h", text="", scores={})


@pytest.mark.parametrize("change", [less_a_round, more_accepted, less_a_token, more_tokens])
def test_an_account_that_contradicts_itself_does_not_get_into_a_record(change):
    generation = run(Oracle(answer(spare=3), depth=3, decoys=1))
    assert entered(generation).generation() == generation
    with pytest.raises(ValueError, match="the decoder miscounts"):
        entered(change(generation))

"""Where answers end, and that they end there for every contender alike."""

import pytest
import torch

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.baselines.decoding.transformers_generate import TransformersGenerate
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Decoder, Limits
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop, visible_text
from tests.engine.drafters import Oracle
from tests.engine.targets import greedy_reference, target

PROMPT = [7, 3, 11, 3, 29]
CAP = 14


def text(tokens: list[int]) -> str:
    """Two letters a token, so that a stop string may begin in one token and end in the next."""
    return "".join(f"{chr(97 + t // 10)}{chr(107 + t % 10)}" for t in tokens)


def contenders() -> dict[str, Decoder]:
    backbone = target()
    answer = greedy_reference(backbone, PROMPT, CAP + 5)
    return {
        "autoregressive": SpeculativeDecoder(backbone, Autoregressive(), text),
        "prompt_lookup": SpeculativeDecoder(backbone, PromptLookup(), text),
        "oracle": SpeculativeDecoder(backbone, Oracle(answer, depth=4), text),
        "hf_generate": TransformersGenerate(backbone, text),
        "hf_prompt_lookup": TransformersGenerate(backbone, text, prompt_lookup_num_tokens=4),
    }


def run(decoder: Decoder, limits: Limits, prompt: list[int] = PROMPT) -> tuple[Generation, list[int]]:
    streamed: list[int] = []
    generation = decoder.generate(
        torch.tensor([prompt], dtype=torch.long),
        sampling=Sampling(),
        limits=limits,
        generator=torch.Generator(),
        on_commit=streamed.extend,
    )
    return generation, streamed


@pytest.mark.parametrize("name", contenders())
@pytest.mark.parametrize("place", [0, 1, 5, 8])
def test_the_end_of_sequence_token_is_kept_and_what_follows_is_not_counted(name, place):
    answer = greedy_reference(target(), PROMPT, CAP)
    eos = answer[place]
    place = answer.index(eos)
    generation, streamed = run(contenders()[name], Limits(max_new_tokens=CAP, eos_token_ids=frozenset({eos})))
    assert list(generation.tokens) == streamed == answer[: place + 1]
    assert generation.finish_reason == "eos"
    assert sum(r.committed for r in generation.rounds) <= place
    assert all(0 <= r.accepted <= r.committed <= r.accepted + 1 for r in generation.rounds)


@pytest.mark.parametrize("name", contenders())
def test_a_stop_string_across_two_tokens_ends_the_answer_at_the_second(name):
    answer = greedy_reference(target(), PROMPT, CAP)
    whole = text(answer)
    stop = whole[11:13]  # from inside token 5 into token 6
    end = next(n for n in range(1, CAP + 1) if stop in text(answer[:n]))
    generation, streamed = run(contenders()[name], Limits(max_new_tokens=CAP, stop_strings=(stop,)))
    assert list(generation.tokens) == streamed == answer[:end]
    assert generation.finish_reason == "stop"
    assert visible_text(text(list(generation.tokens)), (stop,)) == whole[: whole.index(stop)]


@pytest.mark.parametrize("name", contenders())
@pytest.mark.parametrize("cap", [1, 2, CAP])
def test_the_cap_is_exact(name, cap):
    generation, streamed = run(contenders()[name], Limits(max_new_tokens=cap))
    assert list(generation.tokens) == streamed == greedy_reference(target(), PROMPT, cap)
    assert generation.finish_reason == "length"


@pytest.mark.parametrize("name", contenders())
def test_an_empty_prompt_and_one_beyond_the_context_are_refused_in_one_line(name):
    decoder = contenders()[name]
    with pytest.raises(ValueError, match=r"^expected a prompt of at least one token, got an empty one.*$"):
        run(decoder, Limits(max_new_tokens=1), prompt=[])
    with pytest.raises(ValueError, match=r"^expected prompt plus new tokens within the model's context of 512, got 5 "):
        run(decoder, Limits(max_new_tokens=508))


def test_stop_strings_without_a_tokenizer_are_refused():
    with pytest.raises(ValueError, match="need a tokenizer"):
        Stop(Limits(max_new_tokens=3, stop_strings=("x",)), None)


def test_a_cap_below_one_is_refused():
    with pytest.raises(ValueError, match="max_new_tokens"):
        Limits(max_new_tokens=0)


def test_of_two_reasons_the_earlier_token_decides():
    stop = Stop(Limits(max_new_tokens=3, eos_token_ids=frozenset({9})), None)
    assert stop.cut([1, 9, 2, 2], 0) == (2, "eos")
    assert stop.cut([1, 2, 9, 2], 0) == (3, "eos")
    assert stop.cut([1, 2, 3, 9], 0) == (3, "length")
    assert stop.cut([1, 2], 0) is None

"""Where answers end, and that they end there for every contender alike."""

from collections.abc import Callable, Sequence
from itertools import groupby

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_eval.models.utils import postprocess_generated_text
from tokenizers import AddedToken

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.baselines.decoding.transformers_generate import TransformersGenerate, as_assistant
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Decoder, Limits
from offbook.engine.decoding.detokenizer import Detokenizer
from offbook.engine.decoding.early_exit import first_layers
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import REPLACEMENT, Stop, visible_text
from tests.engine.targets import greedy_reference, language_model_drafter, target
from tests.engine.tiny_drafters import Oracle
from tests.tiny import tiny_tokenizer

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
        "speculative_sampling": SpeculativeDecoder(backbone, language_model_drafter(backbone, gamma=3), text),
        "hf_prompt_lookup": TransformersGenerate(backbone, text, prompt_lookup_num_tokens=4),
        "hf_assisted": TransformersGenerate(backbone, text, assistant=as_assistant(first_layers(backbone, 1))),
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


# --- the tail against the whole text ---

BYTES = ["a", "b", "\n", " ", "é", "\N{PILE OF POO}", "\N{REPLACEMENT CHARACTER}"]
PIECES: list[bytes] = [
    *(s.encode() for s in BYTES),
    *(bytes([b]) for b in "é\N{PILE OF POO}".encode()),  # a character in as many tokens as it has bytes
    "é".encode()[1:] + b"a",
    b"b" + "\N{PILE OF POO}".encode()[:2],
    *[b""] * 3,  # special tokens, which are skipped
    b"ab\n\n",
    b" a",
]


def byte_level(tokens: Sequence[int]) -> str:
    return b"".join(PIECES[t] for t in tokens).decode(errors="replace")


def byte_fallback(tokens: Sequence[int]) -> str:
    """Bytes on their own form characters with their neighbours, or all of their run are U+FFFD."""
    spoken = [PIECES[t] for t in tokens if PIECES[t]]
    text = ""
    for lone, run in groupby(spoken, key=lambda piece: len(piece) == 1 and piece[0] >= 0x80):
        whole = b"".join(run)
        try:
            text += whole.decode()
        except UnicodeDecodeError:
            assert lone
            text += REPLACEMENT * len(whole)
    return text


def spelled(characters: Sequence[str]) -> list[int]:
    """Each character in one token a byte, but for those of one byte."""
    return [PIECES.index(bytes([b])) for c in characters for b in c.encode()]


DETOKENIZERS: dict[str, Callable[[Sequence[int]], str]] = {
    "byte-level": byte_level,
    "one leading space stripped": lambda tokens: byte_level(tokens).removeprefix(" "),
    "all leading space stripped": lambda tokens: byte_level(tokens).lstrip(" "),
}


@pytest.mark.parametrize("detokenize", DETOKENIZERS.values(), ids=DETOKENIZERS)
@given(data=st.data())
@settings(max_examples=400)
def test_the_tail_ends_an_answer_where_the_whole_text_does(detokenize, data):
    check(detokenize, data.draw(st.lists(st.integers(0, len(PIECES) - 1), min_size=1, max_size=40)), data)


@given(data=st.data())
@settings(max_examples=400)
def test_so_does_the_tail_of_bytes_that_fall_back(data):
    characters = data.draw(st.lists(st.sampled_from(["a", "b", "é", "\N{PILE OF POO}"]), min_size=1, max_size=20))
    check(byte_fallback, spelled(characters), data)


def check(detokenize: Callable[[Sequence[int]], str], tokens: list[int], data: st.DataObject) -> None:
    """Rounds of any length against the first prefix with one of two stop strings, one of which may well occur."""
    whole = detokenize(tokens)
    at = data.draw(st.integers(0, max(0, len(whole) - 1)))
    occurring = whole[at : at + data.draw(st.integers(1, 5))] or "a"
    anything = data.draw(st.lists(st.sampled_from(BYTES), min_size=1, max_size=6).map("".join))
    stops = (occurring, anything)
    ends = [n for n in range(1, len(tokens) + 1) if any(s in detokenize(tokens[:n]) for s in stops)]
    stop, found, seen = Stop(Limits(max_new_tokens=50, stop_strings=stops), detokenize), None, 0
    while found is None and seen < len(tokens):
        now = min(len(tokens), seen + data.draw(st.integers(1, 8)))  # whatever a round commits
        found, seen = stop.cut(tokens[:now], seen), now
    assert found == ((ends[0], "stop") if ends else None)


# --- special tokens ---

SPECIALS = ("<eot>", "<end of turn>", "\n\n")  # one of them a text that people write too
BYTE_LEVEL = tiny_tokenizer()
BYTE_LEVEL.add_tokens([AddedToken(special, special=True) for special in SPECIALS])
SMALL = BYTE_LEVEL("ab<t>\n é\N{PILE OF POO}", add_special_tokens=False)["input_ids"]
SPECIAL_IDS = [256, 257, *BYTE_LEVEL.convert_tokens_to_ids(list(SPECIALS))]


@given(data=st.data())
@settings(max_examples=200)
def test_stop_strings_count_in_the_text_with_special_tokens_and_in_the_one_without(data):
    """Against a plain twin that decodes everything, both ways, after each token."""
    detokenize = Detokenizer(BYTE_LEVEL)
    tokens = data.draw(st.lists(st.sampled_from([*SMALL, *SPECIAL_IDS]), min_size=1, max_size=30))
    spelled, visible = (BYTE_LEVEL.decode(tokens, skip_special_tokens=skip) for skip in (False, True))
    stops = [data.draw(st.lists(st.sampled_from([*SPECIALS, "a", "b", "<", "é"]), min_size=1, max_size=3).map("".join))]
    for whole in (spelled, visible):
        at = data.draw(st.integers(0, max(0, len(whole) - 1)))
        stops.append(whole[at : at + data.draw(st.integers(1, 12))])
    stops = [stop for stop in stops if stop and REPLACEMENT not in stop]
    ends = [
        n
        for n in range(1, len(tokens) + 1)
        if any(s in BYTE_LEVEL.decode(tokens[:n], skip_special_tokens=skip) for s in stops for skip in (True, False))
    ]
    stop, found, seen = Stop(Limits(max_new_tokens=50, stop_strings=tuple(stops)), detokenize), None, 0
    while found is None and seen < len(tokens):
        now = min(len(tokens), seen + data.draw(st.integers(1, 8)))
        found, seen = stop.cut(tokens[:now], seen), now
    assert found == ((ends[0], "stop") if ends else None)


@pytest.mark.parametrize(
    ("stop_string", "kept"),
    [
        ("<eot>", "42<eot>"),
        ("2<eot>", "42<eot>"),
        ("<eot>9", "42<eot>9"),
        ("2<eot>98", "42<eot>98"),
        ("ot>", "42<eot>"),
        ("298", "42<eot>98"),
    ],
)
def test_a_stop_string_may_be_span_or_end_in_a_special_token(stop_string, kept):
    tokens = BYTE_LEVEL("42<eot>9898", add_special_tokens=False)["input_ids"]
    expected = len(BYTE_LEVEL(kept, add_special_tokens=False)["input_ids"])
    stop = Stop(Limits(max_new_tokens=99, stop_strings=(stop_string,)), Detokenizer(BYTE_LEVEL))
    for rounds in (1, 3, len(tokens)):
        found, seen = None, 0
        while found is None and seen < len(tokens):
            found, seen = stop.cut(tokens[: seen + rounds], seen), seen + rounds
        assert found == (expected, "stop")


@given(st.text("ab\n", max_size=12), st.lists(st.text("ab\n", min_size=1, max_size=3), max_size=3))
def test_the_visible_text_is_cut_as_lm_eval_cuts_it(text, stops):
    assert visible_text(text, stops) == postprocess_generated_text(text, stops, None)


def test_what_a_tail_has_of_a_character_cut_in_two_is_no_stop_string():
    tokens = [0] * 9 + [*spelled("é")[:1], PIECES.index("é".encode()[1:] + b"a"), 1] + [PIECES.index(b"")] * 2 + [1]
    assert byte_level(tokens) == "aaaaaaaaaéabb"
    stop = Stop(Limits(max_new_tokens=99, stop_strings=(REPLACEMENT + "a",)), byte_level)
    assert stop.cut(tokens, len(tokens) - 1) is None


@pytest.mark.parametrize("detokenize", [byte_level, byte_fallback])
def test_a_character_cut_in_two_does_not_count_as_seen(detokenize):
    tokens = spelled("aaaa\N{PILE OF POO}\N{PILE OF POO}b")
    for stop_string in ("\N{PILE OF POO}b", "a\N{PILE OF POO}\N{PILE OF POO}", "a\N{PILE OF POO}"):
        end = next(n for n in range(1, len(tokens) + 1) if stop_string in detokenize(tokens[:n]))
        stop = Stop(Limits(max_new_tokens=99, stop_strings=(stop_string,)), detokenize)
        assert [stop.cut(tokens[:n], n - 1) for n in range(1, end + 1)] == [None] * (end - 1) + [(end, "stop")]


@pytest.mark.parametrize("silent", [0, 1, 30])
def test_a_stop_string_goes_on_across_tokens_that_decode_to_nothing(silent):
    tokens = [0] * 20 + [2] + [PIECES.index(b"")] * silent + [2]
    stop = Stop(Limits(max_new_tokens=99, stop_strings=("a\n\n",)), byte_level)
    assert stop.cut(tokens[:-1], 20) is None
    assert stop.cut(tokens, len(tokens) - 1) == (len(tokens), "stop")


def test_a_long_answer_is_not_detokenised_again_and_again():
    asked = []

    def detokenize(tokens: Sequence[int]) -> str:
        asked.append(len(tokens))
        return text(list(tokens))

    stop = Stop(Limits(max_new_tokens=5_000, stop_strings=("zz", "zzzz")), detokenize)
    tokens = [t % 50 for t in range(4_000)]
    assert all(stop.cut(tokens[:n], n - 1) is None for n in range(1, len(tokens) + 1))
    assert max(asked) <= 6


def test_of_two_reasons_the_earlier_token_decides():
    stop = Stop(Limits(max_new_tokens=3, eos_token_ids=frozenset({9})), None)
    assert stop.cut([1, 9, 2, 2], 0) == (2, "eos")
    assert stop.cut([1, 2, 9, 2], 0) == (3, "eos")
    assert stop.cut([1, 2, 3, 9], 0) == (3, "length")
    assert stop.cut([1, 2], 0) is None

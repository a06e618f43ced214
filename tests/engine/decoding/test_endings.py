"""One rule for where an answer ends, whoever asks and however many are answered at once."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model

from offbook.engine.chat_answers import greedy_texts, greedy_tokens
from offbook.engine.decoding.batch import answer_batch
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.detokenizer import Detokenizer
from offbook.engine.decoding.endings import end_token_ids, stop_strings_of
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.tasks.prompts import load_prompts
from offbook.tasks.prompts.lengths import answer_lengths
from offbook.tasks.rationales.synthesis.ask import Ask
from offbook.tasks.rationales.synthesis.local_model import LocalModel
from tests.chain import EOT, chain_model, chain_tokenizer, one
from tests.tiny import tiny_model, tiny_tokenizer

TOKENIZER = chain_tokenizer()
END = "<|im_end|>"  # the tokenizer's end token
FOLLOWS = {":": "4", "4": "2", "2": END, END: "9", "9": "8", "8": "9"}


@pytest.fixture(scope="module")
def chain():
    return chain_model(TOKENIZER, FOLLOWS)


def ids(text: str) -> list[int]:
    return list(TOKENIZER(text, add_special_tokens=False)["input_ids"])


@pytest.mark.parametrize("configured", [None, 7, [7], [7, 9], 257])
def test_the_end_tokens_are_the_generation_configs_and_the_tokenizers(configured):
    model = tiny_model()
    model.generation_config.eos_token_id = configured
    expected = {257} | set([] if configured is None else [configured] if isinstance(configured, int) else configured)
    assert end_token_ids(model, tiny_tokenizer()) == expected
    assert end_token_ids(get_peft_model(model, LoraConfig(target_modules="all-linear")), tiny_tokenizer()) == expected


def test_without_a_generation_config_and_an_end_token_nothing_ends_an_answer():
    model, tokenizer = tiny_model(), tiny_tokenizer()
    tokenizer.eos_token = None
    model.generation_config = None
    assert end_token_ids(model, tokenizer) == frozenset()
    assert stop_strings_of(["a"], tokenizer) == ("a",)


def test_the_tokenizers_end_token_is_a_stop_string_once():
    assert stop_strings_of([], TOKENIZER) == (END,)
    assert stop_strings_of(["\n", END], TOKENIZER) == ("\n", END)


def test_batched_answers_end_at_the_tokenizers_end_token_where_the_config_names_none(chain):
    assert chain.generation_config.eos_token_id is None
    answers = greedy_tokens(chain, TOKENIZER, [ids("6 + 36:"), ids(":"), ids("a b c 9:")], 12)
    assert answers == [ids(f"42{END}")] * 3


def test_a_local_teacher_ends_there_too(chain):
    said: dict[Ask, str] = {}
    teacher = LocalModel(
        name="chain", model=chain, tokenizer=TOKENIZER, weights_sha256="w", temperature=0.0, max_new_tokens=12
    )
    asks = [Ask(question="q", perspective="planning", attempt=i, prompt="why" * i + ":") for i in range(3)]
    teacher.answer(asks, said.__setitem__)
    assert [said[ask] for ask in asks] == ["42"] * 3


def test_an_end_token_spelled_in_ordinary_tokens_ends_every_kind_of_answer():
    tokenizer = tiny_tokenizer(chat=False)
    tokenizer.add_special_tokens({"eos_token": "</s>"})
    spelled = {a: b for a, b in pairwise(":42</s>")} | {">": "9"}
    model = chain_model(tokenizer, spelled)
    prompt = [one(tokenizer, ":")]
    written = [one(tokenizer, letter) for letter in "42</s>"]
    assert greedy_tokens(model, tokenizer, [prompt], 12) == [written]
    assert greedy_texts(model, tokenizer, [prompt], 12) == ["42"]
    said: dict[Ask, str] = {}
    LocalModel(
        name="chain", model=model, tokenizer=tokenizer, weights_sha256="w", temperature=0.0, max_new_tokens=12
    ).answer([Ask(question="q", perspective="planning", attempt=0, prompt=":")], said.__setitem__)
    assert list(said.values()) == ["42"]
    (question,) = load_prompts("test", "qa")[:1]
    asked = answer_lengths(model, tokenizer, [replace(question, prompt=":")], cap=12)
    assert list(asked.values()) == [len(written)]


@pytest.mark.parametrize("temperature", [0.0, 0.05])
def test_what_a_teachers_own_generation_config_asks_for_is_left_out(temperature):
    model, found = tiny_model(), []
    for penalty in (1.0, 50.0):
        model.generation_config.repetition_penalty = penalty
        said: dict[Ask, str] = {}
        teacher = LocalModel(
            name="tiny", model=model, tokenizer=tiny_tokenizer(), weights_sha256="w", temperature=temperature,
            max_new_tokens=24,
        )  # fmt: skip
        teacher.answer([Ask(question="q", perspective="planning", attempt=0, prompt="Hi")], said.__setitem__)
        found.append(said)
    assert found[0] == found[1]


def test_each_answer_of_a_batch_ends_by_limits_of_its_own(chain):
    limits = [
        Limits(max_new_tokens=9, eos_token_ids=frozenset({257})),
        Limits(max_new_tokens=9, stop_strings=("98",)),
        Limits(max_new_tokens=4),
        Limits(max_new_tokens=9, stop_strings=(END,)),
        Limits(max_new_tokens=1, eos_token_ids=frozenset({one(TOKENIZER, "4")})),
    ]
    prompts = [ids(":"), ids("and :"), ids("4:"), ids("quite long:"), ids("x:")]
    answers = answer_batch(chain, TOKENIZER, prompts, limits)
    assert [TOKENIZER.decode(a.tokens) for a in answers] == [f"42{END}", f"42{END}98", f"42{END}9", f"42{END}", "4"]
    assert [a.finish_reason for a in answers] == ["eos", "stop", "length", "stop", "eos"]
    assert [a.finished for a in answers] == [True, True, False, True, True]


@pytest.mark.parametrize("pad", [None, "9", END])
def test_padding_is_no_part_of_an_answer(chain, pad):
    tokenizer = chain_tokenizer()
    tokenizer.pad_token = pad
    limits = [Limits(max_new_tokens=cap, eos_token_ids=frozenset({257})) for cap in (2, 9)]
    answers = answer_batch(chain, tokenizer, [ids("4 + 38 is:"), ids("8")], limits)
    assert [a.tokens for a in answers] == [ids("42"), ids("9898989898"[:9])]


@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_batched_answer_is_the_one_given_alone(data):
    model, tokenizer = MODEL, tiny_tokenizer()
    texts = data.draw(st.lists(st.text("abc :", min_size=1, max_size=12), min_size=1, max_size=4))
    prompts = [list(tokenizer(text)["input_ids"]) for text in texts]
    free = [greedy(model, prompt, 10) for prompt in prompts]
    limits = []
    for answer in free:
        at = data.draw(st.integers(0, 9))
        stop = tokenizer.decode(answer[at : at + 2])
        kind = data.draw(st.sampled_from(["eos", "stop", "cap"]))
        limits.append(
            Limits(
                max_new_tokens=data.draw(st.integers(1, 10)),
                eos_token_ids=frozenset({answer[at]} if kind == "eos" else ()),
                stop_strings=(stop,) if kind == "stop" and stop else (),
            )
        )
    answers = answer_batch(model, tokenizer, prompts, limits)
    for answer, limit, batched in zip(free, limits, answers, strict=True):
        end = Stop(limit, Detokenizer(tokenizer)).cut(answer, 0)
        assert end is not None
        assert (batched.tokens, batched.finish_reason) == (answer[: end[0]], end[1])


MODEL = tiny_model(dtype=torch.float64)


def greedy(model, prompt: list[int], cap: int) -> list[int]:
    """One full forward a token: no cache, no padding, no `generate`."""
    answer: list[int] = []
    with torch.inference_mode():
        for _ in range(cap):
            answer.append(int(model(torch.tensor([[*prompt, *answer]]), use_cache=False).logits[0, -1].argmax()))
    return answer


def test_sampled_batches_leave_the_worlds_random_numbers_alone():
    model, tokenizer = tiny_model(), tiny_tokenizer()
    limits = [Limits(max_new_tokens=8)] * 2
    state = torch.random.get_rng_state()
    runs = [
        answer_batch(model, tokenizer, [[1, 2], [3]], limits, sampling=Sampling(temperature=1.5), seed=seed)
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]
    assert torch.equal(torch.random.get_rng_state(), state)


def test_special_tokens_have_a_reading_of_their_own():
    detokenize = Detokenizer(TOKENIZER)
    assert detokenize.readings(ids("42")) == ("42",)
    assert detokenize.readings(ids(f"42{EOT}9")) == ("429", f"42{EOT}9")
    assert detokenize(ids(f"42{EOT}9")) == "429"

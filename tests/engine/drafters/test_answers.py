"""The target's answers to the training prompts: greedy in any batch, and resumable whatever became of the file."""

import dataclasses
import json

import pytest
import torch
from peft import LoraConfig, get_peft_model

from offbook.engine.chat_answers import chat_tokens, greedy_tokens
from offbook.engine.drafters.answers import Answer, answer_prompts, load_answers
from tests.tiny import tiny_model, tiny_tokenizer

CAP = 12
TOKENIZER = tiny_tokenizer()


@dataclasses.dataclass(frozen=True)
class Asked:
    id: str
    prompt: str


QUESTIONS = [
    Asked("much", "a prompt of many more words than the rest"),
    Asked("little", "x"),
    Asked("some", "and a third"),
    Asked("other", "of a length between"),
    Asked("last", "!"),
]


@pytest.fixture
def model():
    """The fp64 target; `asked` keeps the rows of every call of `generate`."""
    model = tiny_model(dtype=torch.float64)
    model.asked, generate = [], model.generate

    def watched(rows, **options):
        model.asked.append(len(rows))
        return generate(rows, **options)

    model.generate = watched
    return model


def greedy(model, prompt):
    """One prompt alone, one full forward a token: no cache, no padding, no `generate`."""
    eos = model.generation_config.eos_token_id
    eos_ids = {eos} if isinstance(eos, int) else set(eos)
    answer = []
    while len(answer) < CAP:
        with torch.inference_mode():
            answer.append(int(model(torch.tensor([[*prompt, *answer]]), use_cache=False).logits[0, -1].argmax()))
        if answer[-1] in eos_ids:
            break
    return tuple(answer)


def ask(model, path, questions=QUESTIONS, **options):
    return answer_prompts(model, TOKENIZER, questions, path, max_new_tokens=CAP, **{"batch_size": 3} | options)


def expected(model, questions=QUESTIONS):
    prompts = [chat_tokens(TOKENIZER, q.prompt) for q in questions]
    return [
        Answer(id=q.id, prompt_tokens=tuple(p), answer_tokens=greedy(model, p))
        for q, p in zip(questions, prompts, strict=True)
    ]


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_batched_answers_are_those_of_one_prompt_alone(model, tmp_path, batch_size):
    answers = ask(model, tmp_path / "answers.jsonl", batch_size=batch_size)
    assert answers == expected(model)
    assert len({a.answer_tokens for a in answers}) == len(QUESTIONS)  # not one answer to everything
    assert sum(model.asked) == len(QUESTIONS)
    assert max(model.asked) == batch_size


def test_the_shortest_prompts_are_answered_first(model, tmp_path):
    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(model, tmp_path / "answers.jsonl", progress=stop)
    rows = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["little", "last", "some"]  # in order of asking where they are equally long


def test_an_answer_is_greedy_whatever_else_the_models_own_config_asks_for(model, tmp_path):
    plain = expected(model)
    model.generation_config.repetition_penalty = 50.0
    model.generation_config.min_new_tokens = CAP
    assert ask(model, tmp_path / "answers.jsonl", batch_size=5) == plain
    assert model.generation_config.repetition_penalty == 50.0, "it is the model's own, and stays"


def test_a_model_with_adapters_keeps_its_own_config_too():
    plain = tiny_model()
    prompts = [chat_tokens(TOKENIZER, question.prompt) for question in QUESTIONS]
    expected = greedy_tokens(plain, TOKENIZER, prompts, CAP)
    plain.generation_config.repetition_penalty = 50.0
    own = plain.generation_config
    adapted = get_peft_model(plain, LoraConfig(target_modules="all-linear"))  # which changes nothing before training
    assert greedy_tokens(adapted, TOKENIZER, prompts, CAP) == expected
    assert adapted.merge_and_unload().generation_config is own


@pytest.mark.parametrize("several", [False, True])
def test_an_answer_ends_with_its_first_end_token_and_the_rest_of_its_batch_goes_on(model, tmp_path, several):
    free = expected(model)
    end = free[0].answer_tokens[4]
    model.generation_config.eos_token_id = [257, end] if several else end
    answers = ask(model, tmp_path / "answers.jsonl", batch_size=5)
    assert answers == expected(model)
    for answer, whole in zip(answers, free, strict=True):
        assert answer.answer_tokens == whole.answer_tokens[: len(answer.answer_tokens)]
        assert end not in answer.answer_tokens[:-1]
        assert len(answer.answer_tokens) == CAP or answer.answer_tokens[-1] == end
    assert len(answers[0].answer_tokens) <= 5
    assert max(len(a.answer_tokens) for a in answers) == CAP


def test_what_was_answered_is_not_answered_again(model, tmp_path):
    path = tmp_path / "answers.jsonl"
    first = ask(model, path, QUESTIONS[:2])
    assert sum(model.asked) == 2
    model.asked.clear()
    told = []
    answers = ask(model, path, progress=lambda *p: told.append(p))
    assert answers[:2] == first
    assert answers == expected(model)
    assert model.asked == [3]
    assert told == [(2, 5), (3, 5), (4, 5), (5, 5)]
    model.asked.clear()
    assert ask(model, path) == answers
    assert model.asked == []


def test_an_interrupted_call_is_continued(model, tmp_path):
    path = tmp_path / "answers.jsonl"

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(model, path, batch_size=2, progress=stop)
    model.asked.clear()
    assert ask(model, path, batch_size=2) == expected(model)
    assert model.asked == [2, 1]
    whole = tmp_path / "whole.jsonl"
    ask(model, whole, batch_size=2)
    assert path.read_bytes() == whole.read_bytes()  # in order of the questions, whatever the order of the answers
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_torn_last_line_is_dropped(model, tmp_path, cut):
    path = tmp_path / "answers.jsonl"
    answers = ask(model, path)
    whole = path.read_text()
    path.write_text(whole[:-cut])
    model.asked.clear()
    assert ask(model, path) == answers
    assert model.asked == [1]
    assert path.read_text() == whole


def test_a_changed_prompt_is_answered_anew_and_its_old_answer_dropped(model, tmp_path):
    path = tmp_path / "answers.jsonl"
    ask(model, path)
    changed = [Asked("much", "another prompt"), *QUESTIONS[1:]]
    model.asked.clear()
    assert ask(model, path, changed) == expected(model, changed)
    assert model.asked == [1]
    assert len(path.read_text().splitlines()) == len(QUESTIONS)
    assert load_answers(path, TOKENIZER, changed) == expected(model, changed)


def test_answers_are_read_back_in_the_order_asked_for(model, tmp_path):
    path = tmp_path / "answers.jsonl"
    answers = ask(model, path)
    asked = [QUESTIONS[3], QUESTIONS[0]]
    assert load_answers(path, TOKENIZER, asked) == [answers[3], answers[0]]


def test_the_first_question_without_an_answer_is_named(model, tmp_path):
    path = tmp_path / "answers.jsonl"
    ask(model, path, QUESTIONS[:2])
    with pytest.raises(ValueError, match=r"answers.jsonl: expected an answer to each of 5 .* none for some and 2 more"):
        load_answers(path, TOKENIZER, QUESTIONS)
    with pytest.raises(ValueError, match="none for much and 0 more; answer them anew with --answers regenerate"):
        load_answers(path, TOKENIZER, [Asked("much", "but another prompt"), QUESTIONS[1]])


def test_answers_under_another_template_are_not_taken_for_these(model, tmp_path):
    path = tmp_path / "answers.jsonl"
    ask(model, path)
    with pytest.raises(ValueError, match="under this tokenizer and template, got none for much and 4 more"):
        load_answers(path, tiny_tokenizer(chat=False), QUESTIONS)


def test_prompts_stand_in_the_chat_template_where_there_is_one():
    framed = TOKENIZER.decode(chat_tokens(TOKENIZER, "hello"))
    assert framed == "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"
    bare = tiny_tokenizer(chat=False)
    assert bare.decode(chat_tokens(bare, "hello")) == "hello"

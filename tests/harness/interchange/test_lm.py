import json
import math
import re

import lm_eval
import lm_eval.models
import pytest
import torch
from lm_eval.api.instance import Instance
from lm_eval.api.registry import get_model
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager

from offbook.harness.interchange.lm_eval_model import OffbookLM
from offbook.tasks import TASKS_PATH
from tests.tiny import save_tiny, tiny_model, tiny_tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return str(save_tiny(tmp_path_factory.mktemp("lm") / "tiny"))


@pytest.fixture(scope="module")
def ours(folder) -> OffbookLM:
    return OffbookLM(folder, decoder="prompt_lookup", device="cpu")


@pytest.fixture(scope="module")
def theirs() -> HFLM:
    return HFLM(pretrained=tiny_model(), tokenizer=tiny_tokenizer(), batch_size=1, device="cpu", max_length=512)


def asked(kind: str, *arguments: tuple) -> list[Instance]:
    return [Instance(kind, {}, args, i, ("task", i, 1)) for i, args in enumerate(arguments)]


def test_the_name_offbook_is_registered_and_lm_evals_own_models_stay():
    assert get_model("offbook") is OffbookLM
    assert get_model("hf") is HFLM


def test_log_likelihoods_are_those_of_lm_evals_hf(ours, theirs):
    pairs = [("The sum of 2 and 3 is", " 5"), ("", "Hello"), ("a b c ", "d"), ("x" * 600, " overlong"), ("q", "q" * 40)]
    got = ours.loglikelihood(asked("loglikelihood", *pairs))
    want = theirs.loglikelihood(asked("loglikelihood", *pairs), disable_tqdm=True)
    for (a, a_greedy), (b, b_greedy) in zip(got, want, strict=True):
        assert a == pytest.approx(b, rel=1e-5)
        assert a_greedy == b_greedy


def test_rolling_log_likelihoods_are_those_of_lm_evals_hf(ours, theirs):
    texts = [("Once upon a time.",), ("word " * 250,), ("y",)]
    got = ours.loglikelihood_rolling(asked("loglikelihood_rolling", *texts))
    want = theirs.loglikelihood_rolling(asked("loglikelihood_rolling", *texts), disable_tqdm=True)
    assert got == pytest.approx(want, rel=1e-5)


def test_greedy_answers_are_those_of_lm_evals_hf(ours, theirs):
    kwargs = {"until": ["zz"], "max_gen_toks": 24, "do_sample": False}
    requests = [("Count: one, two, three, one, two,", kwargs), ("Say something.", kwargs)]
    assert ours.generate_until(asked("generate_until", *requests)) == theirs.generate_until(
        asked("generate_until", *requests), disable_tqdm=True
    )


def test_a_stop_string_ends_the_answer_and_is_cut_off(ours):
    (whole,) = ours.generate_until(asked("generate_until", ("Say something.", {"until": [], "max_gen_toks": 24})))
    stop = whole[5:7]
    (cut,) = ours.generate_until(asked("generate_until", ("Say something.", {"until": [stop], "max_gen_toks": 24})))
    assert cut == whole[: whole.index(stop)]
    assert ours.generations[-1].finish_reason == "stop"


def test_sampling_is_seeded_and_takes_its_settings(folder):
    kwargs = {"until": [], "max_gen_toks": 16, "do_sample": True, "temperature": 0.9, "top_p": 0.9, "top_k": 40}
    answers = [
        OffbookLM(folder, seed=seed, device="cpu").generate_until(asked("generate_until", ("Say.", kwargs)))
        for seed in (1, 1, 2)
    ]
    assert answers[0] == answers[1] != answers[2]


def test_a_prompt_that_does_not_fit_is_refused_before_the_first_is_answered_as_in_a_heat(ours):
    kwargs = {"until": [], "max_gen_toks": 4}
    before = len(ours.generations)
    with pytest.raises(
        ValueError, match=r"task, document 1: .* within the model's context of 512, got 900 \+ 4; lower"
    ):
        ours.generate_until(asked("generate_until", ("short", kwargs), ("x" * 900, kwargs)))
    assert len(ours.generations) == before


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"decoder": "nobody"}, "no decoder 'nobody'"),
        ({"decoder": "prompt_lookup", "n": 3}, "options of prompt_lookup: n: unknown key"),
        ({"batch_size": 8}, "expected batch_size=1, got 8"),
        ({"dtype": "int8"}, "expected --dtype to be one of"),
        ({"seed": 1.5}, "expected seed to be a whole number of at least 0, got 1.5; set seed=0"),
        ({"seed": "abc"}, "expected seed to be a whole number of at least 0, got 'abc'"),
        ({"seed": True}, "expected seed to be a whole number of at least 0, got True"),
        ({"seed": -1}, "expected seed to be a whole number of at least 0, got -1"),
        ({"decoder": 5}, "no decoder '5'"),
        ({"device": "abacus"}, "expected --device auto, cpu or cuda, got 'abacus'"),
    ],
)
def test_model_arguments_that_make_no_sense_are_refused(folder, arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        OffbookLM(folder, **arguments)


def test_a_drafter_below_the_users_home_is_found_there(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match=re.escape(str(tmp_path / "drafter"))):
        OffbookLM(folder, decoder="eagle2", drafter="~/drafter")


def test_generation_settings_we_do_not_know_are_refused(ours):
    with pytest.raises(ValueError, match="expected gen_kwargs among"):
        ours.generate_until(asked("generate_until", ("Hi", {"until": [], "num_beams": 4})))


def test_a_whole_task_runs_through_lm_eval_and_reports_its_decoder(ours):
    ours.generations.clear()
    results = lm_eval.simple_evaluate(
        ours,
        model_args={"decoder": "prompt_lookup"},
        tasks=["offbook_qa"],
        task_manager=TaskManager(include_path=str(TASKS_PATH), include_defaults=False),
        limit=2,
        bootstrap_iters=0,
        apply_chat_template=True,
        gen_kwargs={"max_gen_toks": 8},
    )
    assert math.isfinite(results["results"]["offbook_qa"]["acc,none"])
    assert results["config"]["offbook_decoder"] == "prompt_lookup"
    assert results["config"]["offbook_decoder_options"] == {"max_ngram": 3, "num_tokens": 10}
    assert results["config"]["offbook_acceptance_length"] >= 1
    json.dumps(results["config"], default=str)
    assert len(ours.generations) == 2


def test_scoring_never_touches_the_decoder(folder):
    model = OffbookLM(folder, device="cpu")
    model.decoder = None
    model.loglikelihood(asked("loglikelihood", ("a", "b")))
    assert model.generations == []


def test_half_precision_is_an_option(folder):
    model = OffbookLM(folder, dtype="bfloat16", device="cpu")
    assert model.target.backbone.embedding_VH.dtype == torch.bfloat16

"""What a task asks for ends its answers alike in every arm, in exams, and in lm-eval's own `hf` model."""

import dataclasses
import itertools
import json

import pytest
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from tokenizers.processors import TemplateProcessing

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.progress import Silent
from offbook.harness.cli.stream import generate
from offbook.harness.interchange.lm_eval_model import OffbookLM
from offbook.harness.records.store import Store
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites import requests
from offbook.harness.suites.fingerprint import task_fingerprint
from offbook.harness.suites.requests import ask
from offbook.harness.suites.suite import Suite, find_suites
from offbook.harness.trials.exam import exam_spec, examine
from offbook.harness.trials.heat import plan_heat, run_heat
from offbook.harness.trials.paper import set_paper
from offbook.tasks.generation_settings import generation_settings
from tests.chain import EOT, chain_model, chain_tokenizer, save_chain
from tests.tiny import tiny_tokenizer

FOLLOWS = {":": "4", "4": "2", "2": EOT, EOT: "9", "9": "8", "8": "9"}
ARMS = ["autoregressive", "prompt_lookup", "hf_generate", "hf_prompt_lookup"]
QUESTIONS = ["6 times 7:", "42<eot>98 and 40 and 2:", "What is 7 times 6:"]
TASK = """\
task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{question}}}}"
doc_to_target: "42"
generation_kwargs: {kwargs}
metric_list: [{{metric: exact_match}}]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    return str(save_chain(tmp_path_factory.mktemp("chain") / "chain", FOLLOWS))


@pytest.fixture(scope="module")
def target(folder) -> Target:
    return load_target(folder, device="cpu")


@pytest.fixture(scope="module")
def ours(folder) -> OffbookLM:
    return OffbookLM(folder, decoder="prompt_lookup", device="cpu")


@pytest.fixture(scope="module")
def theirs() -> HFLM:
    tokenizer = chain_tokenizer()
    return HFLM(pretrained=chain_model(tokenizer, FOLLOWS), tokenizer=tokenizer, device="cpu", max_length=512)


@pytest.fixture
def suite(tmp_path):
    """Writes a task that asks `QUESTIONS` with these settings, and finds it."""

    def make(kwargs: dict, name: str = "ends") -> Suite:
        data = tmp_path / "questions.jsonl"
        data.write_text("".join(json.dumps({"question": q}) + "\n" for q in QUESTIONS))
        (tmp_path / "tasks").mkdir(exist_ok=True)
        text = TASK.format(name=name, data=json.dumps(str(data)), kwargs=json.dumps(kwargs))
        (tmp_path / "tasks" / f"{name}.yaml").write_text(text)
        (found,) = find_suites([name], include_path=tmp_path / "tasks")
        return found

    return make


def answered(model, prompts: list[str], kwargs: dict) -> list[str]:
    instances = [Instance("generate_until", {}, (p, kwargs), i, ("task", i, 1)) for i, p in enumerate(prompts)]
    return model.generate_until(instances, disable_tqdm=True)


@pytest.mark.parametrize(
    ("until", "text", "tokens"),
    [
        ([EOT], "42", 3),
        (["2" + EOT], "42", 3),  # lm-eval cuts from the visible text only
        ([EOT + "98"], "4298", 5),
        (["ot>9", "2"], "4", 2),  # whichever comes first
        (["<|im_end|>"], "42989898", 9),
        (["98"], "42", 5),
    ],
)
def test_special_tokens_are_stop_strings_in_every_arm_and_in_exams_as_in_lm_evals_hf(
    until, text, tokens, target, ours, theirs, suite, tmp_path
):
    kwargs = {"until": until, "max_gen_toks": 9, "do_sample": False}
    wanted = [text] * len(QUESTIONS)
    assert answered(theirs, QUESTIONS, kwargs) == wanted
    assert answered(ours, QUESTIONS, kwargs) == wanted
    task, store = suite(kwargs), Store(tmp_path / "store")
    records = run_heat(plan_heat(target, build_arms(target, ARMS), task), store)
    assert {r.spec.decoder: [row.text for row in store.rows(r)] for r in records} == dict.fromkeys(ARMS, wanted)
    reason = "length" if tokens == 9 else "stop"
    assert {(len(row.tokens), row.finish_reason) for r in records for row in store.rows(r)} == {(tokens, reason)}
    assert {r.certificate.verdict for r in records} == {"baseline", "lossless"}
    paper = set_paper({"id": [task]}, target, limit=None, max_new_tokens=9, batch_size=2)
    spec = exam_spec(
        paper,
        model="chain",
        base_sha256="a",
        weights_sha256=target.weights_sha256,
        settings_sha256=None,
        dtype="float32",
    )
    examine(paper, target, spec, None, tmp_path / "exam", Silent())
    (exam,) = Store(tmp_path / "exam").exams()
    assert [row.text for row in exam.rows] == wanted
    assert {(row.tokens, row.finished) for row in exam.rows} == {(tokens, reason == "stop")}


def test_an_end_token_spelled_in_ordinary_tokens_ends_the_answer_as_in_lm_evals_hf(tmp_path):
    follows = {":": "4", "4": "e", "e": "n", "n": "d"}
    tokenizer = chain_tokenizer()
    tokenizer.add_special_tokens({"eos_token": "end"})
    model = chain_model(tokenizer, follows)
    theirs = HFLM(pretrained=model, tokenizer=tokenizer, device="cpu", max_length=512)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    ours, kwargs = OffbookLM(str(tmp_path), device="cpu"), {"until": [], "max_gen_toks": 9}
    assert answered(ours, [":"], kwargs) == answered(theirs, [":"], kwargs) == ["4"]
    assert (len(ours.generations[-1].tokens), ours.generations[-1].finish_reason) == (4, "stop")


def various(suite: Suite, settings: list[dict], monkeypatch) -> Suite:
    """A suite whose documents have caps and stop strings of their own, as a task's Python code may set them."""
    original = requests.build_requests

    def build(task, target, **options):
        original(task, target, **options)
        for instance, own in zip(task.instances, settings, strict=True):
            instance.arguments = (instance.arguments[0], own)

    monkeypatch.setattr(requests, "build_requests", build)
    return suite


OWN = [{"until": [EOT], "max_gen_toks": 9}, {"until": ["98"], "max_gen_toks": 6}, {"until": [], "max_gen_toks": 2}]


def test_every_document_has_its_own_cap_and_stop_strings(target, suite, tmp_path, monkeypatch):
    task = various(suite(OWN[0]), OWN, monkeypatch)
    store = Store(tmp_path / "store")
    records = run_heat(plan_heat(target, build_arms(target, ARMS), task), store)
    for record in records:
        rows = store.rows(record)
        assert [(row.text, len(row.tokens), row.finish_reason) for row in rows] == [
            ("42", 3, "stop"),
            ("42", 5, "stop"),
            ("42", 2, "length"),
        ]
    assert records[0].spec.limits.max_new_tokens == 9
    assert records[0].spec.limits.stop_strings == (EOT, "98")
    paper = set_paper({"id": [task]}, target, limit=None, max_new_tokens=8, batch_size=3)
    spec = exam_spec(
        paper,
        model="chain",
        base_sha256="a",
        weights_sha256=target.weights_sha256,
        settings_sha256=None,
        dtype="float32",
    )
    examine(paper, target, spec, None, tmp_path / "exam", Silent())
    (exam,) = Store(tmp_path / "exam").exams()
    assert [(row.text, row.tokens, row.finished) for row in exam.rows] == [
        ("42", 3, True),
        ("42", 5, True),
        ("42989898"[:7], 8, False),
    ]


def test_a_cap_of_the_run_holds_for_every_document_and_their_stop_strings_stay(target, suite, monkeypatch):
    task = various(suite(OWN[0]), OWN, monkeypatch)
    heat = plan_heat(target, build_arms(target, ARMS[:1]), task, max_new_tokens=5)
    assert {limits.max_new_tokens for limits in heat.limits.values()} == {5}
    assert [limits.stop_strings[:-1] for limits in heat.limits.values()] == [(EOT,), ("98",), ()]


def test_the_key_moves_with_the_limits_of_any_document_and_only_where_they_differ(target, suite, monkeypatch):
    def key(settings: list[dict]) -> str:
        with monkeypatch.context() as patch:
            heat = plan_heat(target, build_arms(target, ARMS[:1]), various(task, settings, patch))
        return heat.cells["autoregressive"].key()

    task = suite(OWN[0])
    alike = plan_heat(target, build_arms(target, ARMS[:1]), task)
    assert key([OWN[0]] * 3) == alike.cells["autoregressive"].key()
    assert alike.asked.fingerprint == task_fingerprint(task.task())
    changed = [
        OWN,
        [OWN[0], OWN[2], OWN[1]],
        [OWN[0], OWN[1], OWN[2] | {"max_gen_toks": 3}],
        [OWN[0], OWN[1], OWN[2] | {"until": ["98"]}],
        [OWN[0], OWN[0], OWN[0] | {"max_gen_toks": 8}],
    ]
    assert len({key(settings) for settings in [*changed, [OWN[0]] * 3]}) == len(changed) + 1


# --- what a task asks for ---


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"num_beams": 2, "repetition_penalty": 1.2}, "got num_beams 2, repetition_penalty 1.2, which no decoder"),
        ({"no_repeat_ngram_size": 3}, "got no_repeat_ngram_size 3"),
        ({"min_new_tokens": 5}, "got min_new_tokens 5"),
        ({"max_length": 700}, "got max_length 700"),
        ({"do_sample": True, "temperature": 0.5, "min_p": 0.1}, "got min_p 0.1"),
        ({"stop": ["x"]}, r"got stop \['x'\]"),
        ({"a_word_of_tomorrow": True}, "got a_word_of_tomorrow True"),
        ({"max_gen_toks": 0}, "expected max_gen_toks to be a whole number of at least 1, got 0"),
        ({"max_gen_toks": "many"}, "expected max_gen_toks to be a whole number of at least 1, got 'many'"),
        ({"max_new_tokens": True}, "expected max_new_tokens to be a whole number of at least 1, got True"),
        ({"max_tokens": 2.5}, "expected max_tokens to be a whole number of at least 1, got 2.5"),
        ({"do_sample": "yes"}, "expected do_sample to be true or false, got 'yes'"),
        ({"temperature": -1.0}, "expected temperature to be a number of at least 0, got -1.0"),
        ({"temperature": float("nan")}, "expected temperature to be a number of at least 0, got nan"),
        ({"do_sample": True, "temperature": 1.0, "top_p": 2.0}, "top_p must lie in"),
        ({"do_sample": True, "temperature": 1.0, "top_k": 2.5}, "expected top_k to be a whole number, got 2.5"),
        ({"until": [7]}, r"expected until to hold stop strings, got \[7\]"),
    ],
)
def test_what_no_decoder_does_is_refused_in_one_line_at_both_doors(asked, complaint, target, ours, suite):
    with pytest.raises(ValueError, match=complaint) as refusal:
        ask(suite({"until": ["x"]} | asked), target, chat_template=False)
    assert str(refusal.value).startswith("suite 'ends': ")
    assert "\n" not in str(refusal.value)
    with pytest.raises(ValueError, match=complaint) as refusal:
        answered(ours, [":"], asked)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("temperature", ["warm", True, [0.5]])
def test_a_temperature_is_a_number(temperature, ours):
    with pytest.raises(ValueError, match="expected temperature to be a number of at least 0, got"):
        answered(ours, [":"], {"temperature": temperature})


@pytest.mark.parametrize(
    ("asked", "cap", "stops"),
    [
        ({}, 256, ()),
        ({"until": None, "max_gen_toks": None, "temperature": None, "num_beams": None}, 256, ()),
        ({"until": "x"}, 256, ("x",)),
        ({"until": ["x", "", None, "\n\n"]}, 256, ("x", "\n\n")),
        ({"max_new_tokens": 7}, 7, ()),
        ({"max_tokens": 8.0}, 8, ()),
        ({"max_completion_tokens": 9}, 9, ()),
        ({"max_gen_toks": 3, "max_new_tokens": 7}, 3, ()),
        ({"num_beams": 1, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "use_cache": True}, 256, ()),
        ({"do_sample": False, "temperature": 0.7, "top_p": 0.9, "min_p": 0.1, "length_penalty": 2.0}, 256, ()),
    ],
)
def test_what_asks_for_nothing_else_than_greedy_answers_is_done(asked, cap, stops):
    settings = generation_settings(asked)
    assert (settings.max_new_tokens, settings.stop_strings, settings.sampling) == (cap, stops, Sampling())


def test_a_task_that_samples_is_told_that_the_runs_own_settings_hold(target, suite, tmp_path):
    class Told(Silent):
        def say(self, message: str) -> None:
            said.append(message)

    task = suite({"do_sample": True, "temperature": 0.7, "top_p": 0.9, "max_gen_toks": 3})
    arms = build_arms(target, ARMS[:1])
    expected = (
        "ends: its task asks for sampling (temperature 0.7, top_p 0.9), answers here are drawn at temperature 0: the "
        "run's own settings hold"
    )
    said: list[str] = []
    run_heat(plan_heat(target, arms, task), Store(tmp_path / "greedy"), Told())
    assert said == [expected]
    assert set_paper({"id": [task]}, target, limit=1, max_new_tokens=3, batch_size=1).not_done() == [expected]
    said.clear()
    run_heat(
        plan_heat(target, arms, task, sampling=Sampling(temperature=0.7, top_p=0.9)), Store(tmp_path / "same"), Told()
    )
    assert said == []


# --- prompts ---


def test_prompts_do_not_end_in_an_end_token_that_the_tokenizer_appends(target, folder):
    tokenizer = chain_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="$A <|im_end|>", special_tokens=[("<|im_end|>", 257)]
    )
    bare = list(chain_tokenizer()("6 times 7:")["input_ids"])
    assert list(tokenizer("6 times 7:")["input_ids"]) == [*bare, 257]
    odd = dataclasses.replace(target, tokenizer=tokenizer)
    assert odd.prompt("6 times 7:", templated=False).tolist() == [bare]
    model = OffbookLM(folder, device="cpu")
    model.target = odd
    assert model.tok_encode("6 times 7:") == bare
    assert model._encode_pair("6 times", " 7:") == (bare[:7], bare[7:])


def test_generate_ends_at_a_spelled_end_token_and_shows_no_part_of_it(tmp_path):
    tokenizer = tiny_tokenizer(chat=False)
    tokenizer.add_special_tokens({"eos_token": "</s>"})
    spelled = dict(itertools.pairwise(":42</s>9"))
    chain_model(tokenizer, spelled).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    target = load_target(str(tmp_path), device="cpu")
    (arm,) = build_arms(target, ["autoregressive"])
    pieces: list[str] = []
    found = generate(
        target, arm, ":", sampling=Sampling(), max_new_tokens=12, seed=0, chat_template=False, write=pieces.append
    )
    assert (pieces, found.finish_reason, len(found.tokens)) == (["4", "2"], "stop", 6)

"""llama.cpp as a row: driven token by token, forgetting every document, refused in one line where it cannot run."""

import copy
import dataclasses
import importlib.util

import pytest
import torch

from offbook.baselines.decoding.llama_cpp import LlamaCpp
from offbook.engine import gguf_file, llama_cpp_library
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.gguf_file import target_gguf
from offbook.harness.records.store import Store
from offbook.harness.roster.arms import build_arm, build_arms
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import DECODERS, contender
from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites.suite import find_suites
from offbook.harness.tables.decoders import write_leaderboard
from offbook.harness.trials.heat import plan_heat, run_heat
from tests.tiny import save_tiny

here = importlib.util.find_spec("xllamacpp") is not None
CPU = torch.device("cpu")


class Runtime:
    """A copy of the target behind llama.cpp's door, whose forwards nobody counts; each `skewed`-th token is wrong."""

    def __init__(self, target: Target, skewed: int = 0) -> None:
        self.model, self.skewed = copy.deepcopy(target.backbone.model), skewed
        self.model.set_attn_implementation("sdpa")
        self.seen: list[int] = []
        self.begun: list[tuple[int, float, int]] = []

    def begin(self, capacity: int, sampling: Sampling, seed: int) -> None:
        self.seen = []
        self.begun.append((capacity, sampling.temperature, seed))

    @torch.inference_mode()
    def feed(self, tokens) -> int:
        self.seen += tokens
        best = int(self.model(input_ids=torch.tensor([self.seen])).logits[0, -1].argmax())
        return (best + 1) % 200 if self.skewed and len(self.seen) % self.skewed == 0 else best


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("llama") / "tiny")), device="cpu")


def decoder(target: Target, runtime: Runtime) -> LlamaCpp:
    context = target.backbone.context_length
    return LlamaCpp(runtime, context_length=context, detokenize=target.detokenize)


def answer(target, who, *, temperature=0.0, seed=0, cap=9):
    prompt = target.prompt("How many legs has a spider?", templated=False)
    generator = torch.Generator().manual_seed(seed)
    limits = Limits(max_new_tokens=cap)
    return who.generate(prompt, sampling=Sampling(temperature=temperature), limits=limits, generator=generator)


def test_greedy_answers_are_those_of_plain_decoding_where_the_numbers_are(target):
    (plain,) = build_arms(target, ["autoregressive"])
    theirs, ours = answer(target, decoder(target, Runtime(target))), answer(target, plain.decoder)
    assert (theirs.tokens, theirs.finish_reason, theirs.rounds) == (ours.tokens, ours.finish_reason, ours.rounds)
    assert len(theirs.times) == len(theirs.rounds) == len(theirs.tokens) - 1


def test_each_document_begins_anew_with_room_for_it_and_a_seed_of_the_heat(target):
    runtime = Runtime(target)
    who = decoder(target, runtime)
    greedy = answer(target, who)
    for seed in (1, 1, 2):
        answer(target, who, temperature=1.0, seed=seed)
    assert {capacity for capacity, _, _ in runtime.begun} == {greedy.prompt_tokens + 9}
    seeds = [seed for _, _, seed in runtime.begun]
    assert seeds[0] == 0
    assert seeds[1] == seeds[2] != seeds[3]
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_the_stop_rule_is_that_of_every_other_contender(target):
    who = decoder(target, Runtime(target))
    whole = answer(target, who)
    prompt = target.prompt("How many legs has a spider?", templated=False)
    ended = who.generate(
        prompt,
        sampling=Sampling(),
        limits=Limits(max_new_tokens=9, eos_token_ids=frozenset(whole.tokens[3:4])),
        generator=torch.Generator(),
    )
    place = whole.tokens.index(whole.tokens[3])
    assert (ended.tokens, ended.finish_reason) == (whole.tokens[: place + 1], "eos")


@pytest.mark.parametrize(("temperature", "verdict"), [(0.0, "differs"), (1.0, "not_tested")])
def test_in_a_heat_it_is_named_as_outside_and_its_differences_are_counted(
    temperature, verdict, target, tmp_path, monkeypatch
):
    (suite,) = find_suites(["qa"])
    entry = dataclasses.replace(
        DECODERS["llama_cpp"], build=lambda target, options, folder: decoder(target, Runtime(target, skewed=3))
    )
    (plain,) = build_arms(target, ["autoregressive"])
    arms = [plain, build_arm(target, entry, layout="transformers")]
    planned = plan_heat(target, arms, suite, sampling=Sampling(temperature=temperature), limit=2, max_new_tokens=4)
    store = Store(tmp_path)
    records = {record.spec.decoder: record for record in run_heat(planned, store)}
    assert records["llama_cpp"].spec.layout == "llama.cpp"
    assert records["llama_cpp"].certificate.verdict == verdict
    heat = records["llama_cpp"].manifest["heat"]
    assert heat["outside"] == ["llama_cpp"]
    assert "found" not in heat
    write_leaderboard(store, tmp_path)
    text = (tmp_path / "LEADERBOARD.md").read_text()
    assert "runs the model in another program" in text
    assert "Not to be trusted" not in text


def test_who_is_not_outside_is_caught_all_the_same(target, tmp_path):
    (suite,) = find_suites(["qa"])
    secret = Contender(name="secret", summary="s", build=lambda target, *_: decoder(target, Runtime(target)))
    arms = [*build_arms(target, ["autoregressive"]), build_arm(target, secret)]
    records = run_heat(plan_heat(target, arms, suite, limit=2, max_new_tokens=4), Store(tmp_path))
    assert "called the target 0 times" in records[0].manifest["heat"]["found"]["secret"]


def test_without_the_package_it_is_refused_with_the_extra(target, monkeypatch):
    monkeypatch.setattr(llama_cpp_library, "PACKAGE", "no_such_package")
    with pytest.raises(ValueError, match=r"found none installed; run `pip install \"offbook\[llama-cpp\]\"`"):
        build_arm(target, contender("llama_cpp"))


def test_a_target_without_a_gguf_file_is_refused(target, tmp_path):
    with pytest.raises(ValueError, match=r"GGUF file at hand \(smollm2-135m-instruct\), got 'tiny'"):
        target_gguf(target.name, target.weights_sha256, CPU)
    with pytest.raises(ValueError, match=r"expected a GGUF file, got .*none\.gguf.*check the option gguf"):
        target_gguf(target.name, target.weights_sha256, CPU, named=str(tmp_path / "none.gguf"))
    with pytest.raises(ValueError, match="run with --device cpu"):
        target_gguf(target.name, target.weights_sha256, torch.device("cuda"))


def test_a_model_that_only_has_the_embedded_ones_name_is_refused(target, monkeypatch):
    monkeypatch.setattr(gguf_file, "weights_sha256", lambda name: "another")
    with pytest.raises(ValueError, match="GGUF file at hand"):
        target_gguf("smollm2-135m-instruct", target.weights_sha256, CPU)


@pytest.mark.slow
@pytest.mark.skipif(not here, reason="xllamacpp is not installed")
def test_the_real_one_answers_and_draws_the_same_twice():
    target = load_target("smollm2-135m-instruct", device="cpu")
    arm = build_arm(target, contender("llama_cpp"))
    first = answer(target, arm.decoder, cap=12)
    assert answer(target, arm.decoder, cap=12).tokens == first.tokens
    drawn = [answer(target, arm.decoder, temperature=1.0, seed=seed, cap=12).tokens for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]

"""Decoders whose account adds up and is not true: a heat finds them, and the tables name them."""

import dataclasses
import functools

import pytest

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates import certify
from offbook.harness.certificates.sampling import decoder_certificate
from offbook.harness.records.store import Store
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import DECODERS
from offbook.harness.roster.target import Target, load_target
from offbook.harness.suites.requests import ask
from offbook.harness.suites.suite import find_suites
from offbook.harness.tables.decoders import write_leaderboard
from offbook.harness.trials.heat import plan_heat, run_heat
from tests.controls.decoders import Cached, Knows, Merges, Remembers, Sharpens, Skips, asks_in_secret
from tests.tiny import save_tiny, tiny_model, tiny_tokenizer

CAP, DOCUMENTS = 12, 2


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("cheats") / "tiny")), device="cpu")


@pytest.fixture(scope="module")
def suite():
    (found,) = find_suites(["qa"])
    return found


def heat(target, suite, folder, make):
    """The records of a heat of the baseline and one other, and what the leaderboard says."""
    plain, other = build_arms(target, ["autoregressive", "prompt_lookup"])
    arms = [plain, dataclasses.replace(other, decoder=make(other.decoder))]
    return run(target, suite, folder, arms, Sampling())


def run(target, suite, folder, arms, sampling):
    planned = plan_heat(target, arms, suite, sampling=sampling, limit=DOCUMENTS, max_new_tokens=CAP)
    store = Store(folder)
    records = {record.spec.decoder: record for record in run_heat(planned, store)}
    write_leaderboard(store, folder)
    return records, (folder / "LEADERBOARD.md").read_text()


def found(records) -> dict[str, str]:
    return records["autoregressive"].manifest["heat"].get("found", {})


def test_who_is_honest_is_not_named(target, suite, tmp_path):
    records, text = heat(target, suite, tmp_path, lambda decoder: decoder)
    assert found(records) == {}
    assert records["prompt_lookup"].certificate.verdict == "lossless"
    assert "Not to be trusted" not in text


def test_who_is_honest_is_not_named_on_a_model_of_another_shape(suite, tmp_path):
    tiny_model("gemma").save_pretrained(tmp_path / "gemma")
    tiny_tokenizer().save_pretrained(tmp_path / "gemma")
    gemma = load_target(str(tmp_path / "gemma"), device="cpu", layout="prepacked")
    records, _ = heat(gemma, suite, tmp_path / "run", lambda decoder: decoder)
    assert {record.spec.layout for record in records.values()} == {"prepacked"}
    assert found(records) == {}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda target, decoder: Remembers(target), "it remembers other documents"),
        (lambda target, decoder: Cached(decoder), "called the target"),
        (lambda target, decoder: Merges(decoder), "its rounds are not what was run"),
        (lambda target, decoder: asks_in_secret(target), "called the target"),
    ],
    ids=["remembers", "answers from a cache", "miscounts", "asks in secret"],
)
def test_who_is_not_is_named_in_the_record_and_in_the_table(make, said, target, suite, tmp_path):
    records, text = heat(target, suite, tmp_path, lambda decoder: make(target, decoder))
    assert found(records).keys() == {"prompt_lookup"}
    assert said in found(records)["prompt_lookup"]
    assert "Not to be trusted: prompt\\_lookup" in text or "Not to be trusted: prompt_lookup" in text
    assert records["prompt_lookup"].certificate.verdict == "lossless", "its answers are the target's own"


def test_who_skips_a_token_does_not_say_what_the_target_says(target, suite, tmp_path):
    (plain,) = build_arms(target, ["autoregressive"])
    records, text = heat(target, suite, tmp_path, lambda _: Skips(plain.decoder))
    assert records["prompt_lookup"].certificate.verdict == "differs"
    assert "DIFFERS 2/2" in text


@pytest.mark.slow
def test_who_draws_otherwise_than_asked_is_named_in_the_table(target, suite, tmp_path, monkeypatch):
    few = functools.partial(decoder_certificate, n=1_000)
    monkeypatch.setattr(certify, "decoder_certificate", few)
    cold = Contender(
        name="cold",
        summary="colder than asked",
        build=lambda target, options, folder: Sharpens(target.backbone, Autoregressive(), target.detokenize),
    )
    monkeypatch.setitem(DECODERS, cold.name, cold)
    arms = build_arms(target, ["autoregressive", "cold"])
    records, text = run(target, suite, tmp_path, arms, Sampling(temperature=1.0))
    assert records["cold"].certificate.verdict == "differs"
    assert "DIFFERS: TV" in text


def test_who_knows_the_reference_does_not_say_what_the_target_says(target, suite, tmp_path):
    asked = ask(suite, target, limit=DOCUMENTS)
    prompts = [tuple(target.encode(r.prompt, templated=asked.chat_template)) for r in asked.requests]
    references = dict(zip(prompts, ("The answer is 7.", "It is blue."), strict=True))
    records, text = heat(target, suite, tmp_path, lambda decoder: Knows(target, decoder, references))
    assert records["prompt_lookup"].certificate.verdict == "differs"
    assert "DIFFERS 2/2" in text

"""Typical acceptance: the rule on laws that can be written down, greedy where it has to be, and never called exact."""

import functools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from offbook.baselines.decoding.medusa_typical import TypicalAcceptance
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import Verdict, verifier_for
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.finite import NotFiniteError
from offbook.engine.progress import Silent
from offbook.harness.artifacts import drafters
from offbook.harness.certificates import certify as module
from offbook.harness.certificates.contender_tests import Extent
from offbook.harness.certificates.verifiers import own_verifier_certificate
from offbook.harness.matrix.certify import certify
from offbook.harness.records.store import Store
from offbook.harness.records.verify import whole
from offbook.harness.roster.arms import build_arms
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import Target, load_target
from offbook.harness.roster.tuning import under_control
from offbook.harness.suites.suite import find_suites
from offbook.harness.tables.decoders import write_leaderboard
from offbook.harness.trials.heat import plan_heat, run_heat
from tests.engine.decoding.tuned import BETWEEN, tuned
from tests.tiny import save_tiny

WARM = Sampling(temperature=1.0)
SHARP, FLAT = [0.85, 0.09, 0.05, 0.01], [0.28, 0.26, 0.24, 0.22]


def decided(laws: list[list[float]], tree: Tree, sampling: Sampling = WARM, **rule: float) -> Verdict:
    logits_NV = torch.tensor(laws, dtype=torch.float64).log()
    return TypicalAcceptance(**rule)(sampling)(logits_NV, tree.tensors(), torch.Generator())


def threshold(law: list[float], epsilon: float = 0.09, delta: float = 0.3) -> float:
    entropy = -sum(p * math.log(p) for p in law if p)
    return min(epsilon, delta * math.exp(-entropy))


@pytest.mark.parametrize("law", [SHARP, FLAT, [1.0, 0.0, 0.0, 0.0]])
def test_the_threshold_is_the_papers(law):
    found = TypicalAcceptance().thresholds(torch.tensor([law], dtype=torch.float64))
    assert found.tolist() == pytest.approx([threshold(law)])


@pytest.mark.parametrize(
    ("law", "token", "stands"),
    [
        (SHARP, 0, True),
        (SHARP, 1, True),
        (SHARP, 3, False),
        (FLAT, 3, True),  # where many are plausible, all are: 0.22 > 0.3 exp(-1.38)
    ],
)
def test_a_candidate_stands_above_the_threshold(law, token, stands):
    rule = {"epsilon": 0.089} if token == 1 else {}
    verdict = decided([law, FLAT], Tree.chain([0, token]), **rule)
    assert verdict.path == ((0, 1) if stands else (0,))
    assert (law[token] > threshold(law, **rule)) == stands


def test_what_equals_the_threshold_does_not_stand():
    law = [0.5, 0.5, 0.0, 0.0]
    assert decided([law, FLAT], Tree.chain([0, 1]), epsilon=0.5, delta=2.0).path == (0,)
    assert decided([law, FLAT], Tree.chain([0, 1]), epsilon=0.499, delta=2.0).path == (0, 1)


def test_the_deepest_that_stands_is_taken_and_of_several_the_likeliest():
    # Root's children 1 and 2; below 1 the tokens 3 and 0, below 2 the token 1.
    tree = Tree((0, 1, 2, 3, 0, 1), (-1, 0, 0, 1, 1, 2))
    laws = [[0.1, 0.2, 0.7, 0.0], [0.3, 0.2, 0.1, 0.4], [0.0, 0.9, 0.1, 0.0], FLAT, FLAT, SHARP]
    verdict = decided(laws, tree)
    assert verdict.path == (0, 2, 5), "0.7 * 0.9 before 0.2 * 0.4"
    assert int(verdict.bonus) == 0, "the likeliest behind it"
    laws[2] = [0.97, 0.01, 0.01, 0.01]  # below 2 nothing stands, so that depth decides
    assert decided(laws, tree).path == (0, 1, 3)


def test_a_candidate_below_one_that_falls_does_not_stand():
    laws = [[0.97, 0.01, 0.01, 0.01], SHARP, FLAT]
    verdict = decided(laws, Tree.chain([0, 1, 0]))
    assert (verdict.path, int(verdict.bonus)) == ((0,), 0)


@given(
    weights=st.lists(st.floats(0, 5), min_size=4, max_size=4),
    sampling=st.sampled_from([WARM, Sampling(temperature=0.3), Sampling(temperature=2.0, top_k=2, top_p=0.7)]),
)
def test_the_targets_likeliest_token_always_stands_and_no_number_is_drawn(weights, sampling):
    logits_NV = torch.tensor([weights, [0.0, 0.0, 0.0, 1.0]], dtype=torch.float64)
    best = int(logits_NV[0].argmax())
    generator = torch.Generator().manual_seed(5)
    before = generator.get_state()
    verdict = TypicalAcceptance()(sampling)(logits_NV, Tree.chain([0, best]).tensors(), generator)
    assert (verdict.path, int(verdict.bonus)) == ((0, 1), 3)
    assert torch.equal(generator.get_state(), before)


def test_filters_of_the_draws_are_those_of_the_rule():
    laws = [[0.4, 0.3, 0.2, 0.1], FLAT]
    assert decided(laws, Tree.chain([0, 3])).path == (0, 1)
    assert decided(laws, Tree.chain([0, 3]), Sampling(temperature=1.0, top_k=2)).path == (0,)
    assert decided(laws, Tree.chain([0, 3]), Sampling(temperature=0.4)).path == (0,)


def test_at_temperature_0_it_is_the_greedy_rule():
    assert TypicalAcceptance()(Sampling()) is verifier_for(Sampling())


@pytest.mark.parametrize("row", [0, 1])
def test_logits_that_are_not_finite_are_told_where_they_decide(row):
    logits_NV = torch.tensor([SHARP, FLAT], dtype=torch.float64).log()
    logits_NV[row, 2] = math.inf
    with pytest.raises(NotFiniteError):
        TypicalAcceptance()(WARM)(logits_NV, Tree.chain([0, 0]).tensors(), torch.Generator())
    fallen = Tree((0, 0, 3, 0), (-1, 0, 0, 2))  # nobody asks behind the second, which falls
    logits_NV = torch.tensor([SHARP, FLAT, [math.nan] * 4, FLAT], dtype=torch.float64)
    logits_NV[[0, 1, 3]] = logits_NV[[0, 1, 3]].log()
    assert TypicalAcceptance()(WARM)(logits_NV, fallen.tensors(), torch.Generator()).path == (0, 1)


@pytest.mark.parametrize("sampling", [WARM, Sampling(temperature=0.7, top_p=0.9), Sampling(temperature=1.5, top_k=4)])
def test_draws_of_the_toy_tell_it_from_the_exact_rule(sampling):
    found = own_verifier_certificate(TypicalAcceptance(), sampling=sampling, seed=0, n=1_000)
    assert found.verdict == "differs"
    assert found.p_value < 1e-12
    assert own_verifier_certificate(verifier_for, sampling=sampling, seed=0, n=1_000).verdict == "lossless"


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Target:
    return load_target(str(save_tiny(tmp_path_factory.mktemp("typical") / "tiny")), device="cpu")


@pytest.fixture(scope="module")
def folder(target, tmp_path_factory):
    answers = [Answer(id=str(i), prompt_tokens=(1, 2, 3), answer_tokens=tuple(range(i, i + 12))) for i in range(8)]
    config = TrainingConfig(epochs=1, batch_size=4, draft_vocab_size=64, max_length=32)
    place = tmp_path_factory.mktemp("typical") / "medusa"
    return drafters.train(contender("medusa"), target, answers, config, place)


@pytest.mark.parametrize(("temperature", "verdict"), [(0.0, "not_tested"), (1.0, "differs")])
def test_no_row_of_it_is_called_exact_or_ranked_and_the_page_says_why(
    temperature, verdict, target, folder, tmp_path, monkeypatch
):
    for name in ("verifier_certificate", "own_verifier_certificate"):
        monkeypatch.setattr(module, name, functools.partial(getattr(module, name), n=1_000))
        uncached = getattr(module, f"_{name}").__wrapped__  # what other tests find stays theirs
        monkeypatch.setattr(module, f"_{name}", uncached)
    (suite,) = find_suites(["qa"])
    names = ["autoregressive", "medusa", "medusa_typical"]
    arms = build_arms(target, names, drafter_folders=dict.fromkeys(names[1:], folder))
    planned = plan_heat(target, arms, suite, sampling=Sampling(temperature=temperature), limit=2, max_new_tokens=8)
    store = Store(tmp_path)
    records = {record.spec.decoder: record for record in run_heat(planned, store)}
    assert records["medusa"].certificate.verdict == "lossless"
    assert records["medusa_typical"].certificate.verdict == verdict
    assert temperature == 0 or records["medusa_typical"].certificate.tv > 0.2, "its own verifier was asked"
    assert records["medusa_typical"].spec.drafter == records["medusa"].spec.drafter
    assert records["medusa_typical"].manifest["heat"]["lossy"] == ["medusa_typical"]
    rows = {name: [row.tokens for row in store.rows(records[name])] for name in names}
    assert (rows["medusa_typical"] == rows["autoregressive"]) == (temperature == 0)
    whole(store)  # nothing contradicts anything
    table = write_leaderboard(store, tmp_path)
    said = dict(zip(table["decoder"], table["losslessness"], strict=True))
    assert said["medusa_typical"].startswith(("not tested", "DIFFERS"))
    page = (tmp_path / "LEADERBOARD.md").read_text()
    assert "Lossy: medusa_typical says above temperature 0 what its target would not, by design: its speed is" in page
    assert "Lossy: medusa says" not in page


@pytest.mark.parametrize("samplings", [(), (WARM,)])
def test_certify_says_that_it_differs(target, folder, samplings, monkeypatch):
    monkeypatch.setattr("offbook.harness.certificates.sampling.check_settings", lambda *_: None)
    extent = Extent(prompts=2, answer_tokens=8, draws=1_000, sequences=100, vocabulary_tokens=300)
    report = certify(
        target, contender("medusa_typical"), Silent(), manifest={}, drafter_folder=folder, samplings=samplings,
        extent=extent,
    )  # fmt: skip
    assert report.verdict == "differs"
    outcomes = {part.name.partition(",")[0]: part.outcome for part in report.parts}
    warm = dict.fromkeys(("draws of the verifier", "small model", "real vocabulary"), "differs")
    assert outcomes == {"greedy identity": "lossless", "design": "differs"} | (warm if samplings else {})
    assert "By design it says above temperature 0 what its target would not." in report.paragraph()
    assert "Verdict: DIFFERS." in report.paragraph()


def test_no_controller_may_cut_it(target, folder):
    assert not contender("medusa_typical").may_be_cut
    assert contender("medusa").may_be_cut
    arms = build_arms(
        target, ["medusa", "medusa_typical"], drafter_folders={"medusa": folder, "medusa_typical": folder}
    )
    plain, typical = (arm.decoder for arm in arms)
    assert under_control(plain, tuned(BETWEEN), "medusa").controller is not None
    with pytest.raises(ValueError, match="medusa_typical: expected a decoder with rounds that may be cut, got one of"):
        under_control(typical, tuned(BETWEEN), "medusa_typical")

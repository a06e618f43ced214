"""The measures of the latent analysis, against known values."""

import importlib.util
import json
import math

import numpy as np
import pytest
import torch

from offbook.engine.students.record import RECORD
from offbook.harness.latent.cka import debiased_cka, linear_cka
from offbook.harness.latent.consistency import answer_consistency
from offbook.harness.latent.documents import read_documents, token_divergence
from offbook.harness.latent.hidden_states import read_corpus
from offbook.harness.latent.libraries import require_libraries
from offbook.harness.latent.pictures import curves_picture, map_picture, perplexity, tsne
from offbook.harness.latent.preference import binned, read_preference
from offbook.harness.latent.separability import compress, length_features, mixture, probe, silhouette
from offbook.harness.latent.state_cache import remembered
from tests.methods.mind_corpus import mind_paths
from tests.tiny import tiny_model

PNG = b"\x89PNG"


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# --- centred kernel alignment ---


@pytest.mark.parametrize("cka", [linear_cka, debiased_cka])
def test_a_rotated_moved_and_scaled_space_is_the_same_space(cka):
    x = normal(40, 6)
    rotation = torch.linalg.qr(normal(6, 6, seed=1)).Q
    assert cka(x, 3 * x @ rotation + 5) == pytest.approx(1.0, abs=1e-9)
    assert cka(x, x * torch.tensor([9.0, 1, 1, 1, 1, 1])) < 0.9


def test_independent_states_reach_the_analytic_floor_and_nothing_once_debiased():
    n, p = 64, 576
    pairs = [(normal(n, p, seed=2 * s), normal(n, p, seed=2 * s + 1)) for s in range(10)]
    assert np.mean([linear_cka(x, y) for x, y in pairs]) == pytest.approx(p / (n + p), abs=0.01)
    assert np.mean([debiased_cka(x, y) for x, y in pairs]) == pytest.approx(0.0, abs=0.02)


def test_debiased_cka_is_the_unbiased_hsic_of_song_et_al():
    x, y = normal(12, 5), normal(12, 3, seed=1) + 0.5 * normal(12, 5)[:, :3] + 2

    def hsic(a, b):
        n = len(a)
        k, l = (side @ side.T for side in (a, b))
        k.fill_diagonal_(0), l.fill_diagonal_(0)
        one = torch.ones(n, dtype=torch.float64)
        total = (k @ l).trace() + (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2))
        return (total - 2 / (n - 2) * (one @ k @ l @ one)) / (n * (n - 3))

    expected = hsic(x, y) / (hsic(x, x) * hsic(y, y)).sqrt()
    assert debiased_cka(x, y) == pytest.approx(float(expected), abs=1e-10)


def test_states_that_do_not_vary_have_no_alignment():
    assert math.isnan(linear_cka(torch.ones(5, 3), normal(5, 3)))
    assert math.isnan(debiased_cka(normal(3, 3), normal(3, 3)))


# --- separability ---


def clusters(distance: float, questions: int = 30, perspectives: int = 4):
    """States around one centre a perspective, and what belongs to which question."""
    labels = np.tile(np.arange(perspectives), questions)
    groups = np.repeat(np.arange(questions), perspectives)
    states = normal(len(labels), 6).numpy()
    states[np.arange(len(labels)), labels] += distance
    return states, labels, groups


def test_separate_perspectives_are_told_apart_by_every_measure():
    states, labels, groups = clusters(30.0)
    points = compress(states)
    found = mixture(points, labels)
    assert probe(states, labels, groups).mean() == 1.0
    assert silhouette(points, labels) > 0.4
    assert (found.occupied, found.ari, found.nmi) == (4, pytest.approx(1.0), pytest.approx(1.0))
    assert found.converged


def test_perspectives_that_are_not_there_are_not_told_apart():
    states, labels, groups = clusters(0.0, questions=100)
    points = compress(states)
    found = mixture(points, labels)
    assert probe(states, labels, groups).mean() == pytest.approx(0.25, abs=0.08)
    assert probe(states, labels, None).mean() == pytest.approx(0.25, abs=0.08)
    assert -0.1 < silhouette(points, labels) < 0
    assert abs(found.ari) < 0.05


def test_a_probe_never_sees_the_question_it_is_scored_on():
    """Every question has one label and a place of its own: only who saw the question knows it."""
    questions = 40
    groups = np.repeat(np.arange(questions), 4)
    labels = (np.arange(questions) % 2)[groups]
    places = 20 * normal(questions, 60).numpy()
    states = places[groups] + 0.01 * normal(len(groups), 60, seed=1).numpy()
    assert probe(states, labels, None).mean() > 0.95
    assert probe(states, labels, groups).mean() < 0.75


def test_lengths_alone_tell_a_wide_spread_from_a_narrow_one():
    labels = np.tile(np.arange(2), 60)
    lengths = np.where(labels == 0, 60, np.where(np.arange(120) % 4 == 1, 20, 180)) + np.arange(120) % 7
    assert probe(length_features(lengths), labels, np.arange(120) // 2).mean() == 1.0


def test_the_measures_repeat_themselves():
    states, labels, groups = clusters(2.0)
    points = compress(states)
    assert (points == compress(states)).all()
    assert (probe(states, labels, groups, 3) == probe(states, labels, groups, 3)).all()
    assert mixture(points, labels, 3) == mixture(points, labels, 3)
    places = tsne(points, 1)
    assert (places == tsne(points, 1)).all()
    assert not np.allclose(places, tsne(points, 2))


def test_one_perspective_has_no_silhouette():
    assert math.isnan(silhouette(np.zeros((3, 2)), np.zeros(3, dtype=np.int64)))


# --- pictures ---


@pytest.mark.parametrize(("n", "expected"), [(4, 1.0), (31, 10.0), (91, 30.0), (512, 30.0)])
def test_perplexity_stays_below_the_number_of_samples(n, expected):
    assert perplexity(n) == expected


def test_pictures_are_pngs():
    places = np.arange(12.0).reshape(6, 2)
    picture = map_picture({0: places, 1: places}, np.array([0, 1, 0, 1, 0, 1]), ["a", "b"], "title")
    assert picture.startswith(PNG)
    assert curves_picture({"p": {"a": ([0.0, 1.0], [1.0, 2.0])}}, x="x", y="y").startswith(PNG)


# --- consistency ---


def test_equal_distributions_agree_and_disjoint_ones_diverge_by_ln_2():
    peak = torch.full((3, 5), -40.0)
    peak[0, 1] = peak[1, 1] = peak[2, 3] = 0.0
    log_p_KAV = peak.log_softmax(-1)[:, None]
    found = answer_consistency(log_p_KAV, torch.tensor([1]))
    assert found.divergence == pytest.approx(2 / 3 * math.log(2), abs=1e-5)
    assert found.agreement == pytest.approx(1 / 3)
    assert found.correct == pytest.approx(2 / 3)


def test_an_answer_is_right_only_as_a_whole():
    log_p_KAV = torch.eye(4)[torch.tensor([[0, 1], [0, 2]])].log_softmax(-1)
    found = answer_consistency(log_p_KAV, torch.tensor([0, 1]))
    assert (found.agreement, found.correct) == (0.0, 0.5)


def test_one_rationale_has_nothing_to_agree_with():
    found = answer_consistency(torch.zeros(1, 1, 4).log_softmax(-1), torch.tensor([0]))
    assert math.isnan(found.divergence)
    assert math.isnan(found.agreement)
    assert found.correct == 1.0


# --- reading ---


@pytest.mark.parametrize("architecture", ["llama", "gemma3"])
def test_branches_are_read_as_each_rationale_alone(architecture):
    model, paths = tiny_model(architecture, max_position_embeddings=1024), mind_paths()
    told = []
    reading = read_corpus(model, paths, lambda done, total: told.append((done, total)))
    row = 0
    for n, question in enumerate(paths):
        log_p = []
        for response in question.responses:
            if response is None:
                continue
            tokens = torch.tensor([[*question.prompt, *response.tokens]])
            with torch.inference_mode():
                output = model(input_ids=tokens, output_hidden_states=True)
            states = torch.stack(output.hidden_states)[:, 0]
            prompt = len(question.prompt)
            torch.testing.assert_close(reading.rationales_MLD[row], states[:, prompt:-1].mean(dim=1), atol=1e-4, rtol=0)
            torch.testing.assert_close(reading.prompts_NLD[n], states[:, 1:prompt].mean(dim=1), atol=1e-4, rtol=0)
            log_p.append(output.logits[0, [prompt + i - 1 for i in response.answer]].log_softmax(-1))
            answer = torch.tensor([response.tokens[i] for i in response.answer])
            row += 1
        expected = answer_consistency(torch.stack(log_p), answer)
        assert float(reading.divergence_N[n]) == pytest.approx(expected.divergence, abs=1e-4)
        assert float(reading.agreement_N[n]) == expected.agreement
        assert float(reading.correct_N[n]) == expected.correct
    assert row == len(reading.rationales_MLD) == 11
    assert told[-1] == (len(paths), len(paths))


def test_documents_are_means_over_all_tokens_but_the_first():
    model = tiny_model()
    (states_LD,) = read_documents(model, [[5, 6, 7]])
    with torch.inference_mode():
        hidden = model(input_ids=torch.tensor([[5, 6, 7]]), output_hidden_states=True).hidden_states
    torch.testing.assert_close(states_LD, torch.stack([layer[0, 1:].mean(dim=0) for layer in hidden]))
    assert read_documents(model, [[5]]).isfinite().all()


def test_token_divergence_is_from_the_base_to_the_student():
    base, student = tiny_model(seed=0), tiny_model(seed=1)
    tokens = [5, 6, 7, 8]
    with torch.inference_mode():
        log_p, log_q = (m(input_ids=torch.tensor([tokens])).logits[0].log_softmax(-1) for m in (base, student))
    expected = (log_p.exp() * (log_p - log_q)).sum(-1).mean()
    assert float(token_divergence(base, student, [tokens])) == pytest.approx(float(expected), rel=1e-4)
    assert float(token_divergence(base, base, [tokens])) == 0.0


# --- preference ---


def write_record(folder, log) -> None:
    folder.mkdir(exist_ok=True)
    (folder / RECORD).write_text(json.dumps({"log": log}))


def test_weights_are_averaged_over_equal_shares_of_training(tmp_path):
    log = [
        {"gradient_tokens": 10 * (i + 1), "loss": 1.0, "alpha/a": i / 10, "alpha/b": 1 - i / 10, "entropy": 0.5}
        for i in range(10)
    ]
    write_record(tmp_path, log)
    found = read_preference(tmp_path)
    assert found is not None
    assert "loss" not in found[0]
    rows = binned(found, bins=5)
    assert [row["alpha/a"] for row in rows] == pytest.approx([0.05, 0.25, 0.45, 0.65, 0.85])
    assert [row["gradient_tokens"] for row in rows] == [20, 40, 60, 80, 100]
    assert all(row["alpha/a"] + row["alpha/b"] == pytest.approx(1) and row["steps"] == 2 for row in rows)
    assert len(binned(found[:3], bins=5)) == 3


def test_other_students_have_no_preference(tmp_path):
    assert read_preference(tmp_path) is None
    write_record(tmp_path, [{"gradient_tokens": 10, "loss": 1.0}])
    assert read_preference(tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"log": 3}', '{"log": [{"alpha/a": "x"}]}'])
def test_a_broken_training_record_is_told_in_one_line(tmp_path, content):
    (tmp_path / RECORD).write_text(content)
    with pytest.raises(ValueError, match="expected a training record"):
        read_preference(tmp_path)


# --- what is kept, what is needed ---


def test_tensors_are_made_once_for_what_determines_them(tmp_path):
    made = []

    def make():
        made.append(1)
        return {"x": torch.arange(6).view(2, 3).T}

    for key, times in ((["a"], 1), (["a"], 1), (["b"], 2)):
        assert remembered(tmp_path, "states", key, make)["x"].tolist() == [[0, 3], [1, 4], [2, 5]]
        assert len(made) == times


def test_an_interrupted_reading_leaves_nothing(tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remembered(tmp_path, "states", [], interrupted)
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_of_remembered_tensors_is_named(tmp_path):
    remembered(tmp_path, "states", 1, lambda: {"x": torch.ones(2)})
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"")
    with pytest.raises(ValueError, match="delete it, and it is made anew") as refused:
        remembered(tmp_path, "states", 1, dict)
    assert str(refused.value).startswith(str(file))


def test_a_missing_library_is_named_with_its_remedy(monkeypatch):
    require_libraries()
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else real(name))
    with pytest.raises(ValueError, match=r'expected matplotlib .* run `pip install "offbook\[analysis\]"`'):
        require_libraries()

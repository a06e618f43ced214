"""How far a student left its base: exact where all outcomes are kept, never more than the whole, 0 for the base."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.continuations import next_token_logprobs
from offbook.engine.progress import Silent
from offbook.engine.unusable import UnusableError
from offbook.harness.artifacts.material import DevQuestion
from offbook.harness.artifacts.recipes import ModelSpec
from offbook.harness.roster.target import load_target
from offbook.harness.trials.divergence import Text, divergence, load_reference, make_reference, token_divergence
from offbook.harness.trials.reference import QUESTIONS, chosen, reference
from offbook.tasks.generic_text import TEXTS
from tests.doubles import Told
from tests.tiny import save_tiny, tiny_model

READ = (
    Text(kind="generic", id="a", cluster="", prompt=(5,), tokens=(6, 7, 8, 9)),
    Text(kind="task", id="b", cluster="shop", prompt=(20, 21, 22), tokens=(30, 31)),
)


def laws(seed: int, rows: int = 12, vocabulary: int = 300) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (3 * torch.randn(rows, vocabulary, generator=generator)).log_softmax(-1)


def kept(law: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    top = law.topk(k)
    return top.indices, top.values


def whole(base: torch.Tensor, student: torch.Tensor) -> torch.Tensor:
    """The plain twin: KL over the whole vocabulary."""
    return functional.kl_div(student.double(), base.double(), reduction="none", log_target=True).sum(-1)


def test_all_outcomes_give_the_divergence_itself():
    base, student = laws(0), laws(1)
    ids, values = kept(base, base.shape[1])
    torch.testing.assert_close(token_divergence(ids, values, student), whole(base, student), rtol=1e-5, atol=1e-5)


def test_fewer_outcomes_never_give_more_and_more_of_them_come_nearer():
    base, student = laws(0), laws(1)
    found = [token_divergence(*kept(base, k), student) for k in (4, 16, 64, 256)]
    for fewer, more in zip(found, [*found[1:], whole(base, student)], strict=True):
        assert (fewer <= more + 1e-5).all()
    assert float((found[-1] / whole(base, student)).min()) > 0.99


def test_a_model_has_not_left_itself():
    base = laws(0)
    torch.testing.assert_close(
        token_divergence(*kept(base, 8), base), torch.zeros(12, dtype=torch.float64), rtol=0, atol=1e-6
    )


def test_a_students_divergence_is_that_of_its_laws_from_the_bases_on_every_text(tmp_path):
    base, student = (Backbone(tiny_model(dtype=torch.float64, seed=seed)) for seed in (0, 1))
    made = make_reference("key", base, READ, Silent(), kept=258)
    made.save(tmp_path / "r.safetensors")
    loaded = load_reference(tmp_path / "r.safetensors", "key")
    assert loaded.texts == READ
    found = divergence(loaded, student, "title", Silent())
    assert [(text.kind, text.id, text.cluster, text.tokens) for text in found] == [
        ("generic", "a", "", 4),
        ("task", "b", "shop", 2),
    ]
    for text, of in zip(found, READ, strict=True):
        wanted = whole(*(next_token_logprobs(model, of.prompt, of.tokens) for model in (base, student)))
        assert text.nats == pytest.approx(float(wanted.sum()), rel=1e-4)
    assert [text.nats for text in divergence(loaded, base, "title", Silent())] == pytest.approx([0, 0], abs=1e-5)


def test_laws_of_another_key_are_refused(tmp_path):
    path = tmp_path / "r.safetensors"
    make_reference("key", Backbone(tiny_model()), READ, Silent()).save(path)
    with pytest.raises(UnusableError, match="expected the laws of other, got others; delete it"):
        load_reference(path, "other")


def test_development_questions_are_taken_evenly():
    dev = [DevQuestion(id=f"q{n}", prompt="?", is_answered_by=lambda text: False) for n in range(70)]
    found = [question.id for question in chosen(dev)]
    assert len(found) == QUESTIONS
    assert (found[0], found[1], found[-1]) == ("q0", "q2", "q67")
    assert [question.id for question in chosen(dev[:3])] == ["q0", "q1", "q2"]
    assert chosen([]) == []


def test_a_reference_is_made_once_and_again_where_it_is_damaged(tmp_path):
    folder = save_tiny(tmp_path / "tiny")
    loaded = []

    def load():
        loaded.append(True)
        return load_target(str(folder))

    material = SimpleNamespace(
        dev=tuple(
            DevQuestion(id=f"q{n}", prompt=f"{n} + {n}?", is_answered_by=lambda text: False, cluster="sums")
            for n in range(3)
        )
    )
    told, base = Told(), ModelSpec(name="tiny", weights_sha256="ab")

    def made(cap: int = 4):
        return reference(tmp_path / "tables", base, load, material, max_new_tokens=cap, progress=told)

    first = made()
    assert [text.kind for text in first.texts] == ["generic"] * len(TEXTS) + ["task"] * 3
    assert {text.cluster for text in first.texts if text.kind == "task"} == {"sums"}
    assert all(1 <= len(text.tokens) <= 4 for text in first.texts if text.kind == "task")
    assert first.ids_TK.shape == first.logprobs_TK.shape == (sum(len(text.tokens) for text in first.texts), 256)
    again = made()
    assert again.texts == first.texts
    torch.testing.assert_close(again.logprobs_TK, first.logprobs_TK, rtol=0, atol=0)
    assert len(loaded) == 1
    assert told.lines == []
    (path,) = (tmp_path / "tables").iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    assert made().texts == first.texts
    assert len(loaded) == 2
    assert len(told.lines) == 1
    assert str(path) in told.lines[0]
    assert told.lines[0].endswith("; made again")
    made(cap=5)
    assert len(loaded) == 3, "another cap gives other answers"

"""Medusa-2: the losses of both stages, against plain sums; self-distillation, and settings that are refused."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from offbook.baselines.decoding.medusa.architecture import ARCHITECTURE
from offbook.baselines.decoding.medusa.network import HEADS, MedusaHeads
from offbook.baselines.decoding.medusa.objective import DECAY
from offbook.baselines.distillation.medusa2.objective import medusa2_objective, untouched_law
from offbook.baselines.distillation.medusa2.options import Medusa2Options
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.drafters.checkpoint import draft_config
from offbook.engine.students.branches import branch_attention, lay_out
from offbook.engine.students.train import QuestionLoss, with_adapters
from tests.baselines.distillation_job import corpus, job
from tests.baselines.medusa2_job import QUESTIONS, train
from tests.tiny import tiny_model

IDS = torch.tensor(sorted({*QUESTIONS[0].some([0])[0].tokens}))  # other rationales have other letters


def random_heads() -> MedusaHeads:
    network = MedusaHeads(draft_config(Backbone(tiny_model())))
    torch.manual_seed(7)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2)
    return network


def visit(done: float, student: nn.Module, network: nn.Module, ids: torch.Tensor = IDS, **options: Any) -> QuestionLoss:
    objective = medusa2_objective(QUESTIONS, network, ARCHITECTURE, ids, Medusa2Options(**options), decay=DECAY)
    with branch_attention(student):  # type: ignore[arg-type]
        return objective.loss(student, 0, done)


@torch.no_grad()
def plain_sums(student: nn.Module, network: MedusaHeads, ids: torch.Tensor = IDS) -> tuple[torch.Tensor, torch.Tensor]:
    """L_LM and Σ_k 0.8^k L_k of the first question, from one row a response, token by token."""
    paths, heads = QUESTIONS[0], torch.zeros(())
    own, ahead = [], [[] for _ in range(HEADS)]  # type: ignore[var-annotated]
    for response in paths.some([0, 1, 2]):
        tokens = [*paths.prompt, *response.tokens]
        output = student(input_ids=torch.tensor([tokens]), output_hidden_states=True)
        features_TH, first = output.hidden_states[-1][0], len(paths.prompt)
        laws = output.logits[0].log_softmax(-1)
        own.append(torch.stack([-laws[j, tokens[j + 1]] for j in range(first - 1, len(tokens) - 1)]).mean())
        rows_DH = student.lm_head.weight[ids].detach()  # type: ignore[index, union-attr]
        for i, block in enumerate(network.blocks):
            for j in range(first - 1, len(tokens) - 2 - i):
                if (wanted := tokens[j + 2 + i]) in ids.tolist():
                    state = features_TH[j] + functional.silu(block(features_TH[j]))
                    ahead[i].append(-(rows_DH @ state).log_softmax(-1)[ids.tolist().index(wanted)])
    for i, losses in enumerate(ahead):
        heads = heads + 0.8 ** (i + 1) * torch.stack(losses).mean()
    return torch.stack(own).mean(), heads


def test_together_the_loss_is_that_of_the_equation() -> None:
    own, heads = plain_sums(tiny_model(), random_heads())
    part = visit(0.6, tiny_model(), random_heads(), heads_weight=0.3)
    torch.testing.assert_close(part.loss.detach(), (own + 0.3 * heads).detach(), rtol=1e-4, atol=1e-5)
    assert part.log == pytest.approx({"language_model": float(own), "heads": float(heads)}, rel=1e-4)
    assert part.gradient_tokens == sum(len(r.tokens) for r in QUESTIONS[0].some([0, 1, 2]))
    assert part.sequences == ["q0/0", "q0/1", "q0/2"]


def test_tokens_outside_the_draft_vocabulary_are_no_heads_labels() -> None:
    whole, some = (plain_sums(tiny_model(), random_heads(), ids)[1] for ids in (torch.arange(258), IDS))
    found = [visit(0.6, tiny_model(), random_heads(), ids).log["heads"] for ids in (torch.arange(258), IDS)]
    assert found == pytest.approx([float(whole), float(some)], rel=1e-4)
    assert float(whole) != pytest.approx(float(some), rel=1e-2)


def test_at_first_the_heads_alone_have_a_loss_and_a_gradient() -> None:
    student, network = tiny_model(), random_heads()
    part = visit(0.1, student, network, heads_alone=0.2)
    _, heads = plain_sums(tiny_model(), random_heads())
    torch.testing.assert_close(part.loss.detach(), heads.detach(), rtol=1e-4, atol=1e-5)
    part.loss.backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in student.parameters())
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())
    assert part.gradient_tokens == visit(0.9, student, network).gradient_tokens


def test_together_the_student_learns_from_the_heads_too_but_its_own_head_does_not() -> None:
    gradients = []
    for weight in (1e-9, 1.0):
        student = tiny_model()
        visit(0.6, student, random_heads(), heads_weight=weight).loss.backward()  # type: ignore[no-untyped-call]
        gradients.append({name: p.grad for name, p in student.named_parameters() if p.grad is not None})
    without, with_heads = gradients
    assert without.keys() == dict(tiny_model().named_parameters()).keys()
    same = {name for name in without if torch.allclose(without[name], with_heads[name], rtol=1e-4, atol=1e-7)}
    assert same == {"lm_head.weight"}


def test_the_weight_of_the_heads_may_grow_by_a_sine() -> None:
    options = Medusa2Options(heads_weight=0.4, heads_schedule="sine", heads_alone=0.2)
    assert options.weight(0.2) == 0.0
    assert options.weight(0.6) == pytest.approx(0.4 * math.sin(math.pi / 4))
    assert options.weight(1.0) == pytest.approx(0.4)
    assert {Medusa2Options().weight(done) for done in (0.2, 0.5, 1.0)} == {0.2}
    _, heads = plain_sums(tiny_model(), random_heads())
    parts = [visit(0.6, tiny_model(), random_heads(), heads_schedule=schedule) for schedule in ("constant", "sine")]
    difference = float(parts[0].loss.detach() - parts[1].loss.detach())
    assert difference == pytest.approx(0.2 * (1 - math.sin(math.pi / 4)) * float(heads), rel=1e-3)


@pytest.mark.parametrize("lora_rank", [0, 2])
def test_self_distillation_holds_the_student_to_the_untouched_model(lora_rank: int, tmp_path: Path) -> None:
    work = job(tmp_path / "s", corpus(), lora_rank=lora_rank)
    law = untouched_law(work)
    student = with_adapters(work.student, work.config)
    branches = lay_out(QUESTIONS[0].prompt, QUESTIONS[0].some([0, 1, 2]))
    objective = medusa2_objective(
        QUESTIONS, random_heads(), ARCHITECTURE, IDS, Medusa2Options(), decay=DECAY, untouched=law
    )
    with branch_attention(student):
        untouched = law(student, branches)
        assert objective.loss(student, 0, 0.6).log["language_model"] == pytest.approx(0, abs=1e-6)
        with torch.no_grad():
            for parameter in (p for p in student.parameters() if p.requires_grad):
                parameter += 0.05 * torch.randn_like(parameter)
        part = objective.loss(student, 0, 0.6)
        assert part.log["language_model"] > 0.01
        torch.testing.assert_close(law(student, branches).states_NH, untouched.states_NH)
        assert not untouched.states_NH.requires_grad
        part.loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in student.parameters() if p.requires_grad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads_weight": 0}, "heads_weight: Input should be greater than 0"),
        ({"heads_alone": 1}, "heads_alone: Input should be less than 1"),
        ({"heads_schedule": "linear"}, "heads_schedule"),
        ({"heads": 3}, "heads: unknown key"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        train(job(tmp_path / "s", corpus(), options))

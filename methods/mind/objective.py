"""MIND as the training loop sees it: each question's paths are scored, selected and weighed before the student learns.

    question  s = MetaNet(e); I, α from s; student on the paths of I, with gradient, and on the others, without
              L_total = Σ_k α_k ℓ_k + λ Σ_{i<j} α_i α_j JSD(P_i ‖ P_j)
    step      the student's, then L_meta from the losses before it; every A_m-th moves MetaNet

arXiv:2601.03717; the order of steps is ours, see `README.md`.

Legend: N questions, B of them in a step, K perspectives, I selected ones, E width of a path vector, V vocabulary.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from offbook.engine.training.branches import lay_out, response_logits
from offbook.engine.training.paths import Paths
from offbook.engine.training.student_training import Objective, QuestionLoss
from offbook.methods.mind.calibration import MetaUpdater
from offbook.methods.mind.losses import consistency, fine_tuning, measure, path_losses
from offbook.methods.mind.metanet import MetaNet
from offbook.methods.mind.monitor import observe
from offbook.methods.mind.options import MindOptions
from offbook.methods.mind.selection import select, weights


def mind_objective(
    paths: Sequence[Paths],
    vectors_NKE: torch.Tensor,
    names: Sequence[str],
    untouched_NK: torch.Tensor,
    options: MindOptions,
    *,
    seed: int,
) -> Objective:
    """MIND as the loop sees it, MetaNet warmed up.

    Args:
        paths: the questions, K paths each.
        vectors_NKE: of their paths, on the student's device.
        names: of the K perspectives.
        untouched_NK: ℓ(θ0), see `untouched.py`.
        options: the settings; `perspectives` is applied already.
        seed: of MetaNet.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MetaNet(
            vector_width=vectors_NKE.shape[-1],
            perspectives=len(names),
            attention=options.attention,
            bounded=options.selection == "literal",
        )
    updater = MetaUpdater(
        network.to(vectors_NKE.device),
        tau=options.tau,
        rho=options.rho,
        rate=options.meta_rate,
        accumulation=options.accumulation,
        direction=options.direction,
    )
    training = MindTraining(paths, vectors_NKE, names, untouched_NK, options, updater)
    training.warm_up(seed)
    return Objective(
        questions=len(paths), loss=training.loss, after_step=training.after_step, state=(updater, training)
    )


class MindTraining:
    """The per-question loss, what follows a step, and what both remember; saved with the student's state."""

    def __init__(
        self,
        paths: Sequence[Paths],
        vectors_NKE: torch.Tensor,
        names: Sequence[str],
        untouched_NK: torch.Tensor,
        options: MindOptions,
        updater: MetaUpdater,
    ) -> None:
        self.paths, self.vectors_NKE, self.names, self.options, self.updater = (
            paths,
            vectors_NKE,
            names,
            options,
            updater,
        )
        mask = [[response is not None for response in question.responses] for question in paths]
        self.path_mask_NK = torch.tensor(mask, device=vectors_NKE.device)
        self.losses_NK = untouched_NK.clone()
        self.alpha_NK = torch.full_like(self.losses_NK, torch.nan)
        self.sign = -1.0 if options.hardest_first else 1.0
        self.steps = 0
        self.questions: list[int] = []

    def warm_up(self, seed: int) -> None:
        """MetaNet learns the untouched student's losses."""
        self.updater.warm_up(
            self.vectors_NKE,
            self.sign * self.losses_NK,
            self.path_mask_NK,
            epochs=self.options.warmup_epochs,
            rate=self.options.warmup_rate,
            seed=seed,
        )

    def loss(self, student: nn.Module, question: int, done: float) -> QuestionLoss:
        """L_total of a question."""
        options, paths, mask_K = self.options, self.paths[question], self.path_mask_NK[question]
        scores_K = self._scores(student, question)
        kept_K = select(scores_K, mask_K, rule=options.selection, beta=options.beta, tau=options.tau)
        alpha_K = weights(scores_K, kept_K, tau_student=options.tau_student)

        selected = kept_K.nonzero().flatten().tolist()
        branches = lay_out(paths.prompt, paths.some(selected), self.vectors_NKE.device)
        logits_NV = response_logits(student, branches)
        losses_I = path_losses(logits_NV, branches)
        sft = fine_tuning(losses_I, alpha_K[selected])
        cons = consistency(logits_NV, branches, alpha_K[selected])

        self.losses_NK[question, selected] = losses_I.detach()
        others = (mask_K & ~kept_K).nonzero().flatten().tolist()
        if others and self.steps % options.refresh == 0:
            self._measure(student, question, others)
        log = observe(scores_K, self.losses_NK[question], mask_K, alpha_K, self.alpha_NK[question])
        self.alpha_NK[question] = alpha_K
        self.questions.append(question)
        return QuestionLoss(
            loss=sft + options.consistency * cons,
            gradient_tokens=len(branches.targets_N),
            sequences=[f"{paths.id}/{self.names[k]}" for k in selected],
            log={
                "fine_tuning": float(sft.detach()),
                "consistency": float(cons.detach()),
                **log,
                **{f"alpha/{name}": a for name, a in zip(self.names, alpha_K.tolist(), strict=True)},
            },
        )

    def after_step(self) -> Mapping[str, float]:
        """MetaNet's turn, from the losses before the student's step."""
        questions, self.questions = self.questions, []
        self.steps += 1
        if self.options.scores in ("static", "instantaneous"):
            return {}
        losses_BK = self.sign * self.losses_NK[questions]
        meta = self.updater.update(self.vectors_NKE[questions], losses_BK, self.path_mask_NK[questions])
        return {"meta_loss": meta}

    def state_dict(self) -> dict[str, Any]:
        """Steps done, and every path's last known loss and weight."""
        return {"steps": self.steps, "losses_NK": self.losses_NK, "alpha_NK": self.alpha_NK}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there."""
        self.steps = state["steps"]
        self.losses_NK = state["losses_NK"].to(self.vectors_NKE.device)
        self.alpha_NK = state["alpha_NK"].to(self.vectors_NKE.device)

    def _scores(self, student: nn.Module, question: int) -> torch.Tensor:
        """Scores (K,) by the configured source, -inf where a path is missing."""
        mask_K = self.path_mask_NK[question]
        if self.options.scores == "instantaneous":
            self._measure(student, question, mask_K.nonzero().flatten().tolist())
            scores_K = -self.sign * self.losses_NK[question]
            if self.options.selection == "literal":
                scores_K = scores_K.sigmoid()
            return scores_K.masked_fill(~mask_K, -torch.inf)
        scores_K = self.updater.scores(self.vectors_NKE[question], mask_K)
        if self.options.scores == "random":
            present = mask_K.nonzero().flatten()
            scores_K[present] = scores_K[present[torch.randperm(len(present)).to(present.device)]]
        return scores_K

    def _measure(self, student: nn.Module, question: int, perspectives: Sequence[int]) -> None:
        self.losses_NK[question, perspectives] = measure(student, self.paths[question], perspectives)

"""MIND as the training loop sees it: each question's paths are scored, selected and weighed before the student learns.

    question  s = MetaNet(e); I, α from s; student on the paths of I, with gradient, and on the others, without
              L_total = Σ_k α_k ℓ_k + λ Σ_{i<j} α_i α_j JSD(P_i ‖ P_j)
    step      the student's, then L_meta from the losses before it; every A_m-th moves MetaNet

arXiv:2601.03717; the order of steps is ours, see `README.md`.

Legend: N questions, B of them in a step, K perspectives, I selected ones, E width of a path vector.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from offbook.engine.students.branches import lay_out
from offbook.engine.students.paths import Paths
from offbook.engine.students.predictions import predict
from offbook.engine.students.train import Objective, QuestionLoss
from offbook.methods.mind.calibration import MetaUpdater, standardised
from offbook.methods.mind.inertia import ItemTrend, PerspectiveTrend
from offbook.methods.mind.losses import consistency, fine_tuning, learnability, measure
from offbook.methods.mind.metanet import MetaNet
from offbook.methods.mind.monitor import observe
from offbook.methods.mind.options import MindOptions
from offbook.methods.mind.selection import floored, select, weights


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What became of a question in a step; every process hears of all of them."""

    question: int
    losses: tuple[float, ...]
    alpha: tuple[float, ...]


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
        seed: of MetaNet, and of scores dealt at random.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = MetaNet(
            vector_width=vectors_NKE.shape[-1],
            perspectives=len(names),
            attention=options.attention,
            bounded=options.selection == "literal",
            heads=options.heads,
        )
    by_item = options.inertia == "item"
    N, K = untouched_NK.shape
    updater = MetaUpdater(
        network.to(vectors_NKE.device),
        ItemTrend(N, K, options.rho) if by_item else PerspectiveTrend(K, options.rho, window=options.window),
        tau=options.tau,
        rate=options.meta_rate,
        accumulation=options.accumulation,
        direction=options.direction,
        standardise=options.standardised,
        entropy_bonus=options.entropy_bonus,
    )
    training = MindTraining(paths, vectors_NKE, names, untouched_NK, options, updater, seed)
    training.warm_up()
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
        seed: int,
    ) -> None:
        self.paths, self.vectors_NKE, self.names = paths, vectors_NKE, names
        self.options, self.updater, self.seed = options, updater, seed
        mask = [[response is not None for response in question.responses] for question in paths]
        self.path_mask_NK = torch.tensor(mask, device=vectors_NKE.device)
        self.losses_NK = untouched_NK.clone()
        self.alpha_NK = torch.full_like(self.losses_NK, torch.nan)
        self.sign = -1.0 if options.hardest_first else 1.0
        self.steps = 0

    def warm_up(self) -> None:
        """MetaNet learns the untouched student's losses."""
        self.updater.warm_up(
            self.vectors_NKE,
            self.sign * self.losses_NK,
            self.path_mask_NK,
            epochs=self.options.warmup_epochs,
            rate=self.options.warmup_rate,
            seed=self.seed,
        )

    def loss(self, student: nn.Module, question: int, done: float) -> QuestionLoss:
        """L_total of a question."""
        options, paths, mask_K = self.options, self.paths[question], self.path_mask_NK[question]
        scores_K = self._scores(student, question)
        kept_K = select(scores_K, mask_K, rule=options.selection, beta=options.beta, tau=options.tau, keep=options.keep)
        alpha_K = weights(scores_K, kept_K, tau_student=options.tau_student)
        if options.floor > 0:
            kept_K, alpha_K = mask_K, floored(alpha_K, mask_K, options.floor)

        selected = kept_K.nonzero().flatten().tolist()
        branches = lay_out(paths.prompt, paths.some(selected), self.vectors_NKE.device)
        predictions = predict(student, branches)
        sft = fine_tuning(predictions, branches, alpha_K[selected])
        cons = consistency(predictions, branches, alpha_K[selected])

        self.losses_NK[question, selected] = learnability(sft.nll_N, branches, options.learnability)
        others = (mask_K & ~kept_K).nonzero().flatten().tolist()
        if others and self.steps % options.refresh == 0:
            self._measure(student, question, others)
        losses_K = self.losses_NK[question]
        return QuestionLoss(
            loss=sft.loss + options.consistency * cons,
            gradient_tokens=len(branches.targets_N),
            sequences=[f"{paths.id}/{self.names[k]}" for k in selected],
            log={
                "fine_tuning": float(sft.loss.detach()),
                "consistency": float(cons.detach()),
                **observe(scores_K, losses_K, mask_K, alpha_K, self.alpha_NK[question]),
                **{f"alpha/{name}": a for name, a in zip(self.names, alpha_K.tolist(), strict=True)},
            },
            memory=Visit(question=question, losses=tuple(losses_K.tolist()), alpha=tuple(alpha_K.tolist())),
        )

    def after_step(self, visits: Sequence[Visit]) -> Mapping[str, float]:
        """MetaNet's turn, from the losses before the student's step."""
        questions = [visit.question for visit in visits]
        self.losses_NK[questions] = self.losses_NK.new_tensor([visit.losses for visit in visits])
        self.alpha_NK[questions] = self.alpha_NK.new_tensor([visit.alpha for visit in visits])
        self.steps += 1
        if self.options.scores in ("static", "instantaneous"):
            return {}
        losses_BK, mask_BK = self.sign * self.losses_NK[questions], self.path_mask_NK[questions]
        return {"meta_loss": self.updater.update(questions, self.vectors_NKE[questions], losses_BK, mask_BK)}

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
            losses_K = self.sign * self.losses_NK[question]
            if self.options.standardised:
                losses_K = standardised(losses_K[None], mask_K[None])[0]
            scores_K = (-losses_K).sigmoid() if self.options.selection == "literal" else -losses_K
            return scores_K.masked_fill(~mask_K, -torch.inf)
        scores_K = self.updater.scores(self.vectors_NKE[question], mask_K)
        if self.options.scores == "random":
            # Drawn from seed, question and step alone: whichever process draws, it draws the same.
            present = mask_K.nonzero().flatten().tolist()
            draw = random.Random(f"{self.seed}/{self.paths[question].id}/{self.steps}")
            scores_K[present] = scores_K[draw.sample(present, len(present))]
        return scores_K

    def _measure(self, student: nn.Module, question: int, perspectives: Sequence[int]) -> None:
        taken = measure(student, self.paths[question], perspectives, self.options.learnability)
        self.losses_NK[question, perspectives] = taken

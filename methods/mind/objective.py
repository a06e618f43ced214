"""MIND as the training loop sees it: each question's paths are scored, selected and weighed before the student learns.

    question  s = MetaNet(e); I, α from s
              weighted: student on the paths of I, with gradient, and on the others, without
                        L_total = Σ_k α_k ℓ_k + λ Σ_{i<j} α_i α_j JSD(P_i ‖ P_j)
              sampled:  k drawn from α; student on path k, with gradient, and on the others, without
                        L_total = ℓ_k, whose mean over draws is Σ_k α_k ℓ_k
    step      the student's, then L_meta from the costs before it (`feedback.py`)

arXiv:2601.03717; the order of steps and the sampled update are ours, see `README.md`.

Legend: N questions, K perspectives, I learned from at a visit, E width of a path vector.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from offbook.engine.students.branches import lay_out
from offbook.engine.students.learnability import OF_A_QUESTION, OF_THE_LAW, learnability, measure
from offbook.engine.students.paths import Paths
from offbook.engine.students.predictions import predict
from offbook.engine.students.token_scores import token_scores
from offbook.engine.students.train import Objective, QuestionLoss
from offbook.engine.students.visits import draw, drawn
from offbook.methods.mind.calibration import MetaUpdater, standardised, typical_deviation
from offbook.methods.mind.feedback import Feedback, updaters
from offbook.methods.mind.history import History, Visit
from offbook.methods.mind.losses import consistency, fine_tuning
from offbook.methods.mind.monitor import observe
from offbook.methods.mind.options import MindOptions
from offbook.methods.mind.selection import floored, select, weights


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
        untouched_NK: the untouched student's costs, those that `options.learnability` names.
        options: the settings; `perspectives` is applied already.
        seed: of MetaNet, and of whatever is drawn.
    """
    mask_NK = torch.tensor([[r is not None for r in question.responses] for question in paths])
    deviation = typical_deviation(untouched_NK, mask_NK.to(untouched_NK.device))
    floor = options.sd_floor * deviation
    updater, *watched = updaters(vectors_NKE, untouched_NK.shape, options, seed=seed, sd_floor=floor)
    training = MindTraining(paths, vectors_NKE, names, untouched_NK, options, updater, seed, watched=watched)
    training.warm_up()
    return Objective(
        questions=len(paths),
        loss=training.loss,
        after_step=training.after_step,
        state=(updater, training, *watched),
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
        *,
        watched: Sequence[MetaUpdater] = (),
    ) -> None:
        self.paths, self.vectors_NKE, self.names = paths, vectors_NKE, names
        self.options, self.updater, self.seed = options, updater, seed
        mask = [[response is not None for response in question.responses] for question in paths]
        self.path_mask_NK = torch.tensor(mask, device=vectors_NKE.device)
        self.losses_NK = untouched_NK.clone()
        self.history = History(*self.losses_NK.shape)
        self.sign = -1.0 if options.hardest_first else 1.0
        self.feedback = Feedback(updater, watched, vectors_NKE, self.path_mask_NK, options)
        self.steps = self._read_tokens = 0

    def warm_up(self) -> None:
        """MetaNet learns the untouched student's costs."""
        self.feedback.warm_up(self.sign * self.losses_NK, seed=self.seed)

    def loss(self, student: nn.Module, question: int, done: float) -> QuestionLoss:
        """L_total of a question."""
        options, paths, mask_K = self.options, self.paths[question], self.path_mask_NK[question]
        self._read_tokens = 0
        scores_K = self._scores(student, question)
        kept_K = select(scores_K, mask_K, rule=options.selection, beta=options.beta, tau=options.tau, keep=options.keep)
        alpha_K = weights(scores_K, kept_K, tau_student=options.tau_student)
        if options.floor > 0:
            kept_K, alpha_K = mask_K, floored(alpha_K, mask_K, options.floor)
        learned, alpha_I = self._learned(question, kept_K, alpha_K)

        branches = lay_out(paths.prompt, paths.some(learned), self.vectors_NKE.device)
        predictions = predict(student, branches)
        sft = fine_tuning(predictions, branches, alpha_I)
        cons = consistency(predictions, branches, alpha_I) if len(learned) > 1 else torch.zeros_like(sft.loss)

        if options.rescored and options.learnability not in OF_A_QUESTION:
            found = token_scores(predictions, branches.targets_N) if options.learnability in OF_THE_LAW else None
            taken = learnability(options.learnability, branches, paths.some(learned), sft.nll_N, found)
            self.losses_NK[question, learned] = taken.to(self.losses_NK.dtype)
        if self.steps % options.refresh == 0:
            known = [] if options.learnability in OF_A_QUESTION else learned
            self._measure(student, question, [k for k in paths.present() if k not in known])
        losses_K, earlier_K = self.losses_NK[question], self.history.alpha_NK[question].to(alpha_K)
        return QuestionLoss(
            loss=sft.loss + options.consistency * cons,
            gradient_tokens=len(branches.targets_N),
            sequences=[f"{paths.id}/{self.names[k]}" for k in learned],
            log={
                "fine_tuning": float(sft.loss.detach()),
                "consistency": float(cons.detach()),
                **observe(scores_K, losses_K, mask_K, alpha_K, earlier_K),
                **{f"alpha/{name}": a for name, a in zip(self.names, alpha_K.tolist(), strict=True)},
            },
            memory=Visit(
                question=question,
                losses=tuple(losses_K.tolist()),
                scores=tuple(scores_K.tolist()),
                alpha=tuple(alpha_K.tolist()),
                read_tokens=self._read_tokens,
            ),
        )

    def after_step(self, visits: Sequence[Visit]) -> Mapping[str, float]:
        """MetaNet's turn, from the costs before the student's step."""
        questions = [visit.question for visit in visits]
        self.losses_NK[questions] = self.losses_NK.new_tensor([visit.losses for visit in visits])
        found = self.history.take(visits)
        self.steps += 1
        if self.options.scores in ("static", "instantaneous"):
            return found
        return {**found, **self.feedback.take(questions, self.sign * self.losses_NK[questions])}

    def state_dict(self) -> dict[str, Any]:
        """Steps done, every path's last known cost, and what every question was met with."""
        return {"steps": self.steps, "losses_NK": self.losses_NK, "history": self.history.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there."""
        self.steps = state["steps"]
        self.losses_NK = state["losses_NK"].to(self.vectors_NKE.device)
        self.history.load_state_dict(state["history"])

    def _learned(self, question: int, kept_K: torch.Tensor, alpha_K: torch.Tensor) -> tuple[list[int], torch.Tensor]:
        """The paths that the student learns from now, and the weight of each (I,)."""
        if self.options.update == "weighted":
            selected = kept_K.nonzero().flatten().tolist()
            return selected, alpha_K[selected]
        number = draw(self.seed, self.paths[question].id, self.history.visits.counts[question])
        return [drawn(alpha_K.tolist(), number)], alpha_K.new_ones(1)

    def _scores(self, student: nn.Module, question: int) -> torch.Tensor:
        """Scores (K,) by the configured source, -inf where a path is missing."""
        mask_K = self.path_mask_NK[question]
        if self.options.scores == "instantaneous":
            self._measure(student, question, self.paths[question].present())
            losses_K = self.sign * self.losses_NK[question]
            if self.options.standardised:
                losses_K = standardised(losses_K[None], mask_K[None], self.updater.sd_floor)[0]
            scores_K = (-losses_K).sigmoid() if self.options.selection == "literal" else -losses_K
            return scores_K.masked_fill(~mask_K, -torch.inf)
        scores_K = self.updater.scores(self.vectors_NKE[question], mask_K)
        if self.options.scores == "random":
            # Drawn from seed, question and step alone: whichever process draws, it draws the same.
            present = mask_K.nonzero().flatten().tolist()
            dealt = random.Random(f"{self.seed}/{self.paths[question].id}/{self.steps}")
            scores_K[present] = scores_K[dealt.sample(present, len(present))]
        return scores_K

    def _measure(self, student: nn.Module, question: int, perspectives: Sequence[int]) -> None:
        """Takes the costs of some paths anew, unless the untouched student's stand throughout."""
        if not (self.options.rescored and perspectives):
            return
        taken_I1 = measure(student, self.paths[question], perspectives, [self.options.learnability])
        self.losses_NK[question, perspectives] = taken_I1[:, 0].to(self.losses_NK.dtype)
        self._read_tokens += sum(len(r.tokens) for r in self.paths[question].some(perspectives))

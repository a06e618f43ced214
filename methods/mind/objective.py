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
from typing import Any, NamedTuple

import torch
from torch import nn

from offbook.engine.students.branches import Branches, lay_out, lay_out_questions, rows_of
from offbook.engine.students.learnability import OF_A_QUESTION, OF_THE_LAW, learnability, measure
from offbook.engine.students.objective import PackedLoss, QuestionLosses
from offbook.engine.students.paths import Paths
from offbook.engine.students.predictions import Predictions, predict
from offbook.engine.students.token_scores import TokenScores, token_scores
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


class Plan(NamedTuple):
    """What a visit to a question learns: its scores and α (K,), the paths that are learned, and the weight of each."""

    scores_K: torch.Tensor
    alpha_K: torch.Tensor
    learned: list[int]
    alpha_I: torch.Tensor


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
        self.steps = 0
        self._plans: dict[int, Plan] = {}  # of questions whose rows were asked for and that were not read yet

    def warm_up(self) -> None:
        """MetaNet learns the untouched student's costs."""
        self.feedback.warm_up(self.sign * self.losses_NK, seed=self.seed)

    @property
    def loss(self) -> PackedLoss:
        """L_total of a question, or of several in one pass."""
        return PackedLoss(together=self.together, rows=self.rows)

    @property
    def _due(self) -> bool:
        """Whether this step takes costs anew: of all paths of a question or of none, since they are compared."""
        return self.steps % self.options.refresh == 0

    def rows(self, question: int, done: float) -> int:
        """Rows that a pass reads of a question."""
        paths = self.paths[question]
        if self.options.scores == "instantaneous":  # what is learned is known only once the student has read all
            return rows_of(paths.prompt, paths.some(paths.present()))
        self._plans[question] = self._plan(question)
        return rows_of(paths.prompt, paths.some(self._plans[question].learned))

    def together(self, student: nn.Module, questions: Sequence[int], done: float) -> QuestionLosses:
        """L_total of some questions, summed and each."""
        read = {question: self._read_before(student, question) for question in questions}
        plans = [
            self._plans.pop(question) if question in self._plans else self._plan(question) for question in questions
        ]
        laid = [
            (self.paths[q].prompt, self.paths[q].some(plan.learned)) for q, plan in zip(questions, plans, strict=True)
        ]
        branches = lay_out_questions(laid, self.vectors_NKE.device)
        predictions, alpha = predict(student, branches), torch.cat([plan.alpha_I for plan in plans])
        sft = fine_tuning(predictions, branches, alpha)
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.options.consistency > 0):
            cons_Q = consistency(predictions, branches, alpha)
        self._rescore(questions, plans, branches, predictions, sft.nll_N)
        for question, plan in zip(questions, plans, strict=True):
            read[question] += self._read_behind(student, question, plan)
        found = [
            self._told(question, plan, float(own), float(disagreement), read[question])
            for question, plan, own, disagreement in zip(questions, plans, sft.questions, cons_Q.detach(), strict=True)
        ]
        return QuestionLosses(loss=sft.loss + self.options.consistency * cons_Q.sum(), questions=found)

    def after_step(self, visits: Sequence[Visit]) -> Mapping[str, float]:
        """MetaNet's turn, from the costs before the student's step."""
        questions = [visit.question for visit in visits]
        for visit in visits:  # one by one: a question may be met twice in a step, and the later visit knows more
            self.losses_NK[visit.question] = self.losses_NK.new_tensor(visit.losses)
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

    def _plan(self, question: int) -> Plan:
        """Scores a question's paths as they are known, selects and weighs them."""
        options, mask_K = self.options, self.path_mask_NK[question]
        scores_K = self._scores(question)
        kept_K = select(scores_K, mask_K, rule=options.selection, beta=options.beta, tau=options.tau, keep=options.keep)
        alpha_K = weights(scores_K, kept_K, tau_student=options.tau_student)
        if options.floor > 0:
            kept_K, alpha_K = mask_K, floored(alpha_K, mask_K, options.floor)
        if options.update == "weighted":
            selected = kept_K.nonzero().flatten().tolist()
            return Plan(scores_K, alpha_K, selected, alpha_K[selected])
        number = draw(self.seed, self.paths[question].id, self.history.visits.counts[question])
        return Plan(scores_K, alpha_K, [drawn(alpha_K.tolist(), number)], alpha_K.new_ones(1))

    def _told(
        self, question: int, plan: Plan, fine_tuning: float, consistency: float, read_tokens: int
    ) -> QuestionLoss:
        """What the loop is told of a question that was read."""
        paths, losses_K, alpha_K = self.paths[question], self.losses_NK[question], plan.alpha_K
        earlier_K = self.history.alpha_NK[question].to(alpha_K)
        return QuestionLoss(
            loss=losses_K.new_tensor(fine_tuning + self.options.consistency * consistency),
            gradient_tokens=sum(len(response.tokens) for response in paths.some(plan.learned)),
            sequences=[f"{paths.id}/{self.names[k]}" for k in plan.learned],
            log={
                "fine_tuning": fine_tuning,
                "consistency": consistency,
                **observe(plan.scores_K, losses_K, self.path_mask_NK[question], alpha_K, earlier_K),
                **{f"alpha/{name}": a for name, a in zip(self.names, alpha_K.tolist(), strict=True)},
            },
            memory=Visit(
                question=question,
                losses=tuple(losses_K.tolist()),
                scores=tuple(plan.scores_K.tolist()),
                alpha=tuple(alpha_K.tolist()),
                read_tokens=read_tokens,
            ),
        )

    def _scores(self, question: int) -> torch.Tensor:
        """Scores (K,) by the configured source, -inf where a path is missing."""
        mask_K = self.path_mask_NK[question]
        if self.options.scores == "instantaneous":
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

    def _rescore(
        self,
        questions: Sequence[int],
        plans: Sequence[Plan],
        branches: Branches,
        predictions: Predictions,
        nll_N: torch.Tensor,
    ) -> None:
        """Takes the costs of the paths that are learned, from the pass that learns them."""
        of = self.options.learnability
        if not (self.options.rescored and self._due) or of in OF_A_QUESTION:
            return
        found = token_scores(predictions, branches.targets_N) if of in OF_THE_LAW else None
        for question, plan, (start, end) in zip(questions, plans, branches.questions, strict=True):
            responses = self.paths[question].some(plan.learned)
            own = lay_out(self.paths[question].prompt, responses, nll_N.device)
            scores = None if found is None else TokenScores(*(column[start:end] for column in found))
            taken = learnability(of, own, responses, nll_N[start:end], scores)
            self.losses_NK[question, plan.learned] = taken.to(self.losses_NK.dtype)

    def _read_before(self, student: nn.Module, question: int) -> int:
        """Takes all costs of a question that is scored by them; response tokens read."""
        if self.options.scores != "instantaneous":
            return 0
        return self._measure(student, question, self.paths[question].present())

    def _read_behind(self, student: nn.Module, question: int, plan: Plan) -> int:
        """Takes the costs that are due and that nobody took in passing; response tokens read."""
        if not self._due:
            return 0
        known = [] if self.options.learnability in OF_A_QUESTION else plan.learned
        return self._measure(student, question, [k for k in self.paths[question].present() if k not in known])

    def _measure(self, student: nn.Module, question: int, perspectives: Sequence[int]) -> int:
        """Takes the costs of some paths anew, unless the untouched student's stand throughout; response tokens read."""
        if not (self.options.rescored and perspectives):
            return 0
        taken_I1 = measure(student, self.paths[question], perspectives, [self.options.learnability])
        self.losses_NK[question, perspectives] = taken_I1[:, 0].to(self.losses_NK.dtype)
        return sum(len(r.tokens) for r in self.paths[question].some(perspectives))

"""What Medusa-2 trains, question by question (arXiv:2401.10774, section 2.2.2).

    heads alone    L = Σ_k λ^k L_k               k = 1, 2, ...; the student's weights stand still
    together       L = L_LM + λ0 Σ_k λ^k L_k     L_k: cross-entropy of head k, k positions further ahead than L_LM

L_LM is that of `uniform_rationales`, so that what heads cost a student is what it loses to that one. With
self-distillation (section 2.3.2), meant for rationales that the base model wrote itself, it is KL(p‖q) from the
untouched model's law p: that of the student without its adapters, as in the paper, or where it has none of a copy.

The heads read the student's own head U over a draft vocabulary. No L_k moves U itself; in the paper every head has a U
of its own. A token counts once, whether heads, student or both learn from it.

Legend: K branches, S tokens, T rows, H hidden, N predicted tokens of all branches, V vocabulary.
"""

import copy
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from offbook.baselines.distillation.medusa2.options import Medusa2Options
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.batch import DraftBatch
from offbook.engine.students.branches import Branches, branch_attention, lay_out, mean_weights, read
from offbook.engine.students.distiller import Job
from offbook.engine.students.paths import Paths
from offbook.engine.students.precision import autocast, precision_of
from offbook.engine.students.predictions import Predictions, predict, predict_and_read
from offbook.engine.students.train import Objective, QuestionLoss

Untouched = Callable[[Any, Branches], Predictions]


def medusa2_objective(
    questions: Sequence[Paths],
    network: nn.Module,
    heads: DraftArchitecture,
    token_ids: torch.Tensor,
    options: Medusa2Options,
    *,
    decay: float,
    untouched: Untouched | None = None,
) -> Objective:
    """Both stages over these questions.

    Args:
        questions: to learn from.
        network: the heads.
        heads: their architecture; its objective adds their losses, the first as it is, each further one with one more
            power of λ.
        token_ids: of the draft vocabulary.
        options: the settings.
        decay: λ.
        untouched: the model whose law takes the place of the questions' tokens in L_LM.
    """

    def loss(student: Any, question: int, done: float) -> QuestionLoss:
        paths = questions[question]
        present = paths.present()
        branches = lay_out(paths.prompt, paths.some(present), next(student.parameters()).device)
        alone = done < options.heads_alone
        wanted = None if untouched is None or alone else untouched(student, branches)
        if alone:
            with torch.no_grad():
                output = read(student, branches, output_hidden_states=True, logits_to_keep=1)
        else:
            predictions, output = predict_and_read(student, branches, output_hidden_states=True)
        batch = draft_batch(output.hidden_states[-1], branches, token_ids, student.get_input_embeddings().weight)
        head = DraftHead(student.get_output_embeddings().weight, token_ids)
        total = ahead = decay * heads.objective(network, batch, head)
        log = {"heads": float(ahead.detach())}
        if not alone:
            even_N = mean_weights(branches)
            weights_N, shares_N = (even_N, None) if wanted is None else (None, even_N)
            own = predictions.loss(branches.targets_N, weights_N, teacher=wanted, divergence_weights_N=shares_N).loss
            total = own + options.weight(done) * ahead
            log["language_model"] = float(own.detach())
        return QuestionLoss(
            loss=total,
            gradient_tokens=branches.starts[-1],
            sequences=[f"{paths.id}/{k}" for k in present],
            log=log,
        )

    return Objective(questions=len(questions), loss=loss)


def draft_batch(
    states_1TH: torch.Tensor, branches: Branches, token_ids: torch.Tensor, embedding_VH: torch.Tensor
) -> DraftBatch:
    """A question's branches as a drafter's training reads them, from the last token of the prompt on.

    Gradients flow through the features; the last token of a response has none, and no row that counts needs it.
    """
    lengths = [end - start for start, end in pairwise(branches.starts)]
    features = states_1TH[0, branches.predicting_N].float().split(lengths)
    features_KTH = pad_sequence([*features], batch_first=True)
    features_KSH = functional.pad(features_KTH, (0, 0, 0, 1))
    (_, behind), *_ = branches.places
    last = branches.tokens_1T[0, behind - 1 : behind]
    said = [torch.cat([last, tokens]) for tokens in branches.targets_N.split(lengths)]
    tokens_KS = pad_sequence(said, batch_first=True)
    places_1S = torch.arange(tokens_KS.shape[1], device=tokens_KS.device)[None]
    of_response_KS = (places_1S > 0) & (places_1S <= torch.tensor(lengths, device=tokens_KS.device)[:, None])
    counts_KS = of_response_KS & torch.isin(tokens_KS, token_ids.to(tokens_KS.device))
    return DraftBatch(
        tokens_BS=tokens_KS,
        embeds_BTH=functional.embedding(tokens_KS[:, 1:], embedding_VH.detach()).float(),
        inputs_BTF=features_KSH[:, :-1],
        features_BSH=features_KSH,
        following_BT=functional.pad(counts_KS[:, 2:], (0, 1)),
        later_BT=functional.pad(counts_KS[:, 3:], (0, 2)),
    )


def untouched_law(job: Job) -> Untouched:
    """What the untouched model predicts of a question's branches, without gradient."""
    if job.config.lora_rank:

        def without_adapters(student: Any, branches: Branches) -> Predictions:
            with torch.no_grad(), student.disable_adapter():
                return predict(student, branches)

        return without_adapters
    model = copy.deepcopy(job.student).requires_grad_(requires_grad=False)
    precision = autocast(precision_of(job.folder, job.config.mixed_precision, job.student.device), job.student.device)

    def of_a_copy(student: Any, branches: Branches) -> Predictions:
        with torch.no_grad(), branch_attention(model), precision:
            return predict(model, branches)

    return of_a_copy

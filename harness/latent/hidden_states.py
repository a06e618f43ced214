"""A model reads each question with all its rationales: mean-pooled hidden states of every layer, and how it answers.

A question's rationales are branches behind one prompt (`engine/students/branches.py`), so a question is one forward
pass. Ours: a rationale's state is the mean over its tokens, answer line included, end of turn left out; a prompt's is
the mean over its tokens but the first, which many models use as an attention sink of huge norm. States are fp32
whatever the model's dtype. The last layer's are those behind the final normalisation.

Legend: N questions, M rationales, question by question, L layers (the embedding is layer 0), D width, T rows of a
question, R pooled texts of a question (its prompt, then its rationales), V vocabulary.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from offbook.engine.finite import check_logits
from offbook.engine.students.branches import Branches, branch_attention, lay_out, read
from offbook.engine.students.paths import Paths
from offbook.harness.latent.consistency import answer_consistency


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a model made of a corpus; the fields of one question's answers are those of `Consistency`."""

    prompts_NLD: torch.Tensor
    rationales_MLD: torch.Tensor
    divergence_N: torch.Tensor
    agreement_N: torch.Tensor
    correct_N: torch.Tensor


@torch.inference_mode()
def read_corpus(
    model: PreTrainedModel, paths: Sequence[Paths], progress: Callable[[int, int], object] = lambda done, total: None
) -> Reading:
    """Reads every question with its rationales; `progress` is called with (questions done, N)."""
    prompts, rationales, answers = [], [], []
    with branch_attention(model):
        for n, question in enumerate(paths, start=1):
            present = [response for response in question.responses if response is not None]
            branches = lay_out(question.prompt, present, model.device)
            answer_rows = torch.tensor(branches.answers, device=model.device)  # (branches, answer tokens)
            kept = branches.predicting_N[answer_rows.flatten()]
            output = read(model, branches, output_hidden_states=True, logits_to_keep=kept)
            check_logits(output.logits)
            pooling_RT = _pooling(len(question.prompt), branches)
            pooled_RLD = torch.stack([pooling_RT @ state[0].float() for state in output.hidden_states], dim=1).cpu()
            prompts.append(pooled_RLD[0])
            rationales.append(pooled_RLD[1:])
            logits_KAV = output.logits[0].float().unflatten(0, answer_rows.shape)
            answers.append(answer_consistency(logits_KAV.log_softmax(-1), branches.targets_N[answer_rows[0]]))
            progress(n, len(paths))
    divergence_N, agreement_N, correct_N = torch.tensor(answers, dtype=torch.float64).T.contiguous()
    return Reading(
        prompts_NLD=torch.stack(prompts),
        rationales_MLD=torch.cat(rationales),
        divergence_N=divergence_N,
        agreement_N=agreement_N,
        correct_N=correct_N,
    )


def _pooling(prompt_length: int, branches: Branches) -> torch.Tensor:
    """(R, T): rows times hidden states are the means."""
    pooling_RT = torch.zeros(len(branches.starts), branches.tokens_1T.shape[1], device=branches.tokens_1T.device)
    first = min(1, prompt_length - 1)
    pooling_RT[0, first:prompt_length] = 1 / (prompt_length - first)
    for k, (start, end) in enumerate(zip(branches.starts, branches.starts[1:], strict=False), start=1):
        rows = branches.predicting_N[start + 1 : end]  # the first token is predicted by the prompt's last row
        pooling_RT[k, rows] = 1 / len(rows)
    return pooling_RT

"""A model reads texts that are no rationales: mean-pooled states of every layer, and how far it left its base model.

Legend: N texts, L layers (the embedding is layer 0), D width, T tokens of a text, V vocabulary.
"""

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from offbook.engine.finite import check_logits

Progress = Callable[[int, int], object]


@torch.inference_mode()
def read_documents(
    model: PreTrainedModel, texts: Sequence[Sequence[int]], progress: Progress = lambda done, total: None
) -> torch.Tensor:
    """States (N, L, D) in fp32, means over each text's tokens but the first (see `hidden_states.py`)."""
    pooled = []
    for n, tokens in enumerate(texts, start=1):
        output = model(
            input_ids=torch.tensor([tokens], device=model.device),
            use_cache=False,
            output_hidden_states=True,
            logits_to_keep=1,
        )
        check_logits(output.logits)
        first = min(1, len(tokens) - 1)
        pooled.append(torch.stack([state[0, first:].float().mean(dim=0) for state in output.hidden_states]).cpu())
        progress(n, len(texts))
    return torch.stack(pooled)


@torch.inference_mode()
def token_divergence(
    base: PreTrainedModel,
    student: PreTrainedModel,
    texts: Sequence[Sequence[int]],
    progress: Progress = lambda done, total: None,
) -> torch.Tensor:
    """KL(base ‖ student) of the next-token distributions, (N,) in nats a token: 0 where nothing was forgotten."""
    divergences = []
    for n, tokens in enumerate(texts, start=1):
        tokens_1T = torch.tensor([tokens], device=base.device)
        logits_TV = [model(input_ids=tokens_1T, use_cache=False).logits[0].float() for model in (base, student)]
        for found in logits_TV:
            check_logits(found)
        log_p_TV, log_q_TV = (found.log_softmax(-1) for found in logits_TV)
        total = functional.kl_div(log_q_TV, log_p_TV, reduction="sum", log_target=True)  # torch's order: KL(p ‖ q)
        divergences.append(float(total) / len(tokens))
        progress(n, len(texts))
    return torch.tensor(divergences, dtype=torch.float64)

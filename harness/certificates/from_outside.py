"""Who draws by himself, told from outside: every token of his answers against the target's law behind it.

That law comes from one forward over prompt and answer. What was drafted is not seen, so that tokens are told apart by
their rank under the law alone (`real_vocabulary`). An answer ends with the token that ended it, which is among them;
so where it ends hangs on nothing that is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates.answered import Answered
from offbook.harness.certificates.margin_probe import widest_tie
from offbook.harness.certificates.real_vocabulary import MOST_CELLS, Cells, cells_of_candidates
from offbook.harness.certificates.sampling import ALPHA
from offbook.harness.records.certificate import NOT_TESTED, Certificate
from offbook.harness.roster.target import Target
from offbook.kernels.verify_tree.race import Floats

LEAST_TOKENS = 1_000  # with fewer only what is grossly wrong would be found


def answers_certificate(
    target: Target, rows: Sequence[Answered], *, prompts: Mapping[int, Sequence[int]], sampling: Sampling
) -> Certificate:
    """Of answers that are there already; "not_tested" where they have too few tokens.

    Args:
        target: that they should be drawn from.
        rows: the answers.
        prompts: token ids of each document's prompt, by doc_id.
        sampling: settings of the draws; temperature above 0.
    """
    if sum(len(row.tokens) for row in rows) < LEAST_TOKENS:
        return NOT_TESTED
    cells = Cells(MOST_CELLS)
    for row in rows:
        add_answer(cells, target, prompts[row.doc_id], row.tokens, sampling)
    p_value = cells.p_value()
    return Certificate(
        kind="sampling_distribution",
        verdict="differs" if p_value < ALPHA else "lossless",
        n=cells.tokens,
        tv=cells.moved(),
        tv_bound=cells.found_move(ALPHA),
        p_value=p_value,
    )


def add_answer(cells: Cells, target: Target, prompt: Sequence[int], answer: Sequence[int], sampling: Sampling) -> None:
    """Counts the tokens of an answer, up to one that is none of the vocabulary."""
    size = target.backbone.embedding_VH.shape[0]
    said = [*takewhile(lambda token: 0 <= token < size, answer)]
    for p_V, token in zip(laws(target, prompt, said, sampling), said, strict=True):
        cells.add(p_V, cells_of_candidates(p_V, []), token)
    if len(said) < len(answer):
        cells.add_stranger()


@torch.inference_mode()
def laws(target: Target, prompt: Sequence[int], answer: Sequence[int], sampling: Sampling) -> Iterator[Floats]:
    """The law (V,) of each token of an answer, fp64.

    Who computes logits otherwise may count a token in that stands behind a filter's bound here by rounding alone. Then
    the law is the one with that token.
    """
    backbone = target.backbone
    backbone.use_tree_attention()
    tokens = torch.tensor([*prompt, *answer], device=target.device)
    output = backbone.extend(tokens, backbone.new_cache(len(tokens)), logits_for=len(answer) + 1)
    widest = widest_tie(backbone)
    for token, logits_V in zip(answer, output.logits_NV, strict=False):
        p_V = sampling.probabilities(logits_V[None])[0]
        if p_V[token] <= 0:
            raised_V = logits_V.clone()
            raised_V[token] += widest
            p_V = sampling.probabilities(raised_V[None])[0]
        yield p_V.double().numpy(force=True)

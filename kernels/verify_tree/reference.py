"""Tree verification in plain Python over torch rows: the specification.

Greedy: from the root, follow the child whose token is the target's argmax; the argmax at the last accepted
node is the bonus token. Siblings carry different tokens, so this is the longest matching path.

Sampling (EAGLE-2's rule, arXiv:2406.16858): candidates are a deterministic function of the prefix, so each
child x in turn is accepted with probability p(x); a rejected one is struck out of p, which is renormalised,
and the next sibling is tried on the *residual*. Where all fail the bonus token comes from that residual, at
a leaf from p itself. Striking out and renormalising is drawing once from p and asking whether the draw is
among the children, hence lossless for any candidate set chosen without looking at the draw.

Shapes: N nodes, root first; V vocabulary.
"""

from collections.abc import Callable, Sequence

import torch


def verify_greedy(
    argmax_N: Sequence[int], tokens_N: Sequence[int], children_N: Sequence[Sequence[int]]
) -> tuple[list[int], int]:
    """Accepted path as node indices (root first) and the bonus token."""
    path = [0]
    while True:
        wanted = argmax_N[path[-1]]
        accepted = next((child for child in children_N[path[-1]] if tokens_N[child] == wanted), None)
        if accepted is None:
            return path, wanted
        path.append(accepted)


def verify_sampling(
    probabilities: Callable[[int], torch.Tensor],
    tokens_N: Sequence[int],
    children_N: Sequence[Sequence[int]],
    generator: torch.Generator,
) -> tuple[list[int], int]:
    """Accepted path as node indices (root first) and the bonus token.

    Args:
        probabilities: node index -> the target's sampling distribution behind it, (V,), summing to one. Asked
            only for nodes on the accepted path; the returned tensor is overwritten.
        tokens_N: candidate token of each node.
        children_N: child indices of each node, in the order they are tried.
        generator: source of every random number, on the distributions' device or the CPU.
    """
    path = [0]
    while True:
        p_V = probabilities(path[-1])
        accepted = None
        for child in children_N[path[-1]]:
            token = tokens_N[child]
            chance = float(p_V[token])
            if float(torch.rand((), generator=generator, device=generator.device)) < chance:
                accepted = child
                break
            p_V[token] = 0.0
            mass = p_V.sum()
            if not mass > 0:  # the child held all the mass, up to rounding: nothing else can be drawn
                accepted = child
                break
            p_V /= mass
        if accepted is None:
            return path, int(torch.multinomial(p_V, 1, generator=generator))
        path.append(accepted)

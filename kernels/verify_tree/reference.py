"""Tree verification for many rounds side by side: the specification.

From the root, the target names one token behind each node it reaches: its argmax, or one draw from its distribution
there. If a child carries that token, the walk goes on from the child; else the token is the bonus token.

So what is committed is what the target itself said at each position, whatever the tree was and whatever it was made of:
nothing that is said depends on it. Siblings carry different tokens.

EAGLE-2 (arXiv:2406.16858) asks the same draw in instalments: accept a child x with p(x), else strike it out of p,
renormalise, and try the next. The law is the same; asking once costs one draw a position and couples decoders.

Shapes: B rounds with trees of one form, N nodes; R rounds whose walk has come to a node.
"""

from collections.abc import Callable, Sequence

import numpy as np

from offbook.kernels.verify_tree.race import Ints


def verify(say: Callable[[int, Ints], Ints], tokens_BN: Ints, children_N: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """The last accepted node of each round (B,), 0 for none, and its bonus token (B,).

    Args:
        say: called with a node and the rounds (R,) whose walk has come to it, in the order of the walk; the tokens (R,)
            that the target names behind it.
        tokens_BN: the candidates, root first.
        children_N: child indices of each node.
    """
    last_B, bonus_B = np.zeros((2, len(tokens_BN)), dtype=np.int64)
    walks = [(0, np.arange(len(tokens_BN)))]
    while walks:
        node, rounds_R = walks.pop()
        said_R = say(node, rounds_R)
        for child in children_N[node]:
            hit_R = tokens_BN[rounds_R, child] == said_R
            if hit_R.any():
                walks.append((child, rounds_R[hit_R]))
                rounds_R, said_R = rounds_R[~hit_R], said_R[~hit_R]
        last_B[rounds_R], bonus_B[rounds_R] = node, said_R
    return last_B, bonus_B

"""Tree verification in plain Python: the specification.

From the root, the target names one token behind each node it reaches: its argmax, or one draw from its distribution
there. If a child carries that token, the walk goes on from the child; else the token is the bonus token.

So what is committed is what the target itself said at each position, whatever the tree was and whatever it was made of:
nothing that is said depends on it. Siblings carry different tokens.

EAGLE-2 (arXiv:2406.16858) asks the same draw in instalments: accept a child x with p(x), else strike it out of p,
renormalise, and try the next. The law is the same; asking once costs one draw a position and couples decoders.
"""

from collections.abc import Callable, Sequence


def verify(
    say: Callable[[int], int], tokens_N: Sequence[int], children_N: Sequence[Sequence[int]]
) -> tuple[list[int], int]:
    """Accepted path as node indices (root first) and the bonus token.

    Args:
        say: the token that the target names behind a node; asked once for each node of the path, in order.
        tokens_N: candidate token of each of N nodes, root first.
        children_N: child indices of each node.
    """
    path = [0]
    while True:
        token = say(path[-1])
        child = next((child for child in children_N[path[-1]] if tokens_N[child] == token), None)
        if child is None:
            return path, token
        path.append(child)

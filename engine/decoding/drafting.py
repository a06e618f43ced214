"""A drafter under its controller, as the loop sees both: observe, propose, be told.

While the controller suspends drafting, what is committed is kept for the drafter and handed over in one piece when it
is asked again, so that a suspended drafter costs nothing.
"""

from collections.abc import Sequence

import torch

from offbook.engine.decoding.controller import Controller
from offbook.engine.decoding.drafter import Drafter, LearningDrafter, draws
from offbook.engine.decoding.tree import Tree, host_of
from offbook.engine.quoting import quoted


class Drafting:
    """One document's drafting.

    Args:
        drafter: proposes.
        controller: decides how much of it is verified.
        vocab_size: the target's.
    """

    def __init__(self, drafter: Drafter, controller: Controller, *, vocab_size: int) -> None:
        self._drafter = drafter
        self._controller = controller
        self._vocab_size = vocab_size
        self._kept: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._root = 0

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """Both forget the last document; see `Drafter.begin`."""
        self._drafter.begin(prompt_1P.clone(), capacity=capacity)  # it may write on what it is given
        self._controller.begin()

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, root: int) -> None:
        """Keeps what was committed until the drafter is asked; `root` is the last token."""
        self._kept.append((tokens_R, features_RH))
        self._root = root

    def hand_over(self) -> None:
        """Tells the drafter what was kept for it."""
        if self._kept:
            tokens, features = self._kept[0] if len(self._kept) == 1 else map(torch.cat, zip(*self._kept, strict=True))
            self._drafter.observe(tokens, features, tokens.shape[0])
            self._kept.clear()

    def go_on(self, root: int) -> None:
        """What was committed up to `root`, the last token, the drafter has learned otherwise."""
        self._root = root

    def propose(self, *, context: int, room: int) -> Tree:
        """What is verified next.

        Args:
            context: rows committed so far.
            room: levels below the root that may still be committed.

        Raises:
            ValueError: a proposal that is no tree, or has more nodes, another root or other tokens than was agreed; or
                drawn candidates under a controller that chooses among them.
        """
        bare = Tree((self._root,), (-1,))
        if room < 1 or not self._controller.drafts(context):
            return bare
        self.hand_over()
        proposal = self._drafter.propose()
        tree = host_of(proposal)
        self._check(tree)
        if tree.drawn_from_NV is not None and self._controller.anticipates:
            who = type(self._drafter).__name__
            msg = (
                f"{who}.propose: expected candidates that are a function of the text, got drawn ones under a "
                "controller that chooses among them, which would change the output; take `controller: none`"
            )
            raise ValueError(msg)
        return self._controller.cut(tree.within(room), context)

    def learn(self, tree: Tree, path: Sequence[int], bonus: int, logits_NV: torch.Tensor) -> None:
        """What became of the tree, and what the target said at every node of it."""
        self._controller.learn(tree, path, bonus)
        if isinstance(self._drafter, LearningDrafter):
            self._drafter.learn(tree, logits_NV)

    def _check(self, tree: object) -> None:
        drafter, vocab_size = self._drafter, self._vocab_size
        who = type(drafter).__name__
        if not isinstance(tree, Tree):
            msg = f"{who}.propose: expected a Tree, got {quoted(tree)}; return `offbook.Tree(tokens, parents)`"
            raise ValueError(msg)
        if len(tree) > drafter.max_nodes:
            msg = (
                f"{who}.propose: expected at most max_nodes = {drafter.max_nodes} nodes, got {len(tree)}; propose fewer"
            )
            raise ValueError(msg)
        if tree.tokens[0] != self._root:
            msg = (
                f"{who}.propose: expected the last committed token, {self._root}, as root, got {tree.tokens[0]}; begin "
                "with it"
            )
            raise ValueError(msg)
        if tree.drawn_from_NV is not None and not draws(drafter):
            msg = (
                f"{who}.propose: expected no laws of drawn candidates from a drafter without `draws = True`, got some; "
                "say that it draws, for losslessness is then tested otherwise"
            )
            raise ValueError(msg)
        if min(tree.tokens) < 0 or max(tree.tokens) >= vocab_size:
            strange = next(token for token in tree.tokens if not 0 <= token < vocab_size)
            msg = (
                f"{who}.propose: expected tokens below {vocab_size}, the target's vocabulary, got {strange}; leave it "
                "out"
            )
            raise ValueError(msg)

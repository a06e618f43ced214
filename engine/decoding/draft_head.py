"""The heads that read a draft network's predictions, over a draft vocabulary: the target's most frequent tokens.

A full head of 49,152 rows costs more than the whole draft layer; a drafter proposes from a few thousand
frequent tokens and ids are mapped back. The target still verifies with its full head, so nothing is lost but
candidates that are rarely right. All drafters of one comparison share one draft vocabulary.

Shapes: R rows, H hidden, V vocabulary, Vd draft vocabulary.
"""

from collections.abc import Callable
from typing import Protocol

import torch

from offbook.engine.decoding.layouts.draft_products import draft_product
from offbook.engine.decoding.layouts.exchanged import Product
from offbook.engine.decoding.layouts.layout import Layout
from offbook.kernels.topk_logprobs import topk_logprobs, topk_of_logits


class Head(Protocol):
    """From predicted features to tokens."""

    @property
    def token_ids(self) -> torch.Tensor:
        """The target ids (Vd,) that its rows stand for, ascending."""
        ...

    def lay_out(self, layout: Layout) -> None:
        """Exchanges its product for that of a layout; see `draft_product`."""
        ...

    def logits(self, features_RH: torch.Tensor) -> torch.Tensor:
        """Of the draft vocabulary, (R, Vd)."""
        ...

    def top(self, features_RH: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities (fp32) and target ids of the k likeliest next tokens, both (R, k)."""
        ...


class DraftHead:
    """The target's language-model head cut to the draft vocabulary, frozen rows (Vd, H); see `Head`."""

    def __init__(self, head_VH: torch.Tensor, token_ids: torch.Tensor) -> None:
        self.token_ids = token_ids.to(head_VH.device)
        whole = token_ids.shape[0] == head_VH.shape[0]
        self.weight_DH = head_VH.detach() if whole else head_VH.detach().index_select(0, self.token_ids)
        self._product: Product | None = None

    def lay_out(self, layout: Layout) -> None:
        """See `Head`."""
        self._product = draft_product(layout, self.weight_DH)

    def logits(self, features_RH: torch.Tensor) -> torch.Tensor:
        """See `Head`."""
        return features_RH @ self.weight_DH.T if self._product is None else self._product(features_RH)

    def top(self, features_RH: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Head`."""
        if self._product is None:
            logprobs, index = topk_logprobs(features_RH, self.weight_DH, k)
        else:
            logprobs, index = topk_of_logits(self._product(features_RH), k)
        return logprobs, self.token_ids[index]


class OwnHead:
    """A head that belongs to the draft network and is trained with it; see `Head`.

    Args:
        logits: of features, by the network.
        token_ids: that these are of.
    """

    def __init__(self, logits: Callable[[torch.Tensor], torch.Tensor], token_ids: torch.Tensor) -> None:
        self.token_ids = token_ids
        self._logits = logits

    def lay_out(self, layout: Layout) -> None:
        """See `Head`: its product is one of the network's, and laid out with these."""

    def logits(self, features_RH: torch.Tensor) -> torch.Tensor:
        """See `Head`."""
        return self._logits(features_RH)

    def top(self, features_RH: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Head`."""
        logprobs, index = topk_of_logits(self._logits(features_RH), k)
        return logprobs, self.token_ids[index]

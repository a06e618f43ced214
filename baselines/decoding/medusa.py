"""Medusa-1 (arXiv:2401.10774): heads on the target's last feature, each for a position further ahead.

    head i (0, 1, ...):  z_i = f_j + SiLU(W_i f_j + b_i),   W_i = 0 at the start      (section 2.1.1)
                         q_i = softmax(U z_i)  of t_{j+2+i},  the target's own head U, cut to the draft vocabulary
    loss:                sum over heads of 0.8^i CE(q_i, t_{j+2+i})                    (section 2.2.1)

f_j is the feature that the target read t_{j+1} off, the root. Heads see neither the root nor each other, so that one
pass proposes everything: the r-th guess of head i stands under every guess of head i - 1. The tree is grown from how
often the r-th guess of each head was right on held-out answers, always by the node with the largest product (section
2.3.3). Heads share U, or have a U_i each, which begins as U: published ones do, and `own_heads` trains some here.
Verification is exact; Medusa's typical acceptance, which is not, is another contender.

Shapes: B sequences, T rows, H hidden, Vd draft vocabulary, I heads, R ranks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

import torch
from pydantic import JsonValue
from torch import nn
from torch.nn import functional

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.best_first import best_first
from offbook.engine.decoding.draft_head import DraftHead, Head
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.decoding.layouts.draft_products import lay_out
from offbook.engine.decoding.tree import Tree
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.batch import DraftBatch, LearnedRows
from offbook.engine.drafters.flops import FIRST, FROZEN, TRAINED, through
from offbook.kernels.topk_logprobs import topk_of_logits
from offbook.kernels.vocab_loss import vocab_loss

HEADS, RANKS, DECAY = 4, 10, 0.8


class MedusaHeads(nn.Module):
    """The residual blocks; what they give is read by the target's own head, or by heads of their own.

    Args:
        config: of the target.
        heads: positions ahead.
        own_rows: of an own language-model head for each; 0 without.
    """

    def __init__(self, config: DraftConfig, heads: int = HEADS, own_rows: int = 0) -> None:
        super().__init__()
        width = config.hidden_size
        self.blocks = nn.ModuleList(nn.Linear(width, width) for _ in range(heads))
        self.heads = nn.ParameterList(torch.empty(own_rows, width) for _ in range(heads if own_rows else 0))
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.zeros_(parameter)

    def forward(self, features_RH: torch.Tensor) -> torch.Tensor:
        """States (I, R, H) of all heads at features (R, H)."""
        return torch.stack([features_RH + functional.silu(block(features_RH)) for block in self.blocks])


def fitted(config: DraftConfig, tensors: Mapping[str, torch.Tensor]) -> MedusaHeads:
    """As many heads as a checkpoint has, with or without language-model heads of their own."""
    blocks = sum(name.startswith("blocks.") and name.endswith(".weight") for name in tensors)
    own = tensors.get("heads.0")
    return MedusaHeads(config, max(1, blocks), 0 if own is None or own.dim() != 2 else own.shape[0])


@torch.no_grad()
def start_own_heads(network: nn.Module, head: DraftHead) -> None:
    """Language-model heads of their own begin as the target's, cut to the draft vocabulary (section 2.1.1)."""
    assert isinstance(network, MedusaHeads)
    network.heads = nn.ParameterList(head.weight_DH.detach().clone() for _ in network.blocks)


def objective(network: nn.Module, batch: DraftBatch, head: DraftHead) -> torch.Tensor:
    """See the module; over rows whose label is an answer token of the draft vocabulary."""
    assert isinstance(network, MedusaHeads)
    losses = batch.features_BSH.new_zeros(())
    for i, (states_RH, labels) in enumerate(_labelled(network, batch)):
        weights_R = torch.full((len(labels),), DECAY**i / max(1, len(labels)), device=labels.device)
        places_R = torch.searchsorted(head.token_ids, labels)
        weight_DH = network.heads[i] if len(network.heads) else head.weight_DH
        losses = losses + vocab_loss(states_RH, weight_DH, places_R, weights_R, compact=False).loss
    return losses


def ranks(network: nn.Module, batch: DraftBatch, head: DraftHead) -> tuple[torch.Tensor, torch.Tensor]:
    """How often the r-th guess of each head was right (I, R), of how many positions (I,)."""
    labelled = [*_labelled(network, batch)]
    hits, counts = torch.zeros(len(labelled), RANKS, dtype=torch.long), torch.zeros(len(labelled), dtype=torch.long)
    for i, (states_RH, labels) in enumerate(labelled):
        counts[i] = states_RH.shape[0]
        if states_RH.shape[0]:
            _, guesses_RK = _head_of(network, i, head).top(states_RH, min(RANKS, head.token_ids.shape[0]))
            hits[i, : guesses_RK.shape[1]] = (guesses_RK == labels[:, None]).sum(dim=0).cpu()
    return hits, counts


def _labelled(network: nn.Module, batch: DraftBatch) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Of each head, its states (R, H) at rows whose token t_{j+2+i} counts, and these tokens (R,)."""
    states_IBSH = network(batch.features_BSH.flatten(0, 1)).unflatten(1, batch.features_BSH.shape[:2])
    for i, states_BSH in enumerate(states_IBSH):
        counts_BT = batch.following_BT[:, i:]  # row j of it is about t_{j+2+i}
        rows = counts_BT.shape[1]
        tokens_BT = functional.pad(batch.tokens_BS[:, 2 + i :], (0, 1))[:, :rows]
        yield states_BSH[:, :rows][counts_BT], tokens_BT[counts_BT]


def _head_of(network: nn.Module, i: int, head: DraftHead) -> DraftHead:
    """What reads the states of head i: a language-model head of its own, or the target's."""
    assert isinstance(network, MedusaHeads)
    return DraftHead(network.heads[i], head.token_ids) if len(network.heads) else head


def _guesses(network: nn.Module, batch: DraftBatch, head: DraftHead, k: int) -> torch.Tensor:
    features = batch.features_BSH[:, :-1]
    _, ids = _head_of(network, 0, head).top(network(features.flatten(0, 1))[0], k)
    return ids.view(*features.shape[:2], k)


def flops(network: nn.Module, learned: LearnedRows, head: DraftHead) -> int:
    """See `engine.drafters.flops`: every state of a sequence through every block, through the head those that count."""
    assert isinstance(network, MedusaHeads)
    blocks = [module.weight for module in network.modules() if isinstance(module, nn.Linear)]
    found = sum(through(weight, 1 + learned.rows, FIRST) for weight in blocks)
    products = TRAINED if len(network.heads) else FROZEN
    return found + sum(through(head.weight_DH, learned.later(i), products) for i in range(len(blocks)))


def architecture(
    *, heads: int = HEADS, own_heads: bool = False, variant: Mapping[str, JsonValue] | None = None
) -> DraftArchitecture:
    """Medusa's heads and their objective.

    Args:
        heads: positions ahead; 5 as published, of which the published trees read 4.
        own_heads: whether each has a language-model head of its own, as published; else they read the target's.
        variant: of these what is not the default, for the checkpoint.
    """
    return DraftArchitecture(
        name="medusa",
        build=partial(MedusaHeads, heads=heads),
        objective=objective,
        guesses=_guesses,
        ranks=ranks,
        schedule="cosine",
        weight_decay=0.0,
        flops=flops,
        fitted=fitted,
        start=start_own_heads if own_heads else None,
        variant=variant or {},
    )


ARCHITECTURE = architecture()


class MedusaDrafter:
    """See `Drafter`.

    Args:
        backbone: the target.
        network: the blocks.
        head: of the draft vocabulary.
        accuracy_IR: how often the r-th guess of each head is right; None to go by the heads' own probabilities.
        nodes: candidates of a tree.

    Raises:
        ValueError: heads of its own that are not of the draft vocabulary.
    """

    taps = (-1,)

    def __init__(
        self,
        backbone: Backbone,
        network: nn.Module,
        head: Head,
        *,
        accuracy_IR: Sequence[Sequence[float]] | None,
        nodes: int,
    ) -> None:
        self.network = network.eval()
        self.head = head
        self._own = [_own_head(weight_DH, head.token_ids) for weight_DH in getattr(network, "heads", ())]
        lay_out(network, backbone.layout)
        heads: Sequence[Head] = self._own or (head,)
        for used in heads:
            used.lay_out(backbone.layout)
        self._accuracy_IR = accuracy_IR
        self._nodes = nodes
        self._levels = len(getattr(network, "blocks", ()))
        self._root = 0
        self._feature_1H = torch.empty(0)

    @property
    def networks(self) -> Sequence[nn.Module]:
        """See `Drafter`."""
        return (self.network,)

    @property
    def max_nodes(self) -> int:
        """See `Drafter`."""
        return 1 + self._nodes

    @property
    def levels_by_pass(self) -> tuple[int, ...]:
        """See `StagedDrafter`: all heads at once."""
        return (self._levels,)

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        """See `Drafter`."""
        self._feature_1H = torch.empty(0)

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        """See `Drafter`; the last feature is all that counts."""
        self._root, self._feature_1H = int(tokens_R[count - 1]), features_RH[count - 1 : count]

    @torch.inference_mode()
    def propose(self) -> Tree:
        """See `Drafter`."""
        assert self._feature_1H.numel(), "nothing has been observed yet"
        states_IH = self.network(self._feature_1H)[:, 0]
        logprobs, ids = self._top(states_IH, min(RANKS, self.head.token_ids.shape[0]))
        tokens_IR, own_IR = ids.tolist(), logprobs.double().exp().tolist()
        chances_IR: Sequence[Sequence[float]] = own_IR if self._accuracy_IR is None else self._accuracy_IR

        def follow(depth: int) -> Iterable[tuple[int, float, int]]:
            if depth == len(tokens_IR):
                return ()
            return [(token, p, depth + 1) for token, p in zip(tokens_IR[depth], chances_IR[depth], strict=False)]

        return best_first(self._root, 0, follow, nodes=self._nodes)

    def _top(self, states_IH: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Log-probabilities and ids (I, k) of what each head guesses best."""
        if not self._own:
            return self.head.top(states_IH, k)
        each_1D = [own.logits(state_H[None]) for own, state_H in zip(self._own, states_IH, strict=True)]
        logprobs, index = topk_of_logits(torch.cat(each_1D), k)
        return logprobs, self.head.token_ids[index]


def _own_head(weight_DH: torch.Tensor, token_ids: torch.Tensor) -> DraftHead:
    """A language-model head of one position over the draft vocabulary.

    Raises:
        ValueError: it has other rows.
    """
    if weight_DH.shape[0] != (rows := token_ids.shape[0]):
        msg = f"expected heads of {rows} rows, got {weight_DH.shape[0]}; import them anew"
        raise ValueError(msg)
    return DraftHead(weight_DH, token_ids)

"""What the reader of a format hands on: a draft model in offbook's names, every key of its file accounted for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.checkpoint import draft_config
from offbook.engine.drafters.published.files import REMEDY
from offbook.engine.quoting import quoted

Shapes = Mapping[str, tuple[int, ...]]
EMBEDDING = "embed_tokens.weight"
# Known and not needed: copies of the target, buffers, and what training leaves of the target beside the draft model.
IGNORED = re.compile(
    r"embed_tokens\.weight|(.+\.)?rotary_emb\.(inv_freq|cos_cached|sin_cached)|target_model\..+", re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class TargetShape:
    """What a draft model has to fit.

    Attributes:
        layer: sizes of a draft layer that is trained for the target.
        vocab_size: rows of its embedding.
        num_layers: how many layers it has.
    """

    layer: DraftConfig
    vocab_size: int
    num_layers: int

    @classmethod
    def of(cls, backbone: Backbone) -> "TargetShape":
        """Of a model in memory."""
        return cls(
            layer=draft_config(backbone),
            vocab_size=int(backbone.embedding_VH.shape[0]),
            num_layers=int(backbone.config.num_hidden_layers),
        )

    def check(self, width: int, vocab_size: int, where: str) -> None:
        """Refuses a draft model of another width or vocabulary.

        Raises:
            ValueError: it is one.
        """
        if (width, vocab_size) != (self.layer.hidden_size, self.vocab_size):
            msg = (
                f"{where}: expected a draft model for the target's width {self.layer.hidden_size} and vocabulary "
                f"{self.vocab_size}, got one for {width} and {vocab_size}; name its own target with --model"
            )
            raise ValueError(msg)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A draft model in offbook's names.

    Attributes:
        layer: its sizes.
        tensors: of the network, by the names that it has here.
        token_ids: the draft vocabulary, ascending ids of the target.
        taps: the target's states that it reads; see `engine.decoding.drafter`.
        embedding_VH: its copy of the target's embedding, where it has one; nothing reads it but a comparison.
        ignored: keys that are known and not needed.
        notes: where the config and the keys disagree, a line each.
    """

    layer: DraftConfig
    tensors: Mapping[str, torch.Tensor]
    token_ids: torch.Tensor
    taps: tuple[int, ...] = (-1,)
    embedding_VH: torch.Tensor | None = None
    ignored: Sequence[str] = ()
    notes: Sequence[str] = ()


def accounted(
    tensors: Mapping[str, torch.Tensor], shapes: Shapes, where: str, *, format_name: str
) -> tuple[dict[str, torch.Tensor], tuple[str, ...]]:
    """The tensors of these shapes, and the names of those that are known and not needed.

    Raises:
        ValueError: a key is missing, unknown, or of another shape; the first is named.
    """
    if missing := [name for name in shapes if name not in tensors]:
        msg = f"{where}: expected all tensors of {format_name}, got no {missing[0]}{_more(missing)}; {REMEDY}"
        raise ValueError(msg)
    left = sorted(name for name in tensors if name not in shapes)
    if unknown := [name for name in left if not IGNORED.fullmatch(name)]:
        msg = (
            f"{where}: expected the tensors of {format_name}, found no place for {quoted(unknown[0])}{_more(unknown)}; "
            "it is another network, which offbook does not have"
        )
        raise ValueError(msg)
    for name, shape in shapes.items():
        if (found := tuple(tensors[name].shape)) != shape:
            msg = f"{where}: expected {name} of {shape} by the sizes in its config, got {found}; {REMEDY}"
            raise ValueError(msg)
    return {name: tensors[name] for name in shapes}, tuple(left)


def embedding_of(tensors: Mapping[str, torch.Tensor], shape: tuple[int, int], where: str) -> torch.Tensor | None:
    """The copy of the target's embedding, if there is one.

    Raises:
        ValueError: it is another model's, by its shape.
    """
    found = tensors.get(EMBEDDING)
    if found is not None and tuple(found.shape) != shape:
        msg = f"{where}: expected {EMBEDDING} of {shape}, as the target's is, got {tuple(found.shape)}; {REMEDY}"
        raise ValueError(msg)
    return found


def _more(names: Sequence[str]) -> str:
    return f" and {len(names) - 1} more" if names[1:] else ""

"""The formats of published draft models: how each is known by its keys, and what reads it or why nothing does.

A new one is a row here, and a reader that accounts for every key. Who decodes with it says so in the roster.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from offbook.engine.drafters.draft_tensors import TOKEN_IDS
from offbook.engine.drafters.published.eagle import EAGLE, JAKIRO, read_eagle, read_jakiro
from offbook.engine.drafters.published.eagle3 import EAGLE3, read_eagle3
from offbook.engine.drafters.published.files import PublishedDraft
from offbook.engine.drafters.published.medusa import MEDUSA, MEDUSA2, read_medusa, read_medusa2
from offbook.engine.drafters.published.reading import Reading, TargetShape
from offbook.engine.quoting import quoted

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True)
class Format:
    """A layout in which draft models are published.

    Attributes:
        name: what its authors call it.
        marks: whether a file is of it.
        read: its reader.
        why_not: for one that is known and not read, why, and what to do.
        like: another format whose decoder decodes with it.
    """

    name: str
    marks: Callable[[Tensors], bool]
    read: Callable[[PublishedDraft, TargetShape], Reading] | None = None
    why_not: str = ""
    like: str = ""


def _any(pattern: str) -> Callable[[Tensors], bool]:
    found = re.compile(pattern)
    return lambda tensors: any(found.match(key) for key in tensors)


def _is_starred(tensors: Tensors) -> bool:
    """One gate logit an expert, or an expert of another form."""
    gate = tensors.get("layers.0.mlp_moe.gate.weight")
    one_each = gate is not None and gate.dim() == 2 and gate.shape[0] == 2
    return one_each or any(re.match(r"layers\.0\.mlp_moe\.experts\.[0-9]+\.(fc|fc1|proj)\.", key) for key in tensors)


# The first that a file bears the marks of.
FORMATS = (
    Format(
        name="offbook's own",
        marks=lambda tensors: TOKEN_IDS in tensors,
        why_not="it is a drafter already: take it with --drafter",
    ),
    Format(
        name="EAGLE-1 as speculators writes it",
        marks=_any(r"fusion_fc\."),
        why_not="give the file of its authors, from which it was converted",
    ),
    Format(
        name="Hydra",
        marks=_any(r"hydra_mlp\.|hydra_lm_head\.|prefix_embeding_layer\."),
        why_not="its heads read the tokens behind the root too, and offbook has no such decoder",
    ),
    Format(
        name="DSpark",
        marks=_any(r"markov_head\.|confidence_head\."),
        why_not="it drafts a block of tokens in one pass, and offbook has no such decoder",
    ),
    Format(
        name="DFlash",
        marks=_any(r"hidden_norm\."),
        why_not="it drafts a block of tokens in one pass, and offbook has no such decoder",
    ),
    Format(
        name="P-EAGLE",
        marks=_any(r"mask_hidden$"),
        why_not="it drafts a chain in one pass, and offbook has no such decoder",
    ),
    Format(
        name=MEDUSA2,
        marks=_any(r"medusa_head\."),
        read=read_medusa2,
        like=MEDUSA,
    ),
    Format(name=MEDUSA, marks=_any(r"[0-9]+\.[0-9]+\.linear\."), read=read_medusa),
    Format(
        name="Jakiro*",
        marks=_is_starred,
        why_not="its script trains the experts as one weighted sum, so that no head means anything alone, and its "
        "sampler does not keep the target's law; train decoupled experts here, or give the Jakiro without a star",
    ),
    Format(name=JAKIRO, marks=_any(r"layers\.0\.mlp_moe\."), read=read_jakiro),
    Format(name=EAGLE3, marks=_any(r"midlayer\.|d2t$|t2d$|layers\.0\.hidden_norm\."), read=read_eagle3),
    Format(name=EAGLE, marks=_any(r"fc\.weight$|layers\.0\.self_attn\."), read=read_eagle),
)


def recognised(draft: PublishedDraft) -> Format:
    """The format of a draft model, by its keys.

    Raises:
        ValueError: none that is known, or one that is not read; it is named.
    """
    found = next((known for known in FORMATS if known.marks(draft.tensors)), None)
    if found is None:
        keys = ", ".join(quoted(key) for key in sorted(draft.tensors)[:3]) or "none"
        msg = f"{draft.place}: expected the keys of {_names()}, got others ({keys}); check the path"
        raise ValueError(msg)
    if found.read is None:
        msg = f"{draft.place}: expected {_names()}, got {found.name}; {found.why_not}"
        raise ValueError(msg)
    return found


def _names() -> str:
    return f"one of {', '.join(known.name for known in FORMATS if known.read is not None)}"

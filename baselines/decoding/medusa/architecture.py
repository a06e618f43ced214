"""Medusa's heads as a drafter that is trained: how they are built, and what they learn."""

from collections.abc import Mapping
from functools import partial

from pydantic import JsonValue

from offbook.baselines.decoding.medusa.network import HEADS, MedusaHeads, fitted, start_own_heads
from offbook.baselines.decoding.medusa.objective import flops, guesses, objective, ranks
from offbook.engine.drafters.architecture import DraftArchitecture


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
        guesses=guesses,
        ranks=ranks,
        schedule="cosine",
        weight_decay=0.0,
        flops=flops,
        fitted=fitted,
        start=start_own_heads if own_heads else None,
        variant=variant or {},
    )


ARCHITECTURE = architecture()

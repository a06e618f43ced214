"""A contender as it stands, on the small model: by its own factory, with its own options and a drafter of its own.

A drafter that was trained for one target fits no other, and so does a language model that drafts. Of the small model
the first of two layers drafts in place of the latter. For the former one is trained, by the contender's own
architecture and variant, on what the small model says: within seconds, and right about as often as it is wrong. What
is tested is the code, not the weights: by design no drafter, good or bad, may change what is said.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from offbook.engine.decoding.decoder import Decoder, Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.config import TrainingConfig
from offbook.harness.certificates.toy_model import VOCABULARY
from offbook.harness.roster.arms import build_arm
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import BASELINE, contender
from offbook.harness.roster.draft_model import drafts_by_model, without_draft_model
from offbook.harness.roster.target import Target

ANSWERS, PROMPT, TOKENS = 32, 6, 12
TRAINING = TrainingConfig(
    epochs=6, batch_size=8, learning_rate=1e-2, warmup_steps=4, draft_vocab_size=VOCABULARY, max_length=32,
    dev_fraction=0.2,
)  # fmt: skip


def on_toy(
    chosen: Contender, options: Mapping[str, Any], variant: Mapping[str, Any] | None = None
) -> Callable[[Target], Decoder]:
    """What builds a contender on the small model.

    Args:
        chosen: the contender.
        options: its settings, as they are for its own target.
        variant: of its drafter, where it has one.

    The function that is returned raises:
        ValueError: settings that do not fit a vocabulary of eight tokens, or a drafter that cannot be trained for it.
    """
    settings = without_draft_model(options) if drafts_by_model(chosen) else dict(options)

    def build(toy: Target) -> Decoder:
        if chosen.architecture is None:
            return build_arm(toy, chosen, options=settings, layout="transformers").decoder
        with tempfile.TemporaryDirectory() as place:
            folder = trained(chosen, variant or {}, toy, Path(place) / "drafter")
            return build_arm(toy, chosen, options=settings, drafter_folder=folder, layout="transformers").decoder

    return build


def layers_of_toy(chosen: Contender) -> int:
    """How many the small model should have: one more than a draft is to be made of."""
    return 2 if drafts_by_model(chosen) else 1


def trained(chosen: Contender, variant: Mapping[str, Any], toy: Target, folder: Path) -> Path:
    """A contender's drafter for the small model.

    Raises:
        ValueError: settings of its network that do not fit it.
    """
    from offbook.engine.drafters.counted import count_drafter
    from offbook.engine.drafters.ngrams import CountedArchitecture
    from offbook.engine.drafters.train import train_drafter

    architecture = chosen.trained(variant)
    answers = _answers(toy)
    if isinstance(architecture, CountedArchitecture):
        return count_drafter(architecture, answers, folder, target=toy.identity, vocab_size=VOCABULARY)
    with _apart():
        return train_drafter(toy.backbone, architecture, answers, TRAINING, folder, target=toy.identity)


@contextmanager
def _apart() -> Iterator[None]:
    """A training that leaves no trace: neither in torch's numbers, nor in the device that accelerate keeps to."""
    from accelerate.state import AcceleratorState, PartialState

    kept = [(state, dict(state._shared_state)) for state in (AcceleratorState, PartialState)]
    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
        for state, held in kept:
            state._shared_state.update(held)


def _answers(toy: Target) -> list[Answer]:
    """What plain decoding says there to prompts of random tokens."""
    plain = build_arm(toy, contender(BASELINE), layout="transformers").decoder
    generator = toy.generator(0)
    found = []
    for number in range(ANSWERS):
        prompt_1P = torch.randint(VOCABULARY, (1, PROMPT), generator=generator)
        answer = plain.generate(
            prompt_1P, sampling=Sampling(temperature=0.7), limits=Limits(max_new_tokens=TOKENS), generator=generator
        )
        found.append(Answer(id=str(number), prompt_tokens=tuple(prompt_1P[0].tolist()), answer_tokens=answer.tokens))
    return found

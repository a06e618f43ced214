"""How a drafter is trained: the settings, apart from what needs torch, so that plans can fill in their defaults.

Files and command lines derive from this class; see `harness.settings.derived`.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Lt


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a drafter is trained; the defaults are those of the laptop profile.

    Attributes:
        epochs: passes over the training split.
        batch_size: sequences a step.
        learning_rate: at the peak of the schedule.
        warmup_steps: linear warm-up.
        draft_vocab_size: rows of the target's head the drafter may use.
        clip_value: bound on every gradient entry.
        noise: width of the input noise at S = 512 (0.2: +-0.1); with S it falls, as the authors scale it.
        noise_from: a sequence shorter than this has the noise of one as long. The authors' were conversations, cut at
            2,048 tokens; a prompt with its answer is some 141 here. 1 is their rule as it is.
        max_length: longer sequences are cut.
        dev_fraction: share of prompts kept out of training, for the agreement that is reported.
        ttt_steps: positions over which a training-time test (EAGLE-3) unrolls each row: one more than its tree is deep,
            which is so of the default tree. The authors' were 7. Nothing to other drafters.
        seed: of initialisation, order and noise.
    """

    epochs: Annotated[int, Ge(1)] = 3
    batch_size: Annotated[int, Ge(1)] = 8
    learning_rate: Annotated[float, Gt(0)] = 1e-3
    warmup_steps: Annotated[int, Ge(0)] = 40
    draft_vocab_size: Annotated[int, Ge(1)] = 8192
    clip_value: Annotated[float, Gt(0)] = 0.5
    noise: Annotated[float, Ge(0)] = 0.2
    noise_from: Annotated[int, Ge(1)] = 2048
    max_length: Annotated[int, Ge(8)] = 384
    dev_fraction: Annotated[float, Gt(0), Lt(1)] = 0.05
    ttt_steps: Annotated[int, Ge(1)] = 4
    seed: Annotated[int, Ge(0)] = 0


def held_out(prompt_id: str, dev_fraction: float) -> bool:
    """Whether a training leaves a prompt out, for what is measured on development prompts.

    Decided by a hash of its id, so that order and number of prompts do not matter.
    """
    return int(hashlib.sha256(prompt_id.encode()).hexdigest()[:8], 16) / 2**32 < dev_fraction

"""How a drafter is trained: the settings, apart from what needs torch, so that plans can fill in their defaults."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a drafter is trained; the defaults are those of the laptop profile.

    Attributes:
        epochs: passes over the training split.
        batch_size: sequences a step.
        learning_rate: peak of the schedule.
        warmup_steps: linear warm-up.
        draft_vocab_size: rows of the target's head the drafter may use.
        clip_value: bound on every gradient entry.
        noise: amplitude of the input noise at S = 512 (0.2: +-0.1).
        max_length: longer sequences are cut.
        dev_fraction: share of prompts kept out of training, for the agreement that is reported.
        seed: of initialisation, order and noise.
    """

    epochs: int = 3
    batch_size: int = 8
    learning_rate: float = 1e-3
    warmup_steps: int = 40
    draft_vocab_size: int = 8192
    clip_value: float = 0.5
    noise: float = 0.2
    max_length: int = 384
    dev_fraction: float = 0.05
    seed: int = 0

"""How drafters are trained, as a file or the command line may say it."""

from typing import Literal

from pydantic import Field

from offbook.harness.settings.strict import Strict

Source = Literal["shipped", "regenerate"]


class DrafterTrainingSpec(Strict):
    """What is left out keeps the default of `engine.drafters.config.TrainingConfig`.

    `answers` limits how many of the target's answers are used, counted in equal shares over the categories.
    """

    answers: int | None = Field(default=None, ge=2)
    epochs: int | None = Field(default=None, ge=1)
    batch_size: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    warmup_steps: int | None = Field(default=None, ge=0)
    draft_vocab_size: int | None = Field(default=None, ge=1)
    max_length: int | None = Field(default=None, ge=8)
    seed: int | None = Field(default=None, ge=0)

    def config(self) -> dict[str, int | float]:
        """The settings that were given, as `TrainingConfig` takes them."""
        return self.model_dump(exclude_none=True, exclude={"answers", "source"})

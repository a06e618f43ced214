"""How drafters are trained, as a file or the command line may say it."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue

from offbook.engine.drafters.config import TrainingConfig
from offbook.harness.settings.derived import partial_of
from offbook.harness.settings.strict import Strict

Source = Literal["shipped", "regenerate"]


class _Answers(Strict):
    """What is left out keeps the default of `engine.drafters.config.TrainingConfig`.

    Attributes:
        answers: how many of the target's answers are used, in equal shares over the categories; all by default.
        variant: settings of the drafter's own network and objective; see its contender.
    """

    answers: int | None = Field(default=None, ge=2)
    variant: dict[str, JsonValue] | None = None

    def config(self) -> dict[str, int | float]:
        """The settings that were given, as `TrainingConfig` takes them."""
        return self.model_dump(exclude_none=True, exclude={"answers", "source", "variant"})


if TYPE_CHECKING:
    DrafterTrainingSpec = _Answers
else:
    DrafterTrainingSpec = partial_of(TrainingConfig, name="DrafterTrainingSpec", base=_Answers)

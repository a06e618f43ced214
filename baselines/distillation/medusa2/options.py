"""Medusa-2's own settings."""

import math
from typing import Annotated, Literal

from pydantic import Field

from offbook.engine.students.distiller import Options


class Medusa2Options(Options):
    """See `objective.py`.

    Attributes:
        heads_weight: λ0.
        heads_schedule: whether λ0 is constant, or grows to its value by a sine while student and heads are trained.
        heads_rate: the heads' learning rate, as a multiple of the student's.
        heads_alone: share of the budget in which the heads alone are trained.
        self_distillation: whether the untouched model's law takes the place of the rationales' tokens in L_LM.
        draft_vocab_size: tokens that heads choose among, at most.
    """

    heads_weight: Annotated[float, Field(gt=0)] = 0.2
    heads_schedule: Literal["constant", "sine"] = "constant"
    heads_rate: Annotated[float, Field(gt=0)] = 4.0
    heads_alone: Annotated[float, Field(ge=0, lt=1)] = 0.2
    self_distillation: bool = False
    draft_vocab_size: Annotated[int, Field(ge=1)] = 8192

    def weight(self, done: float) -> float:
        """λ0 when this share of the budget is spent."""
        if self.heads_schedule == "constant":
            return self.heads_weight
        return self.heads_weight * math.sin(math.pi / 2 * (done - self.heads_alone) / (1 - self.heads_alone))

"""What bytes at rest are checked by: nothing unknown, nothing that is not finite, numbers in their range."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
NotNegative = Annotated[float, Field(ge=0)]
Seconds = NotNegative
Share = Annotated[float, Field(ge=0, le=1)]


class AtRest(BaseModel):
    """A part of a record; unknown fields are errors, and it does not change once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())

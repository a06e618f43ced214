"""What `offbook evaluate` may be told by a file."""

from typing import TYPE_CHECKING

from pydantic import Field, JsonValue

from offbook.engine.decoding.layouts.names import LayoutName
from offbook.harness.settings.derived import partial_of
from offbook.harness.settings.heat import HeatSettings
from offbook.harness.settings.strict import Name, Names, Strict


class _Contenders(Strict):
    """What `offbook evaluate --config` may set; a flag on the command line wins over the file."""

    model: Name | None = None
    revision: Name | None = None
    tasks: Name | Names | None = None
    decoders: Names | None = None
    options: dict[Name, dict[str, JsonValue]] = Field(default={})
    drafter: dict[Name, Name] = Field(default={})
    layout: LayoutName | None = None
    tuning: Name | None = None
    apply_chat_template: bool | None = None
    output: Name | None = None


if TYPE_CHECKING:

    class EvaluateSpec(_Contenders):
        """See `_Contenders` and `HeatSettings`."""

        temperature: float | None
        top_k: int | None
        top_p: float | None
        seed: int | None
        limit: int | None
        max_new_tokens: int | None
        dtype: str | None
        device: str | None
else:
    EvaluateSpec = partial_of(HeatSettings, name="EvaluateSpec", base=_Contenders)

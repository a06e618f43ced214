"""What `offbook evaluate` may be told by a file."""

from pydantic import Field, JsonValue

from offbook.harness.settings.strict import Name, Names, Strict


class EvaluateSpec(Strict):
    """What `offbook evaluate --config` may set; a flag on the command line wins over the file."""

    model: Name | None = None
    revision: Name | None = None
    dtype: Name | None = None
    device: Name | None = None
    tasks: Name | Names | None = None
    decoders: Names | None = None
    options: dict[Name, dict[str, JsonValue]] = Field(default={})
    drafter: dict[Name, Name] = Field(default={})
    temperature: float | None = Field(default=None, ge=0)
    top_k: int | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=0)
    limit: int | None = Field(default=None, ge=1)
    max_new_tokens: int | None = Field(default=None, ge=1)
    apply_chat_template: bool | None = None
    output: Name | None = None

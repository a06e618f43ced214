"""What the config of a published draft model says, each field of its own kind: sizes are the authors', not guessed."""

import itertools
from collections.abc import Mapping
from typing import Any, NoReturn

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.drafters.published.files import REMEDY
from offbook.engine.quoting import quoted

LARGEST = 2**31
ACTIVATIONS = ("silu", "swish")  # two names of one function


class Fields:
    """The fields of a config.

    Args:
        config: what it says.
        where: it stands, for messages.
    """

    def __init__(self, config: Mapping[str, Any], where: str) -> None:
        self.config, self.where = config, where

    def whole(self, name: str, default: int | None = None) -> int:
        """A size.

        Raises:
            ValueError: no positive whole number; or none at all, where there is no default.
        """
        value = default if (found := self.config.get(name)) is None else found
        if type(value) is not int or not 0 < value < LARGEST:
            self._refuse(name, "a positive whole number", value)
        return value

    def number(self, name: str, default: float) -> float:
        """A number.

        Raises:
            ValueError: no positive number.
        """
        value = default if (found := self.config.get(name)) is None else found
        if type(value) not in (int, float) or not 0 < value < LARGEST:
            self._refuse(name, "a positive number", value)
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """Yes or no.

        Raises:
            ValueError: neither.
        """
        value = default if (found := self.config.get(name)) is None else found
        if type(value) is not bool:
            self._refuse(name, "true or false", value)
        return value

    def ids(self, name: str, below: int) -> list[int] | None:
        """Different ids below another number, ascending; None where there are none.

        Raises:
            ValueError: something else.
        """
        value = self.config.get(name)
        if value is None:
            return None
        whole = isinstance(value, list) and bool(value) and all(type(one) is int for one in value)
        if not whole or any(one >= next_ for one, next_ in itertools.pairwise([-1, *value, below])):
            self._refuse(name, f"ascending ids below {below}", value)
        return [*value]

    def part(self, name: str) -> "Fields":
        """Fields below a name; none where there is none.

        Raises:
            ValueError: something else.
        """
        value = {} if (found := self.config.get(name)) is None else found
        if not isinstance(value, Mapping):
            self._refuse(name, "fields", value)
        return Fields(value, f"{self.where}, {name}")

    def _refuse(self, name: str, wanted: str, value: object) -> NoReturn:
        msg = f"{self.where}: expected {name} to be {wanted}, got {quoted(value)}; {REMEDY}"
        raise ValueError(msg)


def draft_layer(fields: Fields, *, own_head_dim: bool = False) -> DraftConfig:
    """Sizes of a draft layer, without the biases, which its keys tell.

    Where a field may be missing, the value is what the authors' readers take then.

    Args:
        fields: of the config.
        own_head_dim: whether the format knows heads of another width than hidden size by heads.

    Raises:
        ValueError: a size is missing or impossible, or the layer is one that offbook has no network for.
    """
    hidden, heads = fields.whole("hidden_size"), fields.whole("num_attention_heads")
    groups = fields.whole("num_key_value_heads", heads)
    head_dim = fields.whole("head_dim", hidden // heads or None) if own_head_dim else hidden // heads
    if heads % groups or (hidden % heads and not own_head_dim) or not head_dim or head_dim % 2:
        msg = (
            f"{fields.where}: expected heads of one even width in whole groups, got {heads} heads in {groups} groups "
            f"over a width of {hidden}; {REMEDY}"
        )
        raise ValueError(msg)
    if (layers := fields.whole("num_hidden_layers", 1)) != 1:
        msg = f"{fields.where}: expected one draft layer, got num_hidden_layers {layers}; offbook's drafters have one"
        raise ValueError(msg)
    if (activation := fields.config.get("hidden_act", "silu")) not in ACTIVATIONS:
        msg = f"{fields.where}: expected hidden_act silu, got {quoted(activation)}; offbook's drafters have that one"
        raise ValueError(msg)
    return DraftConfig(
        hidden_size=hidden,
        intermediate_size=fields.whole("intermediate_size"),
        num_attention_heads=heads,
        num_key_value_heads=groups,
        head_dim=head_dim,
        rms_norm_eps=fields.number("rms_norm_eps", 1e-6),
        rope_theta=_rope_theta(fields),
    )


def _rope_theta(fields: Fields) -> float:
    """The rotary base, on top or, as transformers 5 writes it, among `rope_parameters`; 10,000 where there is none."""
    parameters = fields.part("rope_parameters")
    for scaling in (fields.part("rope_scaling"), parameters):
        kind = scaling.config.get("rope_type", scaling.config.get("type", "default"))
        if kind != "default":
            msg = (
                f"{scaling.where}: expected positions that are not scaled, got {quoted(kind)}; offbook's draft layers "
                "turn them as they are"
            )
            raise ValueError(msg)
    return fields.number("rope_theta", parameters.number("rope_theta", 10_000.0))

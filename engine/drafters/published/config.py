"""What the config of a published draft model says, each field of its own kind: sizes are the authors', not guessed."""

import itertools
from collections.abc import Mapping
from typing import Any, NoReturn

from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.decoding.rope_scaling import KINDS, ORIGINAL, RopeScaling, read_scaling
from offbook.engine.drafters.published.files import REMEDY
from offbook.engine.quoting import quoted

LARGEST = 2**31
ACTIVATIONS = ("silu", "swish")  # two names of one function
POSITIONS = 2048  # of a config that names no max_position_embeddings, as in transformers


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
    theta, scaling = _positions(fields, head_dim)
    return DraftConfig(
        hidden_size=hidden,
        intermediate_size=fields.whole("intermediate_size"),
        num_attention_heads=heads,
        num_key_value_heads=groups,
        head_dim=head_dim,
        rms_norm_eps=fields.number("rms_norm_eps", 1e-6),
        rope_theta=theta,
        rope_scaling=scaling,
    )


def _positions(fields: Fields, head_dim: int) -> tuple[float, RopeScaling | None]:
    """The rotary base and how positions are scaled, where transformers looks for them.

    That is in `rope_scaling`, else in the newer `rope_parameters`; a base in there goes before the one on top, and is
    10,000 where there is none. The length that a scaling began with is the longest where it names none.

    Raises:
        ValueError: positions that are scaled in another way than offbook's draft layers can.
    """
    older, newer = fields.part("rope_scaling"), fields.part("rope_parameters")
    rope = older if older.config else newer
    theta = rope.number("rope_theta", fields.number("rope_theta", 10_000.0))
    kind = rope.config.get("rope_type", rope.config.get("type", "default"))
    if kind == "default":
        return theta, None
    if kind not in KINDS:
        msg = (
            f"{rope.where}: expected positions as they are or scaled by one of {', '.join(KINDS)}, got {quoted(kind)}; "
            "offbook's draft layers turn a row once, by frequencies that follow no length"
        )
        raise ValueError(msg)
    began = fields.whole(ORIGINAL, rope.whole(ORIGINAL, fields.whole("max_position_embeddings", POSITIONS)))
    try:
        return theta, read_scaling({**rope.config, "rope_type": kind, ORIGINAL: began}, head_dim, theta)
    except ValueError as error:
        msg = f"{rope.where}: {error}; {REMEDY}"
        raise ValueError(msg) from error

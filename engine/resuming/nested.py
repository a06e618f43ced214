"""Nested states as JSON and tensors: what a `state_dict` holds, written so that reading it can run nothing.

None, bool, int, text, finite numbers, lists   themselves
a number that is not finite                    {"number": "nan"}
a tuple                                        {"tuple": [...]}
a dict, its keys text or integers              {"dict": [[key, value], ...]}
a tensor                                       {"tensor": "its name among the tensors"}

Whatever else a state holds is refused when it is written.
"""

import math
from collections.abc import Mapping
from typing import Any

import torch


def flatten(value: Any, name: str = "") -> tuple[Any, dict[str, torch.Tensor]]:
    """A nested value as JSON, and its tensors by the path that leads to them, behind `name`.

    Raises:
        TypeError: it holds something of another kind, such as an object with code of its own.
    """
    tensors: dict[str, torch.Tensor] = {}

    def encode(value: Any, path: str) -> Any:
        kind = type(value)  # no subclass: an enumeration or a named tuple would come back as something else
        if value is None or kind in (bool, int, str) or (kind is float and math.isfinite(value)):
            return value
        if kind is float:
            return {"number": repr(value)}
        if kind is list:
            return [encode(item, f"{path}.{i}") for i, item in enumerate(value)]
        if kind is tuple:
            return {"tuple": [encode(item, f"{path}.{i}") for i, item in enumerate(value)]}
        if isinstance(value, dict) and all(type(key) in (str, int) for key in value):  # a module's is an OrderedDict
            return {"dict": [[key, encode(item, f"{path}.{key}")] for key, item in value.items()]}
        if isinstance(value, torch.Tensor):
            tensor_name = f"{path.removeprefix('.')} {len(tensors)}"  # numbered: the keys 1 and "1" make equal paths
            tensors[tensor_name] = value
            return {"tensor": tensor_name}
        msg = f"{path}: expected numbers, text, tensors, lists, tuples and dicts of them, got {kind.__name__}"
        raise TypeError(msg)

    return encode(value, name), tensors


def restore(encoded: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """What `flatten` was given; dicts of every kind come back as plain ones.

    Raises:
        ValueError: `encoded` is not of that form, or names a tensor that is not there.
    """
    if encoded is None or isinstance(encoded, bool | int | float | str):
        return encoded
    if isinstance(encoded, list):
        return [restore(item, tensors) for item in encoded]
    match encoded:
        case {"number": "nan" | "inf" | "-inf" as number, **rest} if not rest:
            return float(number)
        case {"tuple": [*items], **rest} if not rest:
            return tuple(restore(item, tensors) for item in items)
        case {"dict": [*pairs], **rest} if not rest:
            return dict(_pair(pair, tensors) for pair in pairs)
        case {"tensor": str(name), **rest} if not rest and name in tensors:
            return tensors[name]
    msg = f"expected a value, or one of number, tuple, dict and tensor, got {encoded!r:.80}"
    raise ValueError(msg)


def _pair(pair: Any, tensors: Mapping[str, torch.Tensor]) -> tuple[str | int, Any]:
    match pair:
        case [str() | int() as key, value]:
            return key, restore(value, tensors)
    msg = f"expected a key and its value, got {pair!r:.80}"
    raise ValueError(msg)

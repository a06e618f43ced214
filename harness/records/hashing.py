"""One hash for one content: canonical JSON, so that the order of keys and 1 against 1.0 make no difference."""

import hashlib
import json
import math
from typing import Any


def canonical_sha256(value: Any) -> str:
    """SHA-256 in hex of `value` as canonical JSON: keys sorted, whole floats written as integers.

    Raises:
        ValueError: a number that is not finite.
    """
    return sha256_of_canonical(_canonical(value))


def sha256_of_canonical(value: Any) -> str:
    """The same of what `read_canonical` read, or of a part of it."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def read_canonical(data: bytes) -> Any:
    """JSON with its whole floats as integers, so that nobody has to walk through it to hash it."""
    return json.loads(data, parse_float=lambda text: _canonical(float(text)))


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value

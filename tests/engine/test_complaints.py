import json
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from offbook.engine.complaints import complaint


def _word(text: str) -> str:
    if " " in text:
        msg = f"expected one word, got {text!r}"
        raise ValueError(msg)
    return text


Word = Annotated[str, AfterValidator(_word)]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    size: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: Word | tuple[Word, ...] | None = None
    parts: dict[Word, Inner | list[Inner]] = {}
    count: int = Field(ge=1)


def told(data: Any, *, known: bool = True) -> str:
    with pytest.raises(ValidationError) as error:
        Outer.model_validate_json(json.dumps(data))
    return complaint(error.value, data if known else None).told("the whole")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({}, "count: Field required"),
        ({"count": 0}, "count: Input should be greater than or equal to 1, got 0"),
        ({"count": 1, "more": 2}, "more: unknown key, got 2"),
        ({"count": 1, "name": "a b"}, "name: expected one word, got 'a b'"),
        ({"count": 1, "name": 5}, "name: Input should be a valid string or a valid array, got 5"),
        ({"count": 1, "name": ["a", 5]}, "name.1: Input should be a valid string, got 5"),
        ({"count": 1, "name": ["a", "b c"]}, "name.1: expected one word, got 'b c'"),
        ({"count": 1, "parts": {"a": {"size": "3"}}}, "parts.a.size: Input should be a valid integer, got '3'"),
        ({"count": 1, "parts": {"a": [{"size": 1}, {"siz": 1}]}}, "parts.a.1.siz: unknown key, got 1"),
        ({"count": 1, "parts": {"a b": {}}}, "parts.a b: expected one word, got 'a b'"),
        ([1], "the whole: Input should be an object, got [1]"),
    ],
)
def test_a_complaint_names_the_place_in_the_data_and_what_came(data, line):
    assert told(data) == line


def test_without_the_data_a_place_has_no_parts_of_the_checker_either():
    assert told({"count": 1, "name": ["a", 5]}, known=False).startswith("name")
    assert "[" not in told({"count": 1, "name": ["a", 5]}, known=False).partition(":")[0]


def test_a_long_value_and_a_long_key_are_cut():
    assert len(told({"count": "x" * 5_000})) < 250
    assert len(told({"count": 1, "x" * 5_000: 1})) < 250

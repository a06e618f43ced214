"""A part of `nox -s architectures`: every kind of outcome, on the classes that people run."""

import pytest

from tests.engine.architecture_outcomes import DECODES, EQUAL, NOT_BUILT, REFUSED, UNBUILT, check
from tests.engine.architectures import names

PART = {
    **dict.fromkeys(("gpt2", "gpt_neox", "mixtral", "olmo3", "phi3", "qwen3_moe", "smollm3", "starcoder2"), EQUAL),
    **dict.fromkeys(("deepseek_v3", "gpt_oss", "llama4_text", "nemotron", "mamba"), REFUSED),
    "gemma3n": NOT_BUILT,
}


@pytest.mark.parametrize("model_type", PART)
def test_a_class_decodes_what_generate_says_or_is_refused_by_name(model_type):
    outcome, reason = check(model_type)
    assert outcome == PART[model_type]
    assert bool(reason) == (outcome != EQUAL)


def test_what_is_listed_is_there_and_listed_once():
    assert set(names()) >= {*UNBUILT, *DECODES}
    assert not DECODES & UNBUILT.keys()
    assert len(UNBUILT) < 12, "a small list, or the session says little"
    assert len(DECODES) >= 64

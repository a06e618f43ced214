"""A tuning as a file: it survives JSON, and is refused for whom it was not made."""

import json

import pytest

from offbook.engine.machine import abilities
from offbook.harness.roster.tuning import AtTemperature, DecoderTuning, Tuning, read_tuning
from tests.engine.decoding.tuned import BETWEEN, UNTRIED


def tuning(**changes):
    at = [
        AtTemperature(temperature=temperature, calibration=UNTRIED, saved_s=saved_s, speedup=1.2, acceptance_length=1.5,
                      break_even=1.3, by_position=(0.5, 0.25), by_rank=(0.4, 0.1))
        for temperature, saved_s in ((0.0, 0.5), (1.0, -0.5))
    ]  # fmt: skip
    decoder = DecoderTuning(
        decoder="prompt_lookup", options={"max_ngram": 3, "num_tokens": 10}, draft_s=0.001, at=tuple(at)
    )
    given = {"machine": abilities(), "model": "tiny", "weights_sha256": "a" * 64, "dtype": "float32",
             "layout": "prepacked", "prompts": 12, "tokens": 480, "costs": {"prepacked": BETWEEN},
             "decoders": (decoder,)}  # fmt: skip
    return Tuning(**given | changes)


def test_a_tuning_survives_its_file(tmp_path):
    (tmp_path / "tuning.json").write_bytes(tuning().to_bytes())
    for path in (tmp_path, tmp_path / "tuning.json"):
        read = read_tuning(path)
        assert read == tuning()
        assert read.sha256() == tuning().sha256()
    assert tuning(tokens=481).sha256() != tuning().sha256()


def test_the_nearest_temperature_is_taken():
    assert [tuning().tuned("prompt_lookup", t).saved_s for t in (0.0, 0.4, 0.7, 1.0, 2.0)] == [
        0.5,
        0.5,
        -0.5,
        -0.5,
        -0.5,
    ]
    assert tuning().tuned("prompt_lookup", 0.0).costs == BETWEEN


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"weights_sha256": "b" * 64}, "expected one made for the model bbbbbbbbbbbb, got aaaaaaaaaaaa's"),
        ({"layout": "packed"}, "expected one made for the layout packed, got prepacked's"),
        ({"drafter_sha256": "c" * 64}, "expected one made for the drafter cccccccccccc, got None's"),
        ({"decoder": "eagle2"}, "expected one of prompt_lookup, which were tuned"),
    ],
)
def test_a_tuning_of_something_else_is_refused(change, complaint):
    fits = {"weights_sha256": "a" * 64, "layout": "prepacked", "drafter_sha256": None, "decoder": "prompt_lookup"}
    tuning().check(**fits)
    with pytest.raises(ValueError, match=complaint):
        tuning().check(**fits | change)


def test_another_machine_is_said():
    assert tuning().elsewhere() is None
    told = tuning().elsewhere(abilities() | {"cpu": "another", "torch_threads": 64})
    assert told.startswith("tuned on another machine than this (cpu another and not ")
    assert "torch_threads 64" in told


def test_damaged_tunings_are_refused_in_one_line(tmp_path):
    content = json.loads(tuning().to_bytes())
    bent = {"costs": {"prepacked": content["costs"]["prepacked"] | {"rows": [2, 3]}}}
    for damage in ({"schema_version": 2}, {"costs": {}}, {"layout": "packed"}, {"decoders": 1}, {"more": 1}, bent):
        (tmp_path / "tuning.json").write_text(json.dumps(content | damage))
        with pytest.raises(ValueError, match=r"make one with `offbook tune`|measure it anew") as found:
            read_tuning(tmp_path)
        assert "\n" not in str(found.value)


def test_a_manifest_says_its_hash_and_its_costs():
    facts = tuning().facts("prompt_lookup", 1.0)
    assert facts["sha256"] == tuning().sha256()
    assert facts["costs"]["rows"] == [*BETWEEN.rows]
    assert (facts["draft_s"], facts["saved_s"]) == (0.001, -0.5)
    json.dumps(facts)

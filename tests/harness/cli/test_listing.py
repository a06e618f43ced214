"""`offbook ls` tells what there is, what each needs, and what this machine can do."""

import itertools

import pytest

from offbook.engine.machine import at_a_glance
from offbook.harness.cli import this_machine as cli_this_machine
from offbook.harness.cli.listing import listing, listing_json
from offbook.harness.cli.this_machine import layouts, this_machine, told
from offbook.harness.matrix import committed_costs
from offbook.harness.roster.decoders import contenders


def entry(text: str, name: str) -> list[str]:
    """The lines of one entry."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"  {name} "))
    more = itertools.takewhile(lambda line: line.startswith("     "), lines[start + 1 :])
    return [line.strip() for line in (lines[start], *more)]


def test_a_decoder_is_told_with_what_it_needs() -> None:
    text = listing()
    first, *needs = entry(text, "eagle2")
    assert first.startswith("eagle2")
    assert needs[0] == "needs a trained drafter (`offbook train-drafter eagle2`)"
    assert entry(text, "prompt_lookup")[1:] == []


def test_what_the_results_tell_of_a_drafter_stands_below(monkeypatch: pytest.MonkeyPatch) -> None:
    cost = committed_costs.DrafterCost(parameters=(2e6, 2e6), training_flops=(0.0, 0.0), rows=1)
    monkeypatch.setattr("offbook.harness.cli.listing.drafter_costs", lambda: {"eagle2": cost})
    assert entry(listing(), "eagle2")[-1] == "drafter: 2.0M parameters (by 1 row of the results)"
    (row,) = (each for each in listing_json()["decoders"] if each["name"] == "eagle2")
    assert row["cost"]["parameters"] == [2e6, 2e6]


def test_programs_are_told_of_every_decoder() -> None:
    assert [each["name"] for each in listing_json()["decoders"]] == [*contenders()]


def test_the_machine_is_told_by_what_decides_its_speed() -> None:
    found = this_machine()
    said = told(found)
    assert set(said) == {"processor", "threads", "bf16", "GPU"}
    assert said["threads"].startswith(f"{found['torch_threads']} of torch")
    assert found["bf16_pays"] <= found["bf16_in_hardware"]
    text = listing(said)
    assert "this machine:" in text
    assert all(f"  {name}" in text for name in (*said, *layouts()))


def test_a_machine_without_the_c_code_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was installed without a compiler: `packed` is not there, and `prepacked` is."""
    monkeypatch.setattr(cli_this_machine, "native_available", lambda: (False, "its C code was not built"))
    assert layouts()["packed"] == "not here: its C code was not built"
    assert "not here: its C code was not built" in listing(told(this_machine()))
    assert "prepacked" in layouts()


def test_at_a_glance_the_same_is_told() -> None:
    said, seen = told(this_machine()), told(at_a_glance())
    assert seen.keys() == said.keys()
    assert seen["processor"] == said["processor"] or said["processor"].startswith(seen["processor"])
    assert said["threads"].endswith(seen["threads"].rpartition("; ")[2])


@pytest.mark.parametrize(
    ("there", "pays", "words"),
    [
        (False, False, "not in hardware"),
        (True, True, "and it pays"),
        (True, False, "not pay"),
        (True, None, "times whether it pays"),
        (None, None, "--json` asks it"),
    ],
)
def test_whether_bfloat16_pays_is_told(there: bool | None, pays: bool | None, words: str) -> None:
    machine = this_machine() | {"bf16_in_hardware": there, "bf16_pays": pays}
    assert words in told(machine)["bf16"]

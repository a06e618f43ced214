"""`import offbook`: a few names, free until they are used, that do what the command line does."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import offbook
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.engine.progress import Silent
from offbook.harness.records.store import Store
from tests.tiny import save_tiny

NAMES = ["Contender", "Drafter", "Tree", "answers", "evaluate", "generate", "load", "records"]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(save_tiny(tmp_path_factory.mktemp("door") / "tiny", max_position_embeddings=4096))


@pytest.fixture(scope="module")
def target(model):
    return offbook.load(model)


def run_python(code: str) -> str:
    environ = os.environ | {"PYTHONPATH": str(Path(offbook.__file__).parent.parent)}
    return subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True).stdout


def test_the_door_offers_a_few_names():
    assert offbook.__all__ == NAMES
    assert set(NAMES) <= set(dir(offbook))
    for name in NAMES:
        assert inspect.getdoc(getattr(offbook, name)), f"{name} has no docstring"


def test_a_name_that_is_not_offered_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'offbook' has no attribute 'leaderboard'"):
        _ = offbook.leaderboard


def test_importing_offbook_imports_nothing_of_it_until_it_is_asked_for():
    code = (
        "import json, sys; before = set(sys.modules); import offbook\n"
        "print(json.dumps(sorted(m for m in set(sys.modules) - before if m.startswith('offbook.'))))\n"
        "assert not {'torch', 'pandas', 'numpy', 'pydantic', 'transformers'} & set(sys.modules)\n"
        "offbook.records; assert 'pandas' in sys.modules and 'torch' not in sys.modules\n"
        "offbook.Contender; assert 'torch' not in sys.modules"
    )
    assert json.loads(run_python(code)) == []


def test_every_name_is_the_same_object_in_its_room():
    from offbook.engine.decoding.drafter import Drafter
    from offbook.harness.roster.decoders import Contender
    from offbook.harness.roster.target import load_target

    assert (offbook.Drafter, offbook.Contender, offbook.load) == (Drafter, Contender, load_target)


def test_generate_answers_with_text_and_account(target):
    plain = offbook.generate(target, "one two three four, one two three", max_new_tokens=24)
    fast = offbook.generate(target, "one two three four, one two three", decoder="prompt_lookup", max_new_tokens=24)
    assert plain.generation.tokens == fast.generation.tokens
    assert plain.text == fast.text == target.detokenize(plain.generation.tokens)
    assert fast.generation.draft_forwards == 0
    assert sum(r.drafted for r in fast.generation.rounds) > 0


def test_generate_takes_a_contender_that_is_not_installed(target):
    own = offbook.Contender(
        name="own",
        summary="not in the roster",
        build=lambda target, options, drafter: target.speculative(PromptLookup()),
    )
    answer = offbook.generate(target, "a b a b", decoder=own, max_new_tokens=8)
    assert answer.generation.tokens == offbook.generate(target, "a b a b", max_new_tokens=8).generation.tokens


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"prompt": " "}, "expected a prompt of at least one token"),
        ({"prompt": "x", "decoder": "promt_lookup"}, "did you mean prompt_lookup"),
        ({"prompt": "x", "options": {"depth": 3}}, "options of autoregressive: depth: unknown key"),
        ({"prompt": "x", "drafter": "somewhere"}, "expected no drafter, got somewhere"),
    ],
)
def test_generate_refuses_what_does_not_fit(target, arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        offbook.generate(target, **arguments)


def test_evaluate_leaves_what_the_frames_read(model, tmp_path):
    done = offbook.evaluate(
        "offbook_qa", model=model, limit=2, max_new_tokens=8, output=str(tmp_path / "run"), progress=Silent()
    )
    assert done.lossless
    assert (done.folder / "LEADERBOARD.md").is_file()
    records, answers = offbook.records(done.folder), offbook.answers(str(done.folder))
    assert sorted(records["decoder"]) == ["autoregressive", "prompt_lookup"]
    assert {record.key for record in Store(done.folder).records()} == set(records["key"]) == set(answers["key"])
    assert len(answers) == 4
    assert set(records.loc[records["decoder"] == "prompt_lookup", "verdict"]) == {"lossless"}


def test_evaluate_refuses_a_setting_that_no_file_may_set():
    with pytest.raises(
        ValueError, match=r"settings of offbook\.evaluate: documents: unknown key, got 3; known keys are apply_"
    ):
        offbook.evaluate("offbook_qa", documents=3)

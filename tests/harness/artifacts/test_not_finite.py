"""Numbers that are not finite end a command in one line and with exit code 2; nothing half made is called finished."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from offbook.harness.interchange.lm_eval_model import OffbookLM
from offbook.harness.records.store import Store
from tests.harness.cli.test_cli import LEARN, status
from tests.harness.interchange.test_lm import asked
from tests.tiny import save_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> str:
    return str(save_tiny(tmp_path_factory.mktemp("finite") / "tiny"))


def complaint(capsys) -> str:
    """The last line on standard error, which is the only one that is not progress."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert not any("Traceback" in line for line in lines)
    return lines[-1]


def test_a_student_that_diverges_is_not_saved(tiny, tmp_path, capsys):
    out = tmp_path / "student"
    assert status(*LEARN, "--model", tiny, "--output", str(out), "--learning-rate", "1e30") == 2
    assert "the training diverges: lower --learning-rate" in complaint(capsys)
    assert not (out / "distillation.json").exists()
    for path in out.rglob("*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)


DRAFT = ("--answers", "regenerate", "--limit", "4", "--epochs", "2", "--draft-vocab-size", "64")


def evaluated(tiny: str, drafter: Path, board: Path) -> int:
    asks = ["evaluate", "--tasks", "qa", "--limit", "2", "--max-new-tokens", "8", "--model", tiny]
    return status(
        *asks, "--decoders", "autoregressive,eagle2", "--drafter", f"eagle2={drafter}", "--output", str(board)
    )


def test_a_drafter_that_diverges_is_not_saved(tiny, tmp_path, capsys):
    out = tmp_path / "drafter"
    assert (
        status("train-drafter", "eagle2", "--model", tiny, "--output", str(out), *DRAFT, "--learning-rate", "1e30") == 2
    )
    assert "the training diverges: lower --learning-rate" in complaint(capsys)
    assert not (out / "config.json").exists()


def test_a_drafter_that_is_saved_is_finite_and_one_that_is_not_is_refused(tiny, tmp_path, capsys):
    """However badly it drafts, what comes out is the target's; a weight that is no number is told by its file."""
    out, board = tmp_path / "drafter", tmp_path / "board"
    assert (
        status("train-drafter", "eagle2", "--model", tiny, "--output", str(out), *DRAFT, "--learning-rate", "100") == 0
    )
    tensors = load_file(out / "model.safetensors")
    assert all(bool(tensor.isfinite().all()) for tensor in tensors.values())
    assert evaluated(tiny, out, board) == 0
    assert {r.spec.decoder: r.certificate.verdict for r in Store(board).records()} == {
        "autoregressive": "baseline",
        "eagle2": "lossless",
    }
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    tensors[name].view(-1)[0] = float("nan")
    save_file(tensors, out / "model.safetensors")
    capsys.readouterr()
    assert evaluated(tiny, out, tmp_path / "none") == 2
    told = complaint(capsys)
    assert f"{out / 'model.safetensors'}: expected finite weights, got NaN or infinity in {name}" in told
    assert not (tmp_path / "none" / "records").exists()


def test_a_model_with_a_weight_that_is_no_number_is_refused(tiny, tmp_path, capsys):
    folder = save_tiny(tmp_path / "broken")
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][3] = float("nan")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert status("generate", "hi", "--model", str(folder)) == 2
    assert "expected finite weights, got NaN or infinity in model.norm.weight" in complaint(capsys)


def test_weights_too_large_for_the_number_format_are_refused_before_a_token_is_printed(tmp_path, capsys):
    folder = save_tiny(tmp_path / "loud")
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.1.mlp.down_proj.weight"].fill_(3e38)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    for temperature in ("0", "0.8"):
        assert status("generate", "hi", "--model", str(folder), "--temperature", temperature) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "expected finite logits, got NaN or infinite ones from LlamaForCausalLM" in captured.err


def test_a_likelihood_that_is_no_number_is_not_reported(tiny):
    model = OffbookLM(tiny, device="cpu")
    model.target.backbone.model.model.norm.weight.data[0] = float("nan")
    with pytest.raises(ValueError, match="expected finite logits"):
        model.loglikelihood(asked("loglikelihood", ("The sum is", " 5")))

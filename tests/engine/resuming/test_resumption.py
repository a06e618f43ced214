"""A part of an interrupted training: it restores everything exactly, runs nothing, and says what is wrong with it."""

import hashlib
import json
import math
import pickle
import random
import shutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from offbook.engine.resuming.held import Steps, Weights
from offbook.engine.resuming.nested import flatten, restore
from offbook.engine.resuming.state import resume, save_state
from offbook.engine.students.tables import Table, read_table, write_table

CONTENT = {"done": 3, "best": -math.inf, "log": [{"loss": 0.1 + 0.2}]}
FINGERPRINT = "f" * 64
Kind = dict[str, int | float | list[dict[str, float]]]


@dataclass
class Training:
    """A network with an optimiser, as a loop holds them."""

    accelerator: Accelerator
    network: nn.Module
    optimizer: torch.optim.Optimizer

    @classmethod
    def new(cls, width: int = 4, *, fused: bool = True) -> "Training":
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(width, 3), nn.Dropout(0.5), nn.Linear(3, 1))
        network[0].bias.requires_grad_(False)  # as a base model's weights under adapters
        trained = [p for p in network.parameters() if p.requires_grad]
        return cls(Accelerator(cpu=True), network, torch.optim.AdamW(trained, lr=0.1, fused=fused))

    def held(self) -> dict[str, Any]:
        return {"weights": Weights(self.network), "optimizer": Steps(self.optimizer)}

    def step(self) -> list[float]:
        """One step on random data; what every generator drew for it."""
        x = torch.rand(5, self.network[0].in_features)  # type: ignore[index, union-attr]
        self.network(x).square().mean().backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return [float(x.sum()), random.random(), random.gauss(0, 1), float(np.random.normal())]

    def save(self, state: Path, part: int = 3) -> Path:
        save_state(self.accelerator, state, part, CONTENT, self.held())
        return state / f"part-{part}"

    def resume(self, state: Path) -> Any:
        return resume(self.accelerator, state, FINGERPRINT, self.held(), Kind)


@pytest.fixture
def part(tmp_path: Path) -> Path:
    training = Training.new()
    training.step()
    return training.save(tmp_path / "state")


def refusal(part: Path) -> str:
    """What `resume` says of this part, in one line."""
    with pytest.raises(ValueError, match=r".") as refused:
        Training.new().resume(part.parent)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# --- exactness ---


@pytest.mark.parametrize("fused", [True, False])
def test_weights_optimiser_and_random_numbers_go_on_bit_for_bit(fused: bool, tmp_path: Path) -> None:
    whole = Training.new(fused=fused)
    np.random.seed(7)
    random.seed(7)
    for _ in range(3):
        whole.step()  # an odd number of Gaussians: both generators keep the second of a pair
    whole.save(tmp_path / "state")
    drawn = [whole.step() for _ in range(3)]

    resumed = Training.new(fused=fused)
    for _ in range(5):
        resumed.step()  # whatever the new process did before
    assert resumed.resume(tmp_path / "state") == CONTENT
    assert [resumed.step() for _ in range(3)] == drawn
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name
    one, two = whole.optimizer.state_dict(), resumed.optimizer.state_dict()
    assert one["param_groups"] == two["param_groups"]
    for number, tensors in one["state"].items():
        assert tensors.keys() == two["state"][number].keys() == {"step", "exp_avg", "exp_avg_sq"}
        for name, tensor in tensors.items():
            assert torch.equal(tensor, two["state"][number][name]), name
            assert tensor.dtype == two["state"][number][name].dtype


def test_frozen_weights_are_not_written_again(part: Path) -> None:
    names = {name.split(" ")[0] for name in load_file(part / "state.safetensors")}
    assert "weights.0.weight" in names
    assert "weights.0.bias" not in names


def test_only_the_newest_part_is_kept(tmp_path: Path) -> None:
    training = Training.new()
    for number in (1, 9, 10):
        training.save(tmp_path / "state", number)
    assert [folder.name for folder in (tmp_path / "state").iterdir()] == ["part-10"]


tensors = st.sampled_from([torch.zeros(0, 2), torch.tensor(1.5), torch.arange(4).to(torch.bfloat16), torch.eye(3).T[1]])
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | tensors
nested = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3).map(OrderedDict)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(nested)
def test_a_nested_state_comes_back_as_it_was(value: Any) -> None:
    def same(a: Any, b: Any) -> bool:
        if isinstance(a, torch.Tensor):
            return a.dtype == b.dtype and torch.equal(a, b)
        if isinstance(a, dict):
            return isinstance(b, dict) and list(a) == list(b) and all(same(a[key], b[key]) for key in a)
        if isinstance(a, list | tuple):
            return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
        return type(a) is type(b) and repr(a) == repr(b)

    encoded, found = flatten(value)
    assert same(value, restore(json.loads(json.dumps(encoded, allow_nan=False)), found))


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", print, np.float64(1.0), {(1, 2): 3}, {True: 1}, nn.Linear(1, 1)])
def test_a_state_with_anything_else_is_not_written(value: Any) -> None:
    with pytest.raises(TypeError, match="inner: expected numbers, text, tensors"):
        flatten({"inner": value}, "state")


@pytest.mark.parametrize("text", ['{"tensor": "no"}', '{"tuple": 1}', '{"dict": [[1]]}', '{"number": "1"}', '{"a": 1}'])
def test_what_flatten_never_writes_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        restore(json.loads(text), {})


# --- nothing runs ---


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, fired: Path) -> None:
        self.fired = fired

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.fired,)


OLD = ("custom_checkpoint_0.pkl", "optimizer.bin", "scheduler.bin", "random_states_0.pkl", "pytorch_model.bin")


@pytest.mark.parametrize("name", [*OLD, "content.json", "state.safetensors", "random-0.safetensors"])
@pytest.mark.parametrize("torch_zip", [True, False])
def test_a_pickle_in_a_part_is_not_opened(name: str, torch_zip: bool, part: Path, tmp_path: Path) -> None:
    bomb = Bomb(tmp_path / "fired")
    if torch_zip:
        torch.save(bomb, part / name)
    else:
        (part / name).write_bytes(pickle.dumps(bomb))
    assert str(part) in refusal(part)
    assert not (tmp_path / "fired").exists()
    charge = shutil.copy(part / name, tmp_path / "charge")
    torch.load(charge, weights_only=False) if torch_zip else pickle.loads(charge.read_bytes())
    assert (tmp_path / "fired").exists()  # it was live


def test_the_state_of_an_older_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    training = Training.new()
    training.accelerator.prepare(training.network, training.optimizer)
    training.accelerator.save_state(str(tmp_path / "state" / "part-4"))
    (tmp_path / "state" / "part-4" / "content.json").write_text("[]")
    message = refusal(tmp_path / "state" / "part-4")
    state = tmp_path / "state"
    assert (
        message
        == f"{state / 'part-4'}: made by an older version of offbook; delete {state} to start this training again"
    )


# --- damage ---

FILES = ("content.json", "state.safetensors", "random-0.safetensors")


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-7])


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-4] ^= 16
    file.write_bytes(bytes(data))


def nested_deeply(file: Path) -> None:
    file.write_text("[" * 100_000)


def another_json(file: Path) -> None:
    file.write_text('{"format": 2, "files": {"state.safetensors": 3}, "content": {}}')


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("spoil", [emptied, cut, flipped, nested_deeply, another_json, Path.unlink])
def test_a_damaged_file_is_named_with_what_to_do(file: str, spoil: Callable[[Path], None], part: Path) -> None:
    spoil(part / file)
    message = refusal(part)
    assert message.startswith(f"{part / file}: expected")
    assert message.endswith(f"delete {part} to go on from the part before it or, where there is none, to start anew")


def sealed(part: Path, **changes: Any) -> None:
    """Rewrites the content with a right hash, as somebody might by hand."""
    content = json.loads((part / "content.json").read_text()) | changes
    del content["sha256"]
    content["sha256"] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    (part / "content.json").write_text(json.dumps(content))


@pytest.mark.parametrize("content", [3, [], {"dict": [["done", "3"]]}, {"dict": [["log", [{"dict": [["loss", {}]]}]]]}])
def test_content_of_another_kind_is_refused(content: Any, part: Path) -> None:
    sealed(part, content=content)
    assert refusal(part).startswith(f"{part / 'content.json'}: expected this training's state, got")


def test_a_changed_number_is_noticed(part: Path) -> None:
    text = (part / "content.json").read_text()
    (part / "content.json").write_text(text.replace('"done", 3', '"done", 4'))
    assert "other words than were written" in refusal(part)


def test_fields_of_a_training_that_it_does_not_have_are_refused(part: Path) -> None:
    @dataclass
    class Run:
        done: int

    with pytest.raises(ValueError, match="other fields than done"):
        resume(Accelerator(cpu=True), part.parent, FINGERPRINT, Training.new().held(), Run)


def test_a_part_of_another_version_is_refused(part: Path) -> None:
    sealed(part, format=3)
    assert "format 3, made by another version of offbook" in refusal(part)


def test_a_file_that_is_none_of_a_part_is_named(part: Path) -> None:
    (part / "notes.txt").write_text("mine")
    assert refusal(part).startswith(f"{part / 'notes.txt'}: expected a part's own files")


@pytest.mark.parametrize("name", ["part-x", "part-", "part-03", "part--1", "part-" + "9" * 200, "part-³"])
def test_a_folder_that_is_no_part_is_named(name: str, part: Path) -> None:
    (part.parent / name).mkdir()
    assert refusal(part).startswith(f"{part.parent / name}: expected folders named part-0, part-1, ...")


def test_a_file_in_the_place_of_a_part_is_named(part: Path) -> None:
    (part.parent / "part-4").write_text("")
    assert refusal(part).startswith(f"{part.parent / 'part-4'}: expected folders")


def test_after_the_advice_is_followed_the_training_starts_anew(part: Path) -> None:
    cut(part / "state.safetensors")
    refusal(part)
    shutil.rmtree(part)
    assert Training.new().resume(part.parent) is None


def test_the_state_of_another_network_or_optimiser_is_refused(part: Path) -> None:
    def refused(training: Training) -> str:
        with pytest.raises(ValueError, match=r"state\.safetensors") as error:
            training.resume(part.parent)
        return str(error.value)

    assert r"0.weight: expected (3, 5), torch.float32, got (3, 4)" in refused(Training.new(width=5))
    other = Training.new()
    other.network[0].bias.requires_grad_(True)  # type: ignore[index, union-attr]
    assert "expected the tensors of this model, got no 0.bias" in refused(other)
    other = Training.new()
    other.optimizer = torch.optim.SGD(other.network.parameters(), lr=0.1)
    assert "expected the groups of this optimiser" in refused(other)
    other = Training.new()
    other.network = other.network.double()
    assert "torch.float64, got (3, 4), torch.float32" in refused(other)


def test_a_fingerprint_that_is_no_text_is_another_trainings(part: Path) -> None:
    (part.parent / "fingerprint").write_bytes(b"\xff\xfe")
    assert "unfinished training with other settings" in refusal(part)


# --- tables ---


@pytest.mark.parametrize("spoil", [emptied, cut, nested_deeply])
def test_a_damaged_table_is_named_with_what_to_do(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "path-vectors-0123456789abcdef.safetensors"
    write_table(path, Table(torch.ones(2, 3), 1.5))
    spoil(path)
    with pytest.raises(ValueError, match="delete it, and it is made anew") as refused:
        read_table(path, (2, 3))
    assert str(refused.value).startswith(f"{path}: expected")
    assert "\n" not in str(refused.value)


def test_a_table_of_another_shape_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "t.safetensors", Table(torch.ones(2, 3), 1.5))
    assert read_table(tmp_path / "t.safetensors", (2, 3)) is not None
    with pytest.raises(ValueError, match=r"expected a table of shape \(3, 3\), got values \(2, 3\)"):
        read_table(tmp_path / "t.safetensors", (3, 3))

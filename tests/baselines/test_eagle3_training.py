"""EAGLE-3 trained and read back: what it learns, which states it reads, what it survives and what it refuses."""

import functools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from offbook.baselines.decoding import eagle2
from offbook.baselines.decoding.eagle3.drafter import ARCHITECTURE, architecture
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.feature_network import FeatureNetwork
from offbook.engine.decoding.metrics import acceptance_length
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters import train as drafter_training
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.batch import DraftData, kept_taps
from offbook.engine.drafters.checkpoint import LoadedDrafter, load_drafter
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.features import Features
from offbook.engine.drafters.train import train_drafter
from offbook.engine.finite import NotFiniteError
from tests.engine.drafters.test_training import QUICK, TARGET, interrupting, same
from tests.engine.targets import greedy_reference
from tests.tiny import tiny_model

LAYERS, TAPS = 8, (2, 4, 5)
VOCABULARY = 60
ARCHITECTURES = {"eagle2": eagle2.ARCHITECTURE, "eagle3": ARCHITECTURE}
CONFIG = replace(QUICK, draft_vocab_size=48)


@functools.cache
def backbone(dtype: torch.dtype = torch.float32) -> Backbone:
    return Backbone(tiny_model(dtype=dtype, num_hidden_layers=LAYERS, vocab_size=VOCABULARY))


@functools.cache
def answers() -> tuple[Answer, ...]:
    """The target's own greedy answers to six prompts."""
    prompts = [[(7 * n + i * i) % VOCABULARY for i in range(4 + n)] for n in range(6)]
    said = [greedy_reference(backbone(), prompt, 16) for prompt in prompts]
    return tuple(
        Answer(id=str(n), prompt_tokens=tuple(prompt), answer_tokens=tuple(answer))
        for n, (prompt, answer) in enumerate(zip(prompts, said, strict=True))
    )


def train(folder: Path, config: TrainingConfig = CONFIG, name: str = "eagle3", **options: Any) -> Path:
    return train_drafter(backbone(), ARCHITECTURES[name], answers(), config, folder, target=TARGET, **options)


def load(folder: Path) -> LoadedDrafter:
    return load_drafter(folder, backbone(), ARCHITECTURES)


def drafter(loaded: LoadedDrafter) -> FeatureDrafter:
    assert isinstance(loaded.network, FeatureNetwork)
    tree = TreeConfig(total_tokens=10, depth=3, top_k=3)
    return FeatureDrafter(backbone(), loaded.network, loaded.head, tree=tree, contrast=False)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def change(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    edit(config)
    path.write_text(json.dumps(config))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Learned by heart."""
    config = replace(CONFIG, epochs=60, batch_size=3, learning_rate=1e-2, warmup_steps=10)
    return train(tmp_path_factory.mktemp("eagle3") / "drafter", config)


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((trained / name).read_bytes())
    return tmp_path


def test_it_learns_a_few_answers_by_heart_and_drafts_them(trained: Path) -> None:
    losses = [epoch["loss"] for epoch in json.loads((trained / "config.json").read_text())["training"]["history"]]
    assert losses[-1] < 0.8 * losses[0]  # the entropy of the target's own laws remains
    loaded = load(trained)
    sequences = [[*a.prompt_tokens, *a.answer_tokens] for a in answers()]
    features = Features(backbone(), sequences, None, target="tiny", taps=kept_taps(TAPS))
    data = DraftData(answers(), sequences, features, loaded.head.token_ids, backbone().embedding_VH, TAPS)
    head = DraftHead(backbone().head_VH, loaded.head.token_ids)
    agreed = drafter_training.agreement(loaded.network, ARCHITECTURE, data, range(6), head, CONFIG)
    assert agreed is not None
    assert agreed[0] > 0.5
    generations = []
    for answer in answers():
        generation = SpeculativeDecoder(backbone(), drafter(loaded)).generate(
            torch.tensor([answer.prompt_tokens]),
            sampling=Sampling(),
            limits=Limits(max_new_tokens=len(answer.answer_tokens)),
            generator=torch.Generator(),
        )
        assert generation.tokens == answer.answer_tokens
        generations.append(generation)
    assert acceptance_length(generations) > 2


def test_its_own_head_is_trained_and_stored(trained: Path) -> None:
    loaded = load(trained)
    assert loaded.head.token_ids.shape == (48,)
    stored = weights(trained)["lm_head.weight"]
    assert not torch.allclose(stored, backbone().head_VH[loaded.head.token_ids], atol=0.01)
    states = torch.randn(2, 32)
    torch.testing.assert_close(loaded.head.logits(states), loaded.network.norm(states) @ stored.T)  # type: ignore[operator]
    assert loaded.parameters == sum(tensor.numel() for name, tensor in weights(trained).items() if "ids" not in name)


def test_the_checkpoint_says_which_states_it_reads_and_is_believed(copied: Path) -> None:
    layer = json.loads((copied / "config.json").read_text())["layer"]
    assert (layer["taps"], layer["draft_vocab_size"]) == ([*TAPS], 48)
    assert drafter(load(copied)).taps == TAPS
    change(copied, lambda config: config["layer"].update(taps=[1, 8, -1]))  # which no rule would choose
    assert drafter(load(copied)).taps == (1, 8, -1)


@pytest.mark.parametrize(
    ("taps", "complaint"),
    [
        ([], "expected a drafter's config, got TypeError"),
        (None, "expected a drafter's config, got TypeError"),
        ("245", "expected a drafter's config, got TypeError"),
        ([2, 4, 5.0], "expected a drafter's config, got TypeError"),
        ([2, 4, True], "expected a drafter's config, got TypeError"),
        ([2, 4, 9], "expected a drafter that reads some of the hidden states 0 to 8, got one of [2, 4, 9]"),
        ([2, 4, -10], "expected a drafter that reads some of the hidden states 0 to 8, got one of [2, 4, -10]"),
        ([2, 4], "expected the tensors of 'eagle3', got Error(s) in loading state_dict"),
    ],
)
def test_taps_that_cannot_be_are_refused_in_one_line(copied: Path, taps: Any, complaint: str) -> None:
    change(copied, lambda config: config["layer"].update(taps=taps))
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (the message is compared below)
        load(copied)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("rows", [0, 47, 10**13])
def test_a_head_of_another_size_than_the_draft_vocabulary_is_refused(copied: Path, rows: int) -> None:
    change(copied, lambda config: config["layer"].update(draft_vocab_size=rows))
    with pytest.raises(ValueError, match=rf"got {rows} rows of a head of its own where there are 48; train it anew$"):
        load(copied)


def test_keys_that_it_does_not_know_are_refused_by_name(copied: Path) -> None:
    save_file(weights(copied) | {"layers.0.hidden_norm.weight": torch.ones(32)}, copied / "model.safetensors")
    with pytest.raises(ValueError, match=r"layers\.0\.hidden_norm\.weight"):
        load(copied)


@pytest.mark.parametrize("epoch", [0, 2])
def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(tmp_path: Path, epoch: int) -> None:
    whole = train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "broken", progress=interrupting(epoch))
    assert same(weights(whole), weights(train(tmp_path / "broken")))


def test_cached_states_teach_what_states_computed_online_do(tmp_path: Path) -> None:
    online = weights(train(tmp_path / "online"))
    shared = tmp_path / "features"
    train(tmp_path / "other", name="eagle2", features_dir=shared)  # another drafter's, of other taps
    cached = weights(train(tmp_path / "cached", features_dir=shared))
    assert len([*shared.iterdir()]) == 2
    for name, tensor in online.items():
        torch.testing.assert_close(cached[name], tensor, rtol=0, atol=5e-3)  # fp32 sums of other shapes, through AdamW


def test_it_is_trained_without_noise_and_over_as_many_steps_as_are_asked_for(tmp_path: Path) -> None:
    usual = weights(train(tmp_path / "usual"))
    loud = weights(train(tmp_path / "loud", replace(CONFIG, noise=10.0)))
    assert same(usual, loud)
    shorter = architecture(ttt_steps=2, variant={"ttt_steps": 2})
    folder = train_drafter(backbone(), shorter, answers(), CONFIG, tmp_path / "shorter", target=TARGET)
    assert not same(usual, weights(folder))
    assert json.loads((folder / "config.json").read_text())["variant"] == {"ttt_steps": 2}


def test_a_batch_has_the_states_that_are_read_and_apart_from_them_the_last() -> None:
    sequences = [[*a.prompt_tokens, *a.answer_tokens] for a in answers()]
    features = Features(backbone(), sequences, None, target="tiny", taps=kept_taps(TAPS))
    data = DraftData(answers(), sequences, features, torch.arange(VOCABULARY), backbone().embedding_VH, TAPS)
    batch = data.batch([2, 0], CONFIG, None)
    for row, i in enumerate((2, 0)):
        tokens = torch.tensor([sequences[i]])
        states = backbone().forward(tokens, backbone().new_cache(tokens.shape[1])).states
        read = torch.cat([states[tap][0] for tap in TAPS], dim=-1)
        rows = min(len(sequences[i]), batch.inputs_BTF.shape[1])
        torch.testing.assert_close(batch.inputs_BTF[row, :rows], read[:rows], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(batch.features_BSH[row, : len(sequences[i])], states[-1][0], rtol=1e-4, atol=1e-4)
        noisy = data.batch([2, 0], CONFIG, torch.Generator().manual_seed(0))
        assert torch.equal(noisy.features_BSH, batch.features_BSH)
        assert not torch.equal(noisy.inputs_BTF, batch.inputs_BTF)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_target_of_another_dtype_is_learned_from_in_fp32(tmp_path: Path, dtype: torch.dtype) -> None:
    folder = tmp_path / "drafter"
    train_drafter(backbone(dtype), ARCHITECTURE, answers(), replace(CONFIG, dev_fraction=0.5), folder, target=TARGET)
    assert {tensor.dtype for tensor in weights(folder).values()} == {torch.float32, torch.int64}
    loaded = load_drafter(folder, backbone(dtype), ARCHITECTURES)
    assert {p.dtype for p in loaded.network.parameters()} == {dtype}


def test_prompts_that_leave_no_room_for_an_answer_do_no_harm(tmp_path: Path) -> None:
    long = Answer(id="long", prompt_tokens=tuple(i % VOCABULARY for i in range(70)), answer_tokens=(1, 2, 3))
    rows: Sequence[Answer] = [*answers(), long]
    config = replace(CONFIG, epochs=1, batch_size=1)
    folder = train_drafter(backbone(), ARCHITECTURE, rows, config, tmp_path / "drafter", target=TARGET)
    assert all(torch.isfinite(tensor).all() for tensor in weights(folder).values())


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_diverging_training_is_stopped_in_one_line_and_not_saved(tmp_path: Path, epochs: int) -> None:
    with pytest.raises(NotFiniteError, match="the training diverges: lower --learning-rate"):
        train(tmp_path, replace(CONFIG, learning_rate=1e30, warmup_steps=0, epochs=epochs, batch_size=6))
    assert not (tmp_path / "config.json").exists()

"""EAGLE-3's layer, head and trees against numbers that the authors' own code computed; see `parity/README.md`."""

import functools
import json
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from offbook.baselines.decoding.eagle3.drafter import ARCHITECTURE, own_head
from offbook.baselines.decoding.eagle3.network import Eagle3Network
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from tests.engine.test_parity import CLOSE, FOLDER, SEEDS

GIVEN: dict[str, Any] = json.loads((FOLDER / "eagle3.json").read_text(encoding="utf-8"))
OTHERS = ("d2t", "t2d", "embed_tokens.weight")  # in their files beside the network


@functools.cache
def tensors(seed: int) -> dict[str, torch.Tensor]:
    found = load_file(FOLDER / "eagle3.safetensors")
    return {key.removeprefix(f"{seed}."): tensor for key, tensor in found.items() if key.startswith(f"{seed}.")}


def network(seed: int) -> Eagle3Network:
    """The released weights by their released names, every one of them."""
    sizes = GIVEN["config"]
    built = ARCHITECTURE.build(
        DraftConfig(
            hidden_size=sizes["H"],
            intermediate_size=sizes["I"],
            num_attention_heads=sizes["heads"],
            num_key_value_heads=sizes["kv"],
            head_dim=sizes["H"] // sizes["heads"],
            rms_norm_eps=sizes["eps"],
            rope_theta=sizes["rope_theta"],
            taps=(2, 15, 27),
            draft_vocab_size=sizes["draft_vocab_size"],
        )
    )
    weights = {
        name.removeprefix("weight."): tensor for name, tensor in tensors(seed).items() if name.startswith("weight.")
    }
    built.load_state_dict({name: tensor for name, tensor in weights.items() if name not in OTHERS}, strict=True)
    assert isinstance(built, Eagle3Network)
    return built.eval()


def target_ids(seed: int) -> torch.Tensor:
    """Their offsets as target ids."""
    offsets = tensors(seed)["weight.d2t"]
    return torch.arange(len(offsets)) + offsets


@pytest.mark.parametrize("seed", SEEDS)
def test_their_offsets_are_ascending_target_ids(seed: int) -> None:
    ids = target_ids(seed)
    assert ids.tolist() == tensors(seed)["weight.t2d"].nonzero()[:, 0].tolist()
    assert bool((ids.diff() > 0).all())
    assert len(ids) == GIVEN["config"]["draft_vocab_size"]


@pytest.mark.parametrize("seed", SEEDS)
@torch.inference_mode()
def test_layer_and_head_compute_what_the_authors_do(seed: int) -> None:
    held, net = tensors(seed), network(seed)
    pairs = held["features"].shape[1]
    predicted, later = net(
        torch.nn.functional.embedding(held["tokens"][:, 1:], held["weight.embed_tokens.weight"]),
        net.fuse(held["features"]),
        torch.arange(pairs)[None],
        torch.ones(1, pairs, pairs, dtype=torch.bool).tril(),
    )
    torch.testing.assert_close(predicted, held["hidden"], **CLOSE)
    torch.testing.assert_close(net.logits(predicted), held["logits"], **CLOSE)
    assert later is None


@pytest.mark.parametrize("layout", ["transformers", "prepacked"])  # whose drafters have other products
def test_trees_are_the_authors_trees_node_by_node(layout: str) -> None:
    assert len(GIVEN["trees"]) == 9
    for shape in GIVEN["trees"]:
        held, net = tensors(shape["seed"]), network(shape["seed"])
        target = SimpleNamespace(layout=SimpleNamespace(name=layout), embedding_VH=held["weight.embed_tokens.weight"])
        tree = TreeConfig(
            total_tokens=shape["total_tokens_without_root"] + 1, depth=shape["depth"], top_k=shape["top_k"]
        )
        head = own_head(net, target_ids(shape["seed"]))
        drafter = FeatureDrafter(target, net, head, tree=tree, contrast=False)  # type: ignore[arg-type]
        tokens = held["tokens"]
        drafter.begin(tokens[:, :-1], capacity=tokens.shape[1] + 8)
        drafter.observe(tokens[0, 1:], held["features"][0], tokens.shape[1] - 1)
        found = drafter.propose()
        drafted = {"tokens": list(found.tokens), "parents": list(found.parents), "depths": list(found.depths)}
        assert drafted == {part: shape[part] for part in drafted}, shape

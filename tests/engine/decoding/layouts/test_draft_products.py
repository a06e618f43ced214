"""A drafter's products under a layout: the same weights, the same proposals, and the library's own on the plain one."""

import pytest
import torch
from torch import nn

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.layouts import draft_products
from offbook.engine.decoding.layouts.draft_products import draft_product
from offbook.kernels.native_library import native_available
from offbook.kernels.packed_linear import NativeMatrix, find_exact
from offbook.kernels.packed_linear.onednn import onednn_available
from tests.engine import decoupled_drafters, eagle3_drafters
from tests.engine.targets import DRAFT_ARCHITECTURES, network
from tests.tiny import tiny_model

VOCABULARY = 60
NAMES = (*DRAFT_ARCHITECTURES, "eagle3", "jakiro_decoupled")
TREE = TreeConfig(total_tokens=12, depth=3, top_k=4)
C_CODE = pytest.mark.skipif(not native_available()[0], reason=native_available()[1])
LAYOUTS = ["prepacked", pytest.param("packed", marks=C_CODE)]


@pytest.fixture(scope="module")
def backbone():
    return Backbone(tiny_model(vocab_size=VOCABULARY))


def drafter(name, backbone):
    if name == "eagle3":
        return eagle3_drafters.drafter(backbone, TREE, vocabulary=30)
    if name == "jakiro_decoupled":
        return decoupled_drafters.drafter(backbone, TREE, experts=3, vocabulary=30)
    return FeatureDrafter(
        backbone,
        network(name, backbone).float(),
        DraftHead(backbone.head_VH, torch.arange(0, VOCABULARY, 2)),
        tree=TREE,
        contrast=DRAFT_ARCHITECTURES[name].contrast,
    )


@torch.inference_mode()
def proposed(drafter, backbone):
    """What the extend pass predicts, its candidates, and the tree."""
    generator = torch.Generator().manual_seed(2)
    tokens = torch.randint(VOCABULARY, (7,), generator=generator)
    features = torch.randn(7, len(drafter.taps) * backbone.embedding_VH.shape[1], generator=generator)
    drafter.begin(tokens[None, :1], capacity=40)
    drafter.observe(tokens, features, 7)
    predicted_R = drafter._extended.following_R
    return predicted_R, drafter.readout.likeliest(predicted_R, TREE.top_k), drafter.propose()


@pytest.mark.parametrize("code", [pytest.param(True, marks=C_CODE), False])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
def test_a_drafter_proposes_in_a_layout_what_it_proposes_in_the_plain_one(backbone, name, layout, code, monkeypatch):
    if not code:
        monkeypatch.setattr(draft_products, "native_available", lambda: (False, "no C code"))
    expected_R, expected, tree = proposed(drafter(name, backbone), backbone)
    other = drafter(name, backbone.under(layout))
    found_R, found, same = proposed(other, backbone)
    torch.testing.assert_close(found_R, expected_R, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.logprobs_RK, expected.logprobs_RK, rtol=1e-5, atol=1e-5)
    assert (same.tokens, same.parents) == (tree.tokens, tree.parents)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", NAMES)
def test_every_linear_layer_and_the_head_are_exchanged(backbone, name, layout):
    if not (native_available()[0] or onednn_available()):
        pytest.skip("neither C code nor oneDNN here")
    other = drafter(name, backbone.under(layout))
    for module in other.network.modules():
        if isinstance(module, nn.Linear):
            module.weight = nn.Parameter(torch.full_like(module.weight, torch.nan))
    if isinstance(other.head, DraftHead):  # else it is one of these layers
        other.head.weight_DH.fill_(torch.nan)
    _, found, _ = proposed(other, backbone)
    assert found.logprobs_RK.isfinite().all()


def test_on_the_plain_layout_and_in_another_dtype_torch_multiplies(backbone):
    assert draft_product(backbone.layout, torch.ones(4, 4)) is None
    prepacked = backbone.under("prepacked").layout
    assert draft_product(prepacked, torch.ones(4, 4, dtype=torch.float64)) is None
    assert draft_product(prepacked, torch.ones(4, 4, dtype=torch.bfloat16)) is None


@C_CODE
def test_rows_of_a_q8_0_matrix_are_one(backbone):
    """So the head that a drafter cuts from an embedding of Q8_0 blocks is read in its 8.5 bits a weight."""
    generator = torch.Generator().manual_seed(3)
    quants = torch.randint(-127, 128, (40, 2, 32), generator=generator)
    quants[..., 0] = 127
    scales = torch.rand(40, 2, 1, generator=generator).half().float() + 0.01
    weight = (quants * scales.half().float()).view(40, 64)
    assert NativeMatrix(find_exact(weight[::3].contiguous())).kind.name == "Q8_0"

"""EAGLE-3's network and its training-time test: names, the states that it reads, every step by the equations."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from offbook.baselines.decoding.eagle3.drafter import ARCHITECTURE, own_head, start, taps
from offbook.baselines.decoding.eagle3.network import Eagle3Network
from offbook.baselines.decoding.eagle3.objective import guesses, objective, unrolled
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_layer import DraftConfig
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.drafters.batch import DraftBatch
from tests.engine import eagle3_drafters
from tests.engine.targets import target

H, I, D, KV, VD = 16, 40, 4, 2, 23
CONFIG = DraftConfig(
    hidden_size=H,
    intermediate_size=I,
    num_attention_heads=4,
    num_key_value_heads=KV,
    head_dim=D,
    rms_norm_eps=1e-5,
    rope_theta=1e4,
    taps=(2, 15, 27),
    draft_vocab_size=VD,
)
IDS = torch.tensor([1, 3, 4, 7, 9, 12, 20, 30, 40, 41, 42, 49])
LENGTHS, PROMPTS = (9, 6), (3, 2)  # tokens of two sequences, and of their prompts


def test_parameters_are_named_and_counted_as_in_public_checkpoints() -> None:
    network = ARCHITECTURE.build(CONFIG)
    parts = {"input_layernorm", "hidden_norm", "post_attention_layernorm"}
    parts |= {f"self_attn.{p}_proj" for p in "qkvo"} | {f"mlp.{p}_proj" for p in ("gate", "up", "down")}
    names = {"fc", "norm", "lm_head"} | {f"midlayer.{part}" for part in parts}
    assert {name for name, _ in network.named_parameters()} == {f"{name}.weight" for name in names}
    assert set(network.state_dict()) == {f"{name}.weight" for name in names}
    heads = 4 * D
    count = 3 * H * H + 2 * H * heads + 4 * H * KV * D + H * heads + 3 * H * I + 4 * H + VD * H
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("normed", [False, True])
@torch.inference_mode()
def test_what_a_silent_layer_hands_on_is_the_feature_or_where_published_so_the_normed_one(normed: bool) -> None:
    network = ARCHITECTURE.build(replace(CONFIG, norm_before_residual=normed))
    assert isinstance(network, Eagle3Network)
    layer = network.midlayer
    torch.nn.init.normal_(layer.hidden_norm.weight)
    for silent in (layer.self_attn.o_proj, layer.mlp.down_proj):
        torch.nn.init.zeros_(silent.weight)
    features, causal = torch.randn(1, 3, H), torch.ones(1, 3, 3, dtype=torch.bool).tril()
    predicted, _ = network(torch.randn(1, 3, H), features, torch.arange(3)[None], causal)
    torch.testing.assert_close(predicted, layer.hidden_norm(features) if normed else features)


def test_taps_are_the_published_ones_and_never_the_last_state() -> None:
    assert taps(30) == (2, 15, 27)
    assert taps(32) == (2, 16, 29)
    for layers in range(1, 60):
        low, middle, high = taps(layers)
        assert 0 <= low <= middle <= high < layers
        if layers >= 5:
            assert (low, middle, high) == (2, layers // 2, layers - 3)


def test_the_head_begins_as_the_targets() -> None:
    network = ARCHITECTURE.build(eagle3_drafters.sizes(target(), len(IDS))).double()
    head = DraftHead(target().head_VH, IDS)
    start(network, head)
    states = torch.randn(3, head.weight_DH.shape[1], dtype=torch.float64)
    normed = functional.rms_norm(states, states.shape[-1:], eps=target().config.rms_norm_eps)
    torch.testing.assert_close(own_head(network, IDS).logits(states), head.logits(normed))


def network(which: tuple[int, ...] = eagle3_drafters.TAPS, seed: int = 0) -> Eagle3Network:
    return eagle3_drafters.network(target(), IDS, taps=which, seed=seed)


def batch(which: tuple[int, ...] = eagle3_drafters.TAPS) -> tuple[DraftBatch, torch.Tensor]:
    """Two sequences of random states, padded with what must not matter, and which tokens count."""
    generator = torch.Generator().manual_seed(1)
    width, longest = target().embedding_VH.shape[1], max(LENGTHS)
    tokens = torch.randint(50, (2, longest), generator=generator)
    counts = torch.zeros(2, longest, dtype=torch.bool)
    for row, (length, prompt) in enumerate(zip(LENGTHS, PROMPTS, strict=True)):
        counts[row, prompt:length] = torch.arange(prompt, length) % 3 > 0
    states = torch.randn(2, longest, len(which) * width, generator=generator, dtype=torch.float64)
    made = DraftBatch(
        tokens_BS=tokens,
        embeds_BTH=functional.embedding(tokens[:, 1:], target().embedding_VH.detach()),
        inputs_BTF=states[:, :-1],
        features_BSH=torch.randn(2, longest, width, generator=generator, dtype=torch.float64),
        following_BT=functional.pad(counts[:, 2:], (0, 1)),
        later_BT=functional.pad(counts[:, 3:], (0, 2)),
    )
    return made, counts


def chained(net: Eagle3Network, made: DraftBatch, row: int, prefix: int, steps: int) -> list[torch.Tensor]:
    """o of each step behind the pairs 0 .. prefix, by passes over a whole text: no cache, and the causal mask alone."""
    features = net.fuse(made.inputs_BTF[row : row + 1, : prefix + 1])
    found: list[torch.Tensor] = []
    for step in range(steps):
        rows = prefix + 1 + step
        predicted, _ = net(
            made.embeds_BTH[row : row + 1, :rows],
            features,
            torch.arange(rows)[None],
            torch.ones(1, rows, rows, dtype=torch.bool).tril(),
        )
        found.append(predicted[0, -1])
        features = torch.cat([features, predicted[:, -1:]], dim=1)
    return found


@pytest.mark.parametrize("which", [eagle3_drafters.TAPS, (1,)], ids=["three taps", "one tap, as wide as a prediction"])
def test_step_s_of_row_i_is_the_sth_pass_behind_prefix_i(which: tuple[int, ...]) -> None:
    net, (made, _) = network(which), batch(which)
    steps = list(unrolled(net, made, 4))
    rows = max(LENGTHS) - 1
    assert [o.shape[1] for o in steps] == [rows, rows - 1, rows - 2, rows - 3]
    for row in range(2):
        for prefix in range(rows):
            expected = chained(net, made, row, prefix, min(4, rows - prefix))
            for step, o in enumerate(expected):
                torch.testing.assert_close(steps[step][row, prefix], o, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("which", [eagle3_drafters.TAPS, (1,)], ids=["three taps", "one tap, as wide as a prediction"])
@pytest.mark.parametrize("seed", [0, 1])
def test_what_is_trained_is_what_is_drafted(which: tuple[int, ...], seed: int) -> None:
    """The drafter's own chain behind a prompt, and training on the text that it drafts."""
    backbone, depth, prompt = target("mistral"), 3, [5, 1, 9, 9, 2, 30, 7]
    net = eagle3_drafters.network(backbone, IDS, taps=which, seed=seed)
    tree = TreeConfig(total_tokens=depth + 2, depth=depth, top_k=1)
    drafter = FeatureDrafter(backbone, net, own_head(net, IDS), tree=tree, contrast=False)
    with torch.inference_mode():
        read = backbone.extend(torch.tensor(prompt), backbone.new_cache(20), taps=drafter.taps)
    drafter.begin(torch.tensor([prompt]), capacity=20)
    drafter.observe(torch.tensor([*prompt[1:], 11]), read.features(len(prompt)), len(prompt))
    drafted = drafter.propose()
    assert drafted.parents == (-1, 0, 1, 2, 3)
    text = torch.tensor([[*prompt, *drafted.tokens]])
    states = torch.zeros(1, text.shape[1] - 1, read.features(len(prompt)).shape[1], dtype=torch.float64)
    states[0, : len(prompt)] = read.features(len(prompt))  # of what is drafted there are none, and none is read
    some, _ = batch()
    made = replace(
        some, embeds_BTH=functional.embedding(text[:, 1:], backbone.embedding_VH.detach()), inputs_BTF=states
    )
    survival = 1.0
    for step, o in enumerate(unrolled(net, made, depth + 1)):
        law = net.logits(o[0, len(prompt) - 1]).softmax(dim=-1)
        assert int(IDS[law.argmax()]) == drafted.tokens[step + 1]
        survival *= float(law.max())
        assert drafted.survival is not None
        assert drafted.survival[step + 1] == pytest.approx(survival, rel=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 4, 20])  # the last is longer than any chain
def test_the_loss_is_that_of_the_equations_row_by_row(steps: int) -> None:
    net, head = network(), DraftHead(target().head_VH, IDS)
    made, counts = batch()
    rows = max(LENGTHS) - 1
    expected = 0.0
    for step in range(min(steps, rows)):
        losses = []
        for row in range(2):
            for i in range(rows):
                place = i + 2 + step
                if place < LENGTHS[row] and counts[row, place]:
                    o = chained(net, made, row, i, step + 1)[step]
                    p = (made.features_BSH[row, place - 1] @ head.weight_DH.T).softmax(dim=-1)
                    losses.append(float(-(p * net.logits(o).log_softmax(dim=-1)).sum()))
        expected += 0.8**step * sum(losses) / len(losses) if losses else 0.0
    assert float(objective(net, made, head, steps=steps)) == pytest.approx(expected, rel=1e-5)


def test_gradients_reach_through_all_steps_of_a_row_and_no_other_rows() -> None:
    net, (made, _) = network().requires_grad_(), batch()
    steps = list(unrolled(net, made, 3))
    for earlier in (0, 1):
        (slope,) = torch.autograd.grad(steps[2][0, 3].sum(), steps[earlier], retain_graph=True)
        assert slope[0, 3].abs().sum() > 0
        slope[0, 3] = 0.0
        assert not slope.any()


def test_a_batch_without_labels_has_no_loss_and_no_nan() -> None:
    made, _ = batch()
    net = network().requires_grad_()
    nothing = torch.zeros_like(made.following_BT)
    nothing_counts = replace(made, following_BT=nothing, later_BT=nothing)
    loss = objective(net, nothing_counts, DraftHead(target().head_VH, IDS), steps=3)
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in net.parameters())


def test_guesses_are_target_ids_of_the_first_step() -> None:
    net, (made, _) = network(), batch()
    found = guesses(net, made, DraftHead(target().head_VH, IDS), 3)
    assert found.shape == (2, max(LENGTHS) - 1, 3)
    for row in range(2):
        for i in (0, 4):
            best = net.logits(chained(net, made, row, i, 1)[0]).topk(3).indices
            assert found[row, i].tolist() == IDS[best].tolist()

"""Medusa's heads: what they are at the start, what they are trained on, and the tree that they grow."""

import math

import pytest
import torch
from torch.nn import functional

from offbook.baselines.decoding.medusa.architecture import ARCHITECTURE, architecture
from offbook.baselines.decoding.medusa.drafter import MedusaDrafter
from offbook.baselines.decoding.medusa.network import HEADS, RANKS, MedusaHeads
from offbook.baselines.decoding.medusa.objective import DECAY, objective, ranks
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.batch import DraftBatch
from offbook.engine.drafters.checkpoint import TargetName, draft_config, load_drafter
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.train import train_drafter
from tests.engine.targets import target

IDS = torch.tensor([1, 3, 4, 7, 9, 12, 20, 30, 40, 41, 42, 49])


def heads() -> MedusaHeads:
    torch.manual_seed(0)
    network = MedusaHeads(draft_config(target())).double()
    with torch.no_grad():
        for block in network.blocks:
            block.weight.copy_(torch.randn_like(block.weight) * 0.2)
    return network.requires_grad_(requires_grad=False)


def batch() -> tuple[DraftBatch, torch.Tensor]:
    """Two sequences, of which some tokens count."""
    generator = torch.Generator().manual_seed(1)
    width = target().head_VH.shape[1]
    tokens = IDS[torch.randint(len(IDS), (2, 9), generator=generator)]
    counts = torch.zeros(2, 9, dtype=torch.bool)
    counts[0, 4:9], counts[1, 3:8] = True, True
    features = torch.randn(2, 9, width, generator=generator, dtype=torch.float64)
    made = DraftBatch(
        tokens_BS=tokens,
        embeds_BTH=torch.zeros(2, 8, width),
        inputs_BTF=features[:, :-1],
        features_BSH=features,
        following_BT=functional.pad(counts[:, 2:], (0, 1)),
        later_BT=functional.pad(counts[:, 3:], (0, 2)),
    )
    return made, counts


def draft_head(ids: torch.Tensor = IDS) -> DraftHead:
    return DraftHead(target().head_VH, ids)


def test_at_the_start_all_heads_say_what_the_targets_head_says_but_for_a_bias():
    network = MedusaHeads(draft_config(target()))
    features = torch.randn(3, target().head_VH.shape[1])
    states = network(features)
    for i, block in enumerate(network.blocks):
        torch.testing.assert_close(states[i], features + functional.silu(block.bias).expand_as(features))


def test_a_head_learns_the_token_so_many_places_ahead():
    made, counts = batch()
    network, head, expected = heads(), draft_head(), 0.0
    for i in range(HEADS):
        losses = []
        for row in range(2):
            for j in range(9):
                place = j + 2 + i
                if place < 9 and counts[row, place]:
                    logits = network(made.features_BSH[row, j][None])[i, 0] @ head.weight_DH.T
                    wanted = (made.tokens_BS[row, place] == IDS).nonzero()[0, 0]
                    losses.append(float(-logits.log_softmax(dim=-1)[wanted]))
        expected += DECAY**i * sum(losses) / len(losses)
    assert float(objective(network, made, head)) == pytest.approx(expected, rel=1e-5)


def test_a_batch_without_labels_has_no_loss_and_no_nan():
    made, _ = batch()
    none = torch.zeros_like(made.following_BT)
    network = MedusaHeads(draft_config(target())).double()
    loss = objective(network, DraftBatch(**{**vars(made), "following_BT": none, "later_BT": none}), draft_head())
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert all(parameter.grad is None or not parameter.grad.any() for parameter in network.parameters())


def test_ranks_are_counted_at_the_same_places():
    made, counts = batch()
    hits, of = ranks(heads(), made, draft_head())
    assert of.tolist() == [int(counts[:, 2 + i :].sum()) for i in range(HEADS)]
    assert hits.shape == (HEADS, RANKS)
    assert bool((hits.sum(dim=1) <= of).all())
    assert int(hits.sum()) > 0
    whole = draft_head(IDS[:RANKS])  # whatever it guesses is among its guesses
    inside = torch.isin(made.tokens_BS, IDS[:RANKS])
    hits, _ = ranks(heads(), made, whole)
    assert hits.sum(dim=1).tolist() == [int((counts & inside)[:, 2 + i :].sum()) for i in range(HEADS)]


def proposed(accuracy, nodes: int):
    drafter = MedusaDrafter(target(), heads(), draft_head(), accuracy_IR=accuracy, nodes=nodes)
    drafter.begin(torch.tensor([[1, 2]]), capacity=20)
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(3, target().head_VH.shape[1], generator=generator, dtype=torch.float64)
    drafter.observe(torch.tensor([2, 5, 8]), features, 2)  # what lies behind the second row means nothing
    return drafter, drafter.propose(), features[1]


def test_the_tree_is_grown_by_the_largest_product_of_accuracies():
    accuracy = [[0.6, 0.2, 0.1], [0.4, 0.3, 0.0], [0.3, 0.1, 0.0], [0.0, 0.0, 0.0]]
    drafter, tree, feature = proposed(accuracy, 7)
    a, b, c, _ = (draft_head().top(states, 3)[1][0].tolist() for states in drafter.network(feature[None]))
    paths = set()
    for node in range(1, len(tree)):
        path, at = [], node
        while at:
            path.insert(0, tree.tokens[at])
            at = tree.parents[at]
        paths.add(tuple(path))
    # products: .6, .24, .2, .18, .1, .08, .072
    assert paths == {(a[0],), (a[0], b[0]), (a[1],), (a[0], b[1]), (a[2],), (a[1], b[0]), (a[0], b[0], c[0])}
    assert tree.tokens[0] == 5
    assert tree.survival[1] == pytest.approx(0.6)
    assert max(tree.depths) == 3


def test_without_measured_accuracies_the_heads_probabilities_decide():
    drafter, tree, feature = proposed(None, 5)
    logprobs, ids = draft_head().top(drafter.network(feature[None])[0], 1)
    assert tree.tokens[1] == int(ids)
    assert tree.survival[1] == pytest.approx(math.exp(float(logprobs)))
    assert len(tree) == drafter.max_nodes == 6


def own_heads(count: int, rows: int) -> MedusaHeads:
    torch.manual_seed(2)
    network = MedusaHeads(draft_config(target()), count, rows).double().requires_grad_(requires_grad=False)
    for parameter in network.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.3)
    return network


def test_each_language_model_head_of_its_own_guesses_for_its_position():
    network = own_heads(3, len(IDS))
    drafter = MedusaDrafter(target(), network, draft_head(), accuracy_IR=None, nodes=60)
    feature_1H = torch.randn(1, target().head_VH.shape[1], dtype=torch.float64)
    drafter.begin(torch.tensor([[1, 2]]), capacity=20)
    drafter.observe(torch.tensor([5]), feature_1H, 1)
    tree = drafter.propose()
    laws = [
        (state @ weight.T).softmax(dim=-1)[0] for state, weight in zip(network(feature_1H), network.heads, strict=True)
    ]
    assert max(tree.depths) == 3
    for node in range(1, len(tree)):
        above = tree.survival[tree.parents[node]]
        own = float(laws[tree.depths[node] - 1][IDS.tolist().index(tree.tokens[node])])
        assert tree.survival[node] == pytest.approx(above * own, rel=1e-5)
    best = [int(IDS[law.argmax()]) for law in laws]
    assert tree.tokens[1] == best[0]


@pytest.mark.parametrize("rows", [len(IDS) - 1, 50])
def test_own_heads_of_another_vocabulary_are_refused(rows):
    with pytest.raises(ValueError, match="expected heads of"):
        MedusaDrafter(target(), own_heads(2, rows), draft_head(), accuracy_IR=None, nodes=5)


@pytest.mark.parametrize(("count", "rows"), [(1, 0), (HEADS, 0), (5, 12)])
def test_a_checkpoint_says_how_many_heads_there_are(count, rows):
    held = own_heads(count, rows).state_dict()
    made = ARCHITECTURE.network(draft_config(target()), held)
    assert {name: tensor.shape for name, tensor in made.state_dict().items()} == {n: t.shape for n, t in held.items()}


def test_a_checkpoint_without_heads_is_not_taken_for_none():
    with pytest.raises(RuntimeError, match=r"blocks\.0\.weight"):
        ARCHITECTURE.network(draft_config(target()), {}).load_state_dict({})


def with_own_heads(count: int = 2) -> MedusaHeads:
    made = architecture(heads=count, own_heads=True, variant={"heads": count, "own_heads": True})
    network = made.build(draft_config(target())).double()
    assert made.start is not None
    made.start(network, draft_head())
    return network


def test_own_heads_begin_as_the_targets_and_are_no_views_of_it():
    network = with_own_heads()
    assert len(network.heads) == len(network.blocks) == 2
    for head in network.heads:
        assert torch.equal(head, draft_head().weight_DH.to(head.dtype))
        assert head.data_ptr() != target().head_VH.data_ptr()
    assert len(architecture().build(draft_config(target())).heads) == 0


def test_each_own_head_is_what_its_loss_moves():
    made, _ = batch()
    network = with_own_heads()
    with torch.no_grad():
        network.heads[1].mul_(0.5)
    tied = MedusaHeads(draft_config(target()), 2).double()
    losses = [objective(one, made, draft_head()).item() for one in (network, tied)]
    assert losses[0] != pytest.approx(losses[1])
    objective(network, made, draft_head()).backward()
    assert all(head.grad is not None and head.grad.abs().max() > 0 for head in network.heads)
    assert target().model.get_output_embeddings().weight.grad is None


def test_own_heads_are_ranked_by_their_own_guesses():
    made, _ = batch()
    network = with_own_heads()
    alike, _ = ranks(network, made, draft_head())
    with torch.no_grad():
        network.heads[0].neg_()
    turned, counts = ranks(network, made, draft_head())
    assert alike.shape == turned.shape == (2, RANKS)
    assert torch.equal(alike[1], turned[1])
    assert not torch.equal(alike[0], turned[0])
    assert len(counts) == 2


def test_heads_that_were_trained_with_heads_of_their_own_are_read_back(tmp_path):
    made = architecture(own_heads=True, variant={"own_heads": True})
    answers = [
        Answer(id=str(n), prompt_tokens=(1, 2 + n), answer_tokens=tuple((3 + n * i) % 50 for i in range(8)))
        for n in range(6)
    ]
    config = TrainingConfig(epochs=1, batch_size=2, draft_vocab_size=20, max_length=32)
    name = TargetName(name="tiny", weights_sha256="0" * 64)
    folder = train_drafter(target(), made, answers, config, tmp_path / "medusa", target=name)
    loaded = load_drafter(folder, target(), {"medusa": made})
    assert loaded.config["variant"] == {"own_heads": True}
    assert [tuple(head.shape) for head in loaded.network.heads] == [(20, target().head_VH.shape[1])] * HEADS
    drafter = MedusaDrafter(target(), loaded.network, loaded.head, accuracy_IR=None, nodes=5)
    drafter.begin(torch.tensor([[1, 2]]), capacity=20)
    drafter.observe(torch.tensor([5]), torch.randn(1, target().head_VH.shape[1], dtype=torch.float64), 1)
    assert set(drafter.propose().tokens[1:]) <= set(loaded.head.token_ids.tolist())

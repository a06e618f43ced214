"""Training on a draft layer's own features (HASS): what a pass sees is what a drafted chain sees."""

import pytest
import torch

from offbook.baselines.decoding.eagle2 import architecture
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.drafters.batch import DraftBatch
from offbook.engine.drafters.feature_objective import _predicted, visible_in_pass
from offbook.engine.drafters.loss import branch_loss, likeliest_loss
from offbook.methods.jakiro import drafter as jakiro
from tests.engine.targets import network, target

T = 7


@pytest.fixture(params=["eagle2", "jakiro"])
def name(request):
    return request.param


def batch(seed=0):
    """One sequence of T + 1 tokens whose rows all count, without noise, fp64."""
    backbone = target()
    hidden = backbone.embedding_VH.shape[1]
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(backbone.embedding_VH.shape[0], (1, T + 1), generator=generator)
    features = torch.randn(1, T + 1, hidden, generator=generator, dtype=torch.float64)
    counts = torch.ones(1, T, dtype=torch.bool)
    return DraftBatch(
        tokens_BS=tokens,
        embeds_BTH=torch.nn.functional.embedding(tokens[:, 1:], backbone.embedding_VH).detach(),
        inputs_BTF=features[:, :-1],
        features_BSH=features,
        following_BT=counts,
        later_BT=counts & (torch.arange(T) < T - 1),
    )


def test_a_pass_sees_its_own_row_one_row_of_each_pass_before_and_the_targets_features_behind():
    assert visible_in_pass(1, 3).tolist() == torch.ones(3, 3, dtype=torch.bool).tril().tolist()
    own = visible_in_pass(3, 4).view(4, 3, 4)  # row, pass, column
    seen = {(p + 1, c) for p, c in own[3].nonzero().tolist()}
    assert seen == {(3, 3), (2, 2), (1, 1), (1, 0)}


@torch.inference_mode()
def test_pass_j_at_row_i_is_the_jth_token_of_a_chain_drafted_behind_row_i_less_j_plus_one(name):
    net, held = network(name, target()), batch()
    passes = [following for following, _ in _predicted(net, held, contrast=False, passes=4)]
    for start in range(T):  # the last row with a feature of the target
        cache = TreeCache(num_layers=1, capacity=T)
        visible = torch.ones(1, start + 1, start + 1, dtype=torch.bool).tril()
        rows, positions = slice(0, start + 1), torch.arange(start + 1)[None]
        found, _ = net(held.embeds_BTH[:, rows], held.inputs_BTF[:, rows], positions, visible, cache=cache)
        cache.commit(start + 1)
        for number, row in enumerate(range(start, min(T, start + 4)), start=1):
            torch.testing.assert_close(passes[number - 1][0, row], found[0, -1])
            if row + 1 < T:
                visible = torch.ones(1, 1, row + 2, dtype=torch.bool)
                place = torch.tensor([[row + 1]])
                found, _ = net(held.embeds_BTH[:, row + 1 : row + 2], found[:, -1:], place, visible, cache=cache)
                cache.commit(1)


def test_the_losses_of_all_passes_are_added_and_no_gradient_runs_through_an_input(name):
    made = {"eagle2": architecture, "jakiro": jakiro.architecture}[name]
    backbone, held = target(), batch()
    net = network(name, backbone).requires_grad_()
    head = DraftHead(backbone.head_VH.detach(), torch.arange(40))
    once, twice = (made(passes=passes).objective(net, held, head) for passes in (1, 2))
    (first, second) = list(_predicted(net, held, contrast=made().contrast, passes=2))
    assert torch.equal(made().objective(net, held, head), once)
    following = branch_loss(second[0][held.following_BT], held.features_BSH[:, 1:][held.following_BT], head.weight_DH)
    later = 0.0
    if second[1] is not None:
        wanted = held.features_BSH[:, 2:][held.later_BT[:, :-1]]
        found = branch_loss(second[1][held.later_BT], wanted, head.weight_DH)
        later = 0.5 * found.regression + 0.1 * 0.5 * found.classification
    added = following.regression + 0.1 * following.classification + later
    torch.testing.assert_close(twice, once + added)
    (seen,) = torch.autograd.grad(second[0].sum(), [first[0]], allow_unused=True)
    assert seen is None


def test_the_loss_of_the_likeliest_is_the_cross_entropy_over_the_targets_ten():
    generator = torch.Generator().manual_seed(1)
    head, feature, predicted = (torch.randn(n, 4, generator=generator) for n in (30, 2, 2))
    p, log_q = (feature @ head.T).softmax(-1), (predicted @ head.T).log_softmax(-1)
    expected = 0.0
    for row in range(2):
        for token in sorted(range(30), key=lambda t: -float(p[row, t]))[:10]:
            expected -= float(p[row, token] * log_q[row, token]) / 2
    assert float(likeliest_loss(predicted, feature, head)) == pytest.approx(expected, rel=1e-5)
    assert float(likeliest_loss(predicted[:0], feature[:0], head)) == 0.0


def test_the_likeliest_count_by_their_weight():
    backbone, held = target(), batch()
    net, head = network("eagle2", backbone), DraftHead(backbone.head_VH.detach(), torch.arange(40))
    plain, more = (architecture(likeliest=weight).objective(net, held, head) for weight in (0.0, 2.0))
    ((following, _),) = _predicted(net, held, contrast=False, passes=1)
    added = likeliest_loss(following[held.following_BT], held.features_BSH[:, 1:][held.following_BT], head.weight_DH)
    torch.testing.assert_close(more, plain + 2.0 * added)

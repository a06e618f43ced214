"""The cost-aware controller: how much is verified, when drafting is suspended, and that the output stays what it is."""

import functools
import random

import pytest
import torch

from offbook.engine.decoding.calibration import Calibration, Tally
from offbook.engine.decoding.cost_aware import FIRST_WAIT, LONGEST_WAIT, SIZES, WORTH, CostAware, best_size
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.feature_draft import TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree, TreeTensors
from offbook.engine.decoding.verify import verifier_for
from tests.engine.decoding.test_verify_sampling import exact_joint, played, smallest_p
from tests.engine.decoding.tuned import BETWEEN, DEAR, FREE, costs, tuned
from tests.engine.targets import feature_drafter, greedy_reference, target
from tests.engine.tiny_drafters import Never, Oracle, RandomTrees, Scripted

CAP = 24
ALPHA = 1e-6
WIDE = TreeConfig(total_tokens=12, depth=2, top_k=4)


@functools.cache
def reference(prompt, *, damped=False, cap=CAP):
    """The greedy answer, and a little more for drafters that know it."""
    return greedy_reference(target(damped=damped), list(prompt), cap + 5)


def generate(backbone, drafter, controller, prompt, cap=CAP, temperature=0.0):
    decoder = SpeculativeDecoder(backbone, drafter, controller=controller)
    return decoder.generate(
        torch.tensor([prompt]),
        sampling=Sampling(temperature=temperature),
        limits=Limits(max_new_tokens=cap),
        generator=torch.Generator().manual_seed(0),
    )


# --- how many ---


@pytest.mark.parametrize(
    ("table", "survival", "count"),
    [
        (FREE, [0.1] * 40, 31),  # rows that cost nothing: as many as there are
        (FREE, [0.1] * 10, 10),  # a CPU runs exactly the rows there are
        (DEAR, [0.9] * 40, 0),  # a row costs a step: nothing but certainty would pay
        (costs(1.0, 1.1, 5.0, 9.0, 17.0, 33.0), [0.3, 0.3], 1),
        (costs(1.0, 1.1, 1.2, 9.0, 17.0, 33.0), [0.5, 0.4, 0.3, 0.3, 0.3], 3),
        (costs(1.0, 1.1, 1.2, 9.0, 17.0, 33.0), [0.05, 0.04, 0.03], 0),
        (costs(1.0, 1.0, 1.1, 1.2, 1.2, 9.0), [0.5] * 15, 15),
        (FREE, [], 0),
        (FREE, [0.0, 0.0], 0),  # of those equally good the fewest
    ],
)
def test_the_number_of_nodes_with_the_best_expected_rate_is_chosen(table, survival, count):
    assert best_size(tuned(table), survival, context=4) == count


def test_no_other_size_has_a_better_rate():
    rng = random.Random(0)
    for _ in range(200):
        survival = sorted((rng.random() for _ in range(rng.randrange(40))), reverse=True)
        seconds = sorted(rng.uniform(1, 6) for _ in range(6))
        tuning = tuned(costs(*seconds), draft_s=rng.random())
        rates = {n: (1 + sum(survival[:n])) / (tuning.costs.of(1 + n, 4) + tuning.draft_s)
                 for n in (min(size, len(survival)) for size in SIZES)}  # fmt: skip
        rates[0] *= WORTH
        assert rates[best_size(tuning, survival, 4)] == max(rates.values())


def test_a_gain_within_what_costs_move_by_is_left_alone():
    table = costs(1.0, 1.4, 2.6, 4.0, 9.0, 18.0)
    assert [best_size(tuned(table, draft_s=0.0), [chance], 4) for chance in (0.5, 0.58)] == [0, 1]
    assert 1.5 / 1.4 < WORTH < 1.58 / 1.4


def test_a_dear_draft_asks_for_more_nodes():
    table = costs(1.0, 1.4, 2.6, 4.0, 9.0, 18.0)
    sizes = [best_size(tuned(table, draft_s=draft_s), [0.6, 0.5, 0.4], 4) for draft_s in (0.0, 2.0)]
    assert sizes == [1, 3]


def test_the_likeliest_nodes_stay_connected():
    """The second branch is the likelier one."""
    tree = Tree((9, 1, 2, 3, 4, 5), (-1, 0, 0, 1, 2, 4), (1.0, 0.2, 0.7, 0.2, 0.6, 0.6))
    cut = CostAware(tuned(costs(1.0, 1.1, 1.2, 9.0, 17.0, 33.0), draft_s=0.0)).cut(tree, context=4)
    assert (cut.tokens, cut.parents) == ((9, 2, 4, 5), (-1, 0, 1, 2))


def test_the_context_decides_too():
    """Rows are free behind few committed rows and dear behind many."""
    table = costs(1.0, 1.0, 1.0, 1.0, 1.0, 1.0, contexts=(10, 1000))
    table = type(table)(contexts=table.contexts, rows=table.rows, seconds=(table.seconds[0], DEAR.seconds[0]))
    sizes = [best_size(tuned(table), [0.5] * 3, context) for context in (10, 1000)]
    assert sizes == [3, 0]


# --- what stays as it is ---


@pytest.mark.parametrize("table", [FREE, BETWEEN, DEAR], ids=["free", "between", "dear"])
@pytest.mark.parametrize("name", ["random trees", "oracle", "never", "eagle2"])
def test_greedy_output_is_that_of_generate(name, table):
    backbone, prompt = target(damped=name == "eagle2"), [3, 5, 9, 5]
    answer = reference(tuple(prompt), damped=name == "eagle2")
    drafter = {
        "random trees": lambda: RandomTrees(answer, vocabulary=50, max_nodes=20, hit=0.7, seed=1),
        "oracle": lambda: Oracle(answer, depth=4, decoys=2),
        "never": lambda: Never(answer, depth=4, vocabulary=50),
        "eagle2": lambda: feature_drafter("eagle2", backbone, WIDE, echo=True),
    }[name]()
    generation = generate(backbone, drafter, CostAware(tuned(table)), prompt)
    assert list(generation.tokens) == answer[:CAP]


class Sizes(CostAware):
    """Remembers how much it verified."""

    def cut(self, tree, context):
        cut = super().cut(tree, context)
        self.sizes = {*getattr(self, "sizes", ()), len(cut)}
        return cut


def test_the_sampled_law_is_the_targets():
    """Candidates are cut by what the game has shown so far, and left out where they did not pay."""
    sampling = Sampling(temperature=1.0)
    controller = Sizes(tuned(costs(1.0, 1.4, 1.88, 4.0, 8.0, 16.0), draft_s=0.05, saved_s=0.1))
    counts = played(verifier_for(sampling), 600, controller=controller)
    assert smallest_p(counts, exact_joint(sampling)) > ALPHA
    assert {2, 4} <= controller.sizes


def test_a_document_leaves_nothing_behind():
    backbone, prompts = target(damped=True), ([3, 5, 9, 5], [11, 2], [3, 5, 9, 5])
    drafter = feature_drafter("eagle2", backbone, WIDE, echo=True)
    controller = CostAware(tuned(FREE))
    first, other, again = (generate(backbone, drafter, controller, prompt) for prompt in prompts)
    assert first.rounds == again.rounds
    assert first.predicted == again.predicted
    assert first.rounds != other.rounds
    assert len({r.drafted for r in first.rounds}) > 1


# --- suspending ---


class Asked(Scripted):
    """Wrong up to a certain token, right behind it; remembers in front of which tokens it was asked."""

    def __init__(self, answer, *, right_from=1000, depth=3):
        super().__init__(1 + depth)
        self.answer, self.right_from, self.depth = answer, right_from, depth
        self.asked: list[int] = []

    def propose(self):
        self.asked.append(self.done)
        true = self.answer[self.done : self.done + self.depth]
        wrong = 0 if self.done >= self.right_from else 1
        return Tree.chain([self.text[-1], *((t + wrong) % 50 for t in true)])


def test_drafting_is_suspended_where_it_does_not_pay_and_tried_again_after_ever_more_rounds():
    backbone, cap = target(), 100
    drafter = Asked(reference((3, 5), cap=cap))
    generate(backbone, drafter, CostAware(tuned(BETWEEN, draft_s=0.5, saved_s=0.5)), [3, 5], cap=cap)
    gaps = [after - before for before, after in zip(drafter.asked, drafter.asked[1:], strict=False)]
    begun = gaps.index(1 + FIRST_WAIT)
    assert set(gaps[:begun]) == {1}
    assert 1 <= begun < 15
    assert gaps[begun : begun + 3] == [1 + FIRST_WAIT * 2**n for n in range(3)]


def test_the_wait_has_a_bound():
    controller = CostAware(tuned(BETWEEN, draft_s=0.5, saved_s=-1.0))
    waits, silent = [], 0
    for _ in range(1000):
        if controller.drafts(context=4):
            waits.append(silent)
            silent = 0
            cut = controller.cut(Tree.chain([1, 2]), context=4)
            controller.learn(cut, (0,), bonus=3)
        else:
            silent += 1
            controller.learn(Tree((1,), (-1,)), (0,), bonus=3)
    assert waits[:5] == [8, 16, 32, 64, 64]
    assert set(waits[5:]) == {LONGEST_WAIT}


def test_drafting_resumes_where_it_pays_again_with_all_rows_seen():
    backbone, cap = target(), 100
    answer = reference((3, 5), cap=cap)
    drafter = Asked(answer, right_from=40)
    generation = generate(backbone, drafter, CostAware(tuned(BETWEEN, draft_s=0.5, saved_s=0.2)), [3, 5], cap=cap)
    assert list(generation.tokens) == answer[:cap]
    late = [r for r in generation.rounds if r.accepted == 3]
    assert len(late) > 5
    assert drafter.text == [3, 5, *answer[: len(drafter.text) - 2]]
    assert max(len(tokens) for tokens, _ in drafter.told[1:]) > FIRST_WAIT  # handed over in one piece


def test_a_free_draft_that_proposes_nothing_is_not_suspended():
    backbone = target()
    drafter = Asked(reference((3, 5)), depth=0)
    generate(backbone, drafter, CostAware(tuned(BETWEEN, draft_s=0.0)), [3, 5])
    assert drafter.asked == [*range(1, CAP - 1)]  # nothing is asked for the last token


def test_a_cut_that_verifies_nothing_still_learns_what_would_have_held():
    """So that a drafter which turns right is believed again."""
    controller = CostAware(tuned(costs(1.0, 1.6, 2.4, 4.0, 8.0, 16.0), draft_s=0.0))
    tree = Tree.chain([1, 2])
    sizes = []
    for _ in range(12):
        cut = controller.cut(tree, context=4)
        sizes.append(len(cut))
        controller.learn(cut, tuple(range(len(cut))), bonus=2 if len(cut) == 1 else 7)
    assert sizes[0] == 1
    assert sizes[-1] == 2


# --- what it says, and what it refuses ---


def test_what_is_predicted_is_kept_by_depth_and_comes_to_what_is_observed():
    """On a scripted drafter that is right on its first candidate with probability 0.7 and 0.5 behind it."""
    rng = random.Random(0)
    tally, calibrated, held = Tally(), [], []
    for _ in range(4000):
        first = rng.random() < 0.7
        tally.add(Tree.chain([0, 1, 2]), [1, 2 if rng.random() < 0.5 else 9, 0] if first else [9])
    calibration = Calibration.of(tally)
    controller = CostAware(type(tuned())(costs=FREE, draft_s=0.0, calibration=calibration, saved_s=1.0))
    for _ in range(400):
        cut = controller.cut(Tree.chain([0, 1, 2]), context=4)
        calibrated.append(cut.survival[1:])
        depth = (1 + (rng.random() < 0.5)) if rng.random() < 0.7 else 0
        held.append((depth >= 1, depth >= 2))
        controller.learn(cut, tuple(range(depth + 1)), bonus=9)
    for k, truth in enumerate((0.7, 0.35)):
        assert sum(c[k] for c in calibrated) / 400 == pytest.approx(truth, abs=0.07)
        assert sum(h[k] for h in held) / 400 == pytest.approx(truth, abs=0.07)


def test_a_generation_keeps_what_was_predicted_of_every_depth():
    backbone = target()
    answer = reference((3, 5))
    generation = generate(backbone, Oracle(answer, depth=2, decoys=1), CostAware(tuned(FREE)), [3, 5])
    assert len(generation.predicted) == len(generation.rounds)
    first = generation.predicted[0]
    assert first == pytest.approx((0.75, 0.25 * 0.75))  # ranks guess 1/2 and 1/4; the second candidate has the children
    assert all(len(p) <= 2 for p in generation.predicted)


def test_without_estimates_and_controller_nothing_is_predicted():
    backbone = target()
    answer = reference((3, 5))
    assert generate(backbone, Oracle(answer, depth=2), None, [3, 5]).predicted == ()


class Drawn(Scripted):
    """Says that its candidates were drawn."""

    draws = True

    def draw_with(self, sampling, generator):
        """Its laws and numbers are its own."""

    def propose(self):
        tree = Tree.chain([self.text[-1], 1])
        rows = tree.tensors()
        return TreeTensors(**{**vars(rows), "drawn_from_NV": torch.full((2, 50), 0.02)})


def test_drawn_candidates_are_refused_under_a_controller_that_looks_at_them():
    with pytest.raises(ValueError, match=r"Drawn\.propose: expected candidates that are a function of the text"):
        generate(target(), Drawn(2), CostAware(tuned()), [3, 5])
    assert len(generate(target(), Drawn(2), None, [3, 5]).tokens) == CAP


def test_laws_of_a_drafter_that_does_not_say_that_it_draws_are_refused():
    drafter = Drawn(2)
    drafter.draws = False
    with pytest.raises(ValueError, match="expected no laws of drawn candidates"):
        generate(target(), drafter, None, [3, 5])

"""Benchmarks of speed with tiny models: their tables are whole, their predictions right where the costs are known."""

import pandas as pd
import pytest
import torch

from offbook.engine.decoding.costs import RowCosts
from offbook.engine.decoding.replay import Proposal
from offbook.engine.decoding.tree import Tree
from offbook.harness.artifacts.tune import development_tokens
from offbook.harness.roster.arms import build_arm
from offbook.harness.roster.decoders import BASELINE, contender
from offbook.harness.roster.target import load_target
from offbook.harness.trials import contexts_benchmark, random_shapes, speed_plots, tree_size_benchmark
from offbook.harness.trials.tree_size_benchmark import Side
from tests.tiny import tiny_model

SMALL = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
COSTS = RowCosts(contexts=(8,), rows=(1, 2), seconds=((0.5, 1.0),))


@pytest.fixture(scope="module")
def target(tiny_folder):
    return load_target(tiny_folder, device="cpu", layout="transformers")


def test_plain_steps_are_timed_behind_every_context_in_every_layout():
    lines = contexts_benchmark.measure(tiny_model(), ["transformers", "prepacked"], [16, 4, 10**9], 3)
    assert [(line["layout"], line["context"]) for line in lines] == [
        (layout, context) for layout in ("transformers", "prepacked") for context in ("4", "16")
    ]
    assert all(float(line["ms_min"]) <= float(line["ms_median"]) for line in lines)


def test_contexts_that_no_model_has_are_refused():
    with pytest.raises(ValueError, match=r"expected contexts below 512, the model's, got \[600\]; choose shorter ones"):
        contexts_benchmark.measure(tiny_model(), ["transformers"], [600], 1)


def test_a_step_sees_as_many_committed_rows_as_its_line_says(monkeypatch):
    seen = []
    model = tiny_model()
    backbone = contexts_benchmark.Backbone(model)
    steps = contexts_benchmark.Steps(backbone.plain, backbone, 20)
    real = backbone.plain.step
    monkeypatch.setattr(
        steps,
        "layout",
        type("Watched", (), {"step": lambda self, *a, **k: (seen.append(a[3].length), real(*a, **k))[1]})(),
    )
    for context in (4, 20, 8):
        steps.measure(context)
    assert seen == [4, 20, 8]


def test_a_random_model_is_the_same_every_time_and_rounded_where_its_name_says_so():
    shape = {**random_shapes.SHAPES["qwen2.5-0.5b-shape"], **SMALL, "vocab_size": 64}
    first, again, rounded = (random_shapes.random_qwen2(shape, rounded=r) for r in (False, False, True))
    weights, same, fitted = (m.model.layers[0].mlp.up_proj.weight for m in (first, again, rounded))
    assert torch.equal(weights, same)
    assert not torch.equal(weights, weights.bfloat16().float())
    assert torch.equal(fitted, weights.bfloat16().float())
    assert fitted.dtype == torch.float32
    assert first.lm_head.weight is first.model.embed_tokens.weight


def test_trees_of_each_size_are_measured_and_predicted_beside_plain_decoding(target):
    found = tree_size_benchmark.sides(target, "suffix", [1, 3], option="nodes", fixed={"least": 0.0}, drafter=None)
    lines = tree_size_benchmark.measure(target, found, development_tokens(target, 2), 6)
    assert [line["size"] for line in lines] == [0, 1, 3]
    assert lines[0]["acceptance_length"] == lines[0]["measured_speedup"] == lines[0]["predicted_speedup"] == 1.0
    assert all(line["rows"] <= 1 + line["size"] for line in lines)
    answers = [[one.tokens for one in side.generations] for side in found]
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.slow
def test_trees_are_measured_on_a_random_model_which_is_labelled(tmp_path, monkeypatch):
    shape = {**random_shapes.SHAPES["qwen2.5-0.5b-shape"], **SMALL, "vocab_size": 64}
    monkeypatch.setattr(random_shapes, "SHAPES", {"qwen2.5-0.5b-shape": shape})
    path = tmp_path / "trees.csv"
    asked = ("--model", "qwen2.5-0.5b-shape", "--decoder", "token_recycling", "--layouts", "transformers")
    monkeypatch.setattr("sys.argv", ["trees", str(path), *asked, "--sizes", "2", "--prompts", "2", "--tokens", "5"])
    tree_size_benchmark.main()
    lines = pd.read_csv(path)
    assert lines["size"].tolist() == [0, 2]
    assert set(lines["weights"]) == {"random"}
    (panel,) = speed_plots.tree_panels(lines)
    assert panel == "qwen2.5-0.5b-shape\nrandom weights, speed only\ntoken_recycling, transformers"


def test_random_prompts_are_the_same_every_time():
    first, again = (random_shapes.random_prompts(2, 64) for _ in range(2))
    assert first == again
    assert first[0] != first[1]
    assert [len(prompt) for prompt in first] == [random_shapes.PROMPT] * 2


def test_a_prediction_is_replayed_tokens_over_the_costs_of_rows_and_drafts(target):
    side = Side(1, build_arm(target, contender(BASELINE)))
    pair, root = Tree((1, 2), (-1, 0)), Tree((1,), (-1,))
    side.rounds = [[Proposal(pair, (2, 3), 8, 9.0), Proposal(root, (4,), 10, 0.25)]]
    assert side.predicted(COSTS) == pytest.approx(3 / (1.0 + 0.5 + 2 * 0.25)), "the first draft also reads the prompt"
    side.size = tree_size_benchmark.PLAIN
    assert side.predicted(COSTS) == pytest.approx(3 / 1.5)


TREES = pd.DataFrame(
    {
        "model": "m",
        "decoder": "d",
        "layout": "prepacked",
        "size": [0, 3, 1],
        "measured_tokens_per_s": [10.0, 12.0, 11.0],
        "predicted_tokens_per_s": [10.0, 14.0, 12.0],
    }
)
CONTEXTS = pd.DataFrame(
    {
        "model": ["m", "m", "q"],
        "weights": ["its own", "its own", "random"],
        "layout": "packed",
        "context": [256, 128, 128],
        "tokens_per_s": [4.0, 5.0, 2.0],
    }
)


def test_the_predicted_curve_stands_beside_the_measured_one():
    assert speed_plots.tree_panels(TREES) == {
        "m\nd, prepacked": {
            "measured": ([1, 3], [11.0, 12.0]),
            "predicted": ([1, 3], [12.0, 14.0]),
            "plain decoding": ([1, 3], [10.0, 10.0]),
        }
    }


def test_random_weights_are_labelled_as_such():
    assert speed_plots.context_panels(CONTEXTS) == {
        "m": {"packed": ([128, 256], [5.0, 4.0])},
        "q\nrandom weights, speed only": {"packed": ([128], [2.0])},
    }


def test_a_picture_is_written_beside_its_table(tmp_path):
    pytest.importorskip("matplotlib")
    for name, table in (("trees", TREES), ("contexts", CONTEXTS)):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    speed_plots.main([str(tmp_path / "trees.csv"), str(tmp_path / "contexts.csv")])
    assert all((tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG") for name in ("trees", "contexts"))


def test_a_table_of_something_else_is_refused(tmp_path, capsys):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit):
        speed_plots.main([str(tmp_path / "x.csv")])
    assert "expected a table of tree_size_benchmark or contexts_benchmark, got columns a, b" in capsys.readouterr().err

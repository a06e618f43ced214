"""Whether layouts say the same is told from their answers and logits."""

import pandas as pd
import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.harness.trials import identity_benchmark
from tests.tiny import save_tiny, tiny_model

PROMPTS = [[5, 9, 3], [7, 1, 8, 2]]


def test_a_layout_that_says_the_same_is_identical_everywhere():
    (line,) = identity_benchmark.compare(tiny_model(), ["prepacked"], PROMPTS, 6)
    assert (line["layout"], line["identical"], line["tied"], line["parted"]) == ("prepacked", "2", "0", "0")
    assert float(line["logit_difference"]) < 1e-3 * float(line["largest_logit"])


def test_answers_are_those_of_generate():
    model = tiny_model()
    backbone = Backbone(model)
    found = identity_benchmark.greedy(backbone.layout, backbone, PROMPTS[1], 6)
    backbone.use_native_attention()
    prompt = torch.tensor([PROMPTS[1]])
    own = model.generate(
        prompt, attention_mask=torch.ones_like(prompt), do_sample=False, min_new_tokens=6, max_new_tokens=6
    )
    assert found == own[0, prompt.shape[1] :].tolist()


def test_a_layout_with_other_weights_parts(monkeypatch):
    model, other = tiny_model(), Backbone(tiny_model(seed=1))
    under = Backbone.under

    def wrong(self, name):
        view = under(self, name)
        view.layout = other.under(name).layout if self is not other else view.layout
        return view

    monkeypatch.setattr(Backbone, "under", wrong)
    (line,) = identity_benchmark.compare(model, ["prepacked"], PROMPTS, 6)
    assert int(line["parted"]) > 0
    assert float(line["logit_difference"]) > 1e-2


def test_a_tie_is_no_further_apart_than_the_layouts_are():
    theirs = torch.tensor([[3.0, 1.0, 0.0], [2.0, 1.9999, 0.0]], dtype=torch.float64)
    assert identity_benchmark.is_tie(theirs, theirs + torch.tensor([0.0, 1.1e-4, 0.0]), [0, 0], [0, 1])
    assert not identity_benchmark.is_tie(theirs, theirs + torch.tensor([0.0, 0.5e-4, 0.0]), [0, 0], [0, 1])
    assert not identity_benchmark.is_tie(theirs, theirs + torch.tensor([0.0, 1.1e-4, 0.0]), [0, 0], [1, 0])
    assert not identity_benchmark.is_tie(theirs, theirs + torch.tensor([0.0, 0.1, 0.0]), [0, 0], [0, 1]), "no rounding"


def test_the_command_rounds_and_loads_a_checkpoint_and_writes_a_line(tmp_path, monkeypatch):
    path = tmp_path / "identity.csv"
    folder = save_tiny(tmp_path / "model", max_position_embeddings=4096)
    monkeypatch.setattr(
        "sys.argv",
        ["identity", str(path), "--model", str(folder), "--rounded", "--layouts", "prepacked", "--prompts", "1"],
    )
    identity_benchmark.main()
    (line,) = pd.read_csv(path).to_dict("records")
    assert line["model"].endswith(", rounded to bf16")
    assert line["prompts"] == line["identical"] + line["tied"] + line["parted"] == 6


def test_random_weights_are_not_rounded_twice(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["identity", "--model", "qwen2.5-0.5b-shape", "--rounded"])
    with pytest.raises(SystemExit):
        identity_benchmark.main()
    assert (
        "expected --rounded with a model that has weights of its own, got qwen2.5-0.5b-shape" in capsys.readouterr().err
    )

"""The benchmark of exams: a line for each kind of weights and arm, answers counted against `generate`'s."""

import torch

from offbook.harness.trials.exams_benchmark import Arm, line, measure, move_a_little
from offbook.kernels.native_library import native_available
from offbook.kernels.packed_linear import Kind, find_exact
from tests.tiny import save_tiny, tiny_model


def test_every_arm_answers_every_question_with_either_weights(tmp_path):
    model = str(save_tiny(tmp_path / "tiny"))
    table = measure(model, "procedural_shopping", limit=3, widths=[2], rounds=1, cap=5)
    arms = ["generate", "prepacked", *(["packed"] if native_available()[0] else [])]
    assert [(row["weights"], row["arm"]) for row in table] == [(w, a) for w in ("stored", "in training") for a in arms]
    for row in table:
        assert (row["documents"], row["same_answers"], row["width"]) == ("3", "3", "2")


def test_ratios_are_of_the_least_time_and_other_answers_are_not_the_same():
    arms = {
        "generate": Arm(make_s=[0.0, 0.0], answer_s=[5.0, 4.0], cpu_s=[6.0, 4.0], answers=[[1, 2], [3]]),
        "packed": Arm(make_s=[0.5, 0.25], answer_s=[3.0, 2.0], cpu_s=[1.0, 2.0], answers=[[1, 2], [4]]),
    }
    found = line("packed", arms)
    assert (found["make_s"], found["answer_s"], found["cpu_s"]) == ("0.25", "2.00", "1.00")
    assert (found["over_generate"], found["same_answers"], found["tokens"]) == ("4.00", "1", "3")


def test_weights_in_training_have_no_small_form():
    model, before = tiny_model(), tiny_model()
    move_a_little(model)
    for ours, theirs in zip(model.parameters(), before.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-6)
    assert find_exact(model.model.layers[0].mlp.up_proj.weight.detach()).kind == Kind.F32

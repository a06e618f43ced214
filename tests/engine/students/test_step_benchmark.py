"""The benchmark of steps: shares add up, and of LoRA nothing but the adapters gets a gradient."""

from dataclasses import dataclass, field

import pytest

from offbook.engine.students.config import StudentConfig
from offbook.engine.students.step_benchmark import CASES, measure
from offbook.engine.students.step_parts import BACKWARD, MARK, PARTS, PATCHED, labels, part_of, seconds_by_part
from offbook.engine.students.train import with_adapters
from tests.tiny import tiny_model, tiny_tokenizer


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("paths", [1, 3])
def test_a_line_shares_out_the_time_and_only_what_is_trained_has_a_gradient(case: str, paths: int) -> None:
    line = measure(tiny_model(), tiny_tokenizer(), case, asked=2, paths=paths, steps=1)
    shares = {part: float(str(line[part])) for part in PARTS}
    assert sum(shares.values()) == pytest.approx(1, abs=0.02)
    assert float(str(line["outside"])) == pytest.approx(1 - shares["product"] - shares["attention"], abs=0.01)
    assert all(shares[part] > 0 for part in ("product", "attention", "attending", "loss", "clip", "optimiser"))
    assert float(str(line["product_gflops"])) > 0
    assert line["with_gradient"] == line["trained"]
    every = sum(1 for _ in with_adapters(tiny_model(), StudentConfig(lora_rank=CASES[case].rank)).parameters())
    assert (line["trained"] == every) == (case != "lora")


def test_norms_and_rotation_are_told_from_the_rest_of_a_layer() -> None:
    for case in ("full", "full, layers by autograd"):
        line = measure(tiny_model(), tiny_tokenizer(), case, asked=2, paths=1, steps=1)
        assert float(str(line["norm"])) > 0
        assert float(str(line["layer"])) > 0
    by_hand = measure(tiny_model(), tiny_tokenizer(), "full", asked=2, paths=1, steps=1)
    assert all(float(str(by_hand[part])) > 0 for part in ("rotation", "swiglu"))


@dataclass
class Told:
    """An event of a profile."""

    name: str
    cpu_parent: "Told | None" = None
    sequence_nr: int = -1
    self_cpu_time_total: float = field(default=1e6)


def test_an_operation_belongs_to_what_is_said_nearest_around_it() -> None:
    layer = Told(MARK + "layer")
    norm = Told(MARK + "norm", layer)
    assert part_of(Told("aten::mul", layer), {}) == "layer"
    assert part_of(Told("aten::mul", norm), {}) == "norm"
    assert part_of(Told("aten::addmm_", norm), {}) == "product"
    assert part_of(Told("aten::_scaled_dot_product_flash_attention_for_cpu_backward", layer), {}) == "attention"
    assert part_of(Told("aten::_fused_adamw_", Told("Optimizer.step#AdamW.step")), {}) == "optimiser"
    assert part_of(Told("aten::add_", Told("torch::autograd::AccumulateGrad")), {}) == "accumulation"
    assert part_of(Told("aten::mul"), {}) is None


def test_a_derivative_belongs_to_what_it_is_the_derivative_of() -> None:
    forward = [Told("aten::mul", Told(MARK + "norm"), 7), Told("aten::mul", None, 8)]
    engine = Told(BACKWARD + ": MulBackward0")
    backward = [Told("aten::mul", Told("MulBackward0", engine, number)) for number in (7, 8)]
    assert seconds_by_part([*forward, *backward]) == {"norm": 2.0}


def test_labels_leave_nothing_behind() -> None:
    model = tiny_model()
    own = [getattr(module, name) for module, name, _ in PATCHED]
    with labels(model):
        assert all(getattr(module, name) is not before for (module, name, _), before in zip(PATCHED, own, strict=True))
    assert [getattr(module, name) for module, name, _ in PATCHED] == own
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in model.modules())

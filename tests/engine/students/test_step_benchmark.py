"""The benchmark of steps: shares add up, and of LoRA nothing but the adapters gets a gradient."""

import pytest

from offbook.engine.students.config import StudentConfig
from offbook.engine.students.step_benchmark import CASES, kind_of, measure
from offbook.engine.students.train import with_adapters
from tests.tiny import tiny_model, tiny_tokenizer


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("paths", [1, 3])
def test_a_line_shares_out_the_time_and_only_what_is_trained_has_a_gradient(case: str, paths: int) -> None:
    line = measure(tiny_model(), tiny_tokenizer(), case, asked=2, paths=paths, steps=1)
    shares = [float(str(line[kind])) for kind in ("product", "attention", "optimiser", "rest")]
    assert sum(shares) == pytest.approx(1, abs=0.01)
    assert float(str(line["outside"])) == pytest.approx(shares[2] + shares[3], abs=0.01)
    assert shares[0] > 0
    assert line["with_gradient"] == line["trained"]
    every = sum(1 for _ in with_adapters(tiny_model(), StudentConfig(lora_rank=CASES[case][0])).parameters())
    assert (line["trained"] == every) == (case != "lora")


def test_operations_are_told_apart_by_their_names() -> None:
    assert kind_of("aten::addmm_") == kind_of("aten::mm") == "product"
    assert kind_of("aten::_scaled_dot_product_flash_attention_for_cpu_backward") == "attention"
    assert kind_of("Optimizer.step#AdamW.step") == kind_of("aten::_fused_adamw_") == "optimiser"
    assert kind_of("aten::add_") == kind_of("aten::silu") == "rest"

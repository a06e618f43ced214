"""How wide a near-tie may be hangs on the number format that logits were computed in."""

from typing import Any

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.harness.certificates.margin_probe import WIDEST_TIE, WIDEST_TIES, Probe, TopTwo
from offbook.harness.certificates.sampling import greedy_certificate
from tests.tiny import tiny_model


@pytest.mark.parametrize(
    ("dtype", "widest"), [(torch.float64, WIDEST_TIE), (torch.float32, WIDEST_TIE), (torch.bfloat16, 0.5)], ids=str
)
def test_the_probe_says_how_wide_a_tie_may_be(dtype: torch.dtype, widest: float) -> None:
    backbone = Backbone(tiny_model("llama").to(dtype))
    assert Probe(backbone, native=False)([1, 2, 3], 1).widest == widest


def test_half_formats_have_four_steps_at_the_size_of_logits() -> None:
    for dtype, widest in WIDEST_TIES.items():
        assert widest == 4 * 16 * torch.finfo(dtype).eps


@pytest.mark.parametrize(
    ("margin", "moved", "widest", "verdict"),
    [
        (0.25, 0.25, 0.5, "ties"),
        (0.25, 0.1, 0.5, "differs"),
        (0.75, 1.0, 0.5, "differs"),
        (0.25, 0.25, 1e-3, "differs"),
    ],
)
def test_a_margin_within_the_formats_rounding_is_a_tie(
    margin: float, moved: float, widest: float, verdict: str, make_row: Any
) -> None:
    rounds = ((0, 0, 0, 1),)
    reference, got = ([make_row(0, tokens=tokens, rounds=rounds)] for tokens in ((7, 8), (7, 9)))
    top = TopTwo(tokens=(8, 9), margin=margin, logit_difference=moved, widest=widest)
    found = greedy_certificate(reference, got, lambda *_: top, prompts={0: [1, 2, 3]})
    assert found.verdict == verdict

"""Drafters that misuse what they drew: the certificate of a contender finds each, and passes those that do not."""

import pytest
import torch

from offbook.engine.decoding.sampling import Sampling
from offbook.engine.progress import Silent
from offbook.harness.certificates.contender_tests import Extent
from offbook.harness.matrix.certify import certify
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.target import load_target
from tests.controls.drawing import (
    Drawn,
    KeepsTheLikelier,
    Overfull,
    Reranked,
    Rounded,
    Seen,
    StopsBeforeTheUnsure,
    StopsBehindTheUnsure,
)
from tests.tiny import save_tiny

EXTENT = Extent(prompts=3, answer_tokens=10, draws=20_000, sequences=1_000, vocabulary_tokens=1_500)
PARTS = ("drawn candidates", "provenance of drawn candidates")
pytestmark = pytest.mark.usefixtures("few_sequences")


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return load_target(str(save_tiny(tmp_path_factory.mktemp("drawing") / "tiny")), device="cpu")


def found(target, kind, *args) -> tuple[str, dict[str, str], str]:
    """The verdict, what the parts on candidates say, and the paragraph."""
    chosen = Contender(
        name="drawing", summary="draws", draws=True,
        build=lambda target, *_: target.speculative(kind(target.backbone.embedding_VH.shape[0], *args)),
    )  # fmt: skip
    warm = (Sampling(temperature=1.0),)
    report = certify(target, chosen, Silent(), manifest={}, samplings=warm, extent=EXTENT)
    by_name = {part.name.partition(",")[0]: part.outcome for part in report.parts}
    return report.verdict, {name: by_name[name] for name in PARTS if name in by_name}, report.paragraph()


@pytest.mark.parametrize("kind", [Seen, StopsBehindTheUnsure])
def test_who_proposes_what_was_drawn_passes(target, kind):
    verdict, parts, told = found(target, kind)
    assert parts == dict.fromkeys(PARTS, "lossless")
    assert verdict == "lossless"
    assert "is, bit for bit, what was drawn from" in told


def test_where_nobody_may_look_on_statistics_alone_decide(target):
    verdict, parts, told = found(target, Drawn)
    assert (verdict, parts) == ("lossless", {"drawn candidates": "lossless"})
    assert "it draws by code of its own, so that these draws alone tell" in told
    verdict, parts, _ = found(target, Drawn, 1.5)
    assert (verdict, parts) == ("differs", {"drawn candidates": "differs"})


@pytest.mark.parametrize("kind", [Reranked, KeepsTheLikelier])
def test_who_reorders_its_draws_is_found_by_their_law_and_by_their_order(target, kind):
    verdict, parts, told = found(target, kind)
    assert parts == dict.fromkeys(PARTS, "differs")
    assert "its candidates stand in another order than they were drawn in" in told
    assert verdict == "differs"


def test_a_length_that_hangs_on_the_draw_is_found_by_its_law(target):
    verdict, parts, _ = found(target, StopsBeforeTheUnsure)
    assert (verdict, parts) == ("differs", {PARTS[0]: "differs", PARTS[1]: "lossless"})


@pytest.mark.parametrize("dtype", [torch.bfloat16, pytest.param(torch.float64, marks=pytest.mark.slow)])
def test_another_number_format_is_found_where_no_statistic_sees_it(target, dtype):
    verdict, parts, told = found(target, Rounded, dtype)
    assert (verdict, parts) == ("differs", {PARTS[0]: "lossless", PARTS[1]: "differs"})
    assert f"it is in float32, and what was drawn from in {str(dtype)[6:]}" in told


def test_a_law_whose_mass_is_not_one_is_found(target):
    verdict, parts, told = found(target, Overfull)
    assert (verdict, parts) == ("differs", dict.fromkeys(PARTS, "differs"))
    assert "one of these laws has a mass 0.01 off one" in told

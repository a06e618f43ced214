"""The loop itself on the small model, with drafters whose candidates are often right and often wrong at every depth."""

from collections.abc import Callable, Mapping

from offbook.engine.decoding.drafter import Drafter
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.verify import VerifierFor
from offbook.engine.progress import Progress
from offbook.harness.certificates.sampling import decoder_certificate
from offbook.harness.certificates.toy_drafters import CoupledTrees, DrawnTrees, GivenTrees
from offbook.harness.certificates.verifiers import Rule
from offbook.harness.records.certificate import Certificate

DRAFTERS: Mapping[Rule, Callable[[], Drafter]] = {"given": GivenTrees, "drawn": DrawnTrees}


def loop_certificate(
    rule: Rule,
    *,
    sampling: Sampling,
    seed: int,
    n: int,
    coupled: bool = False,
    verifier: VerifierFor | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Certificate:
    """Tests what the loop says with candidates of this kind, whoever's trained drafter may stand in their place.

    Args:
        rule: whose candidates.
        sampling: settings; temperature above 0.
        seed: of the generator handed to the loop.
        n: answers.
        coupled: whether candidates know the noise of the draws.
        verifier: in the place of the exact one.
        device: of the small model.
        progress: is told how far it is.

    Raises:
        ValueError: see `decoder_certificate`.
    """
    trees = CoupledTrees if coupled else DRAFTERS[rule]
    return decoder_certificate(
        lambda toy: toy.speculative(trees(), verifier=verifier),
        sampling=sampling,
        seed=seed,
        n=n,
        device=device,
        progress=progress,
    )

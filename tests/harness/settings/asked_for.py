"""Whether a decoder of a profile is one with the settings that stand there."""

from offbook.harness.roster.decoders import BASELINE, contender
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.parse import parse


def check_decoder(profile: Matrix, name: str) -> None:
    """The contender takes the options, and its drafter the variant."""
    spec = profile.decoders[name]
    chosen = contender(spec.decoder or name)
    options = parse(chosen.options, dict(spec.options), source=name)
    assert spec.options.items() <= options.model_dump().items()
    if name != BASELINE:
        chosen.trained(spec.training.variant or {})

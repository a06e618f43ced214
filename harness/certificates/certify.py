"""Which certificate an arm of a heat needs, and what that is made of.

Greedy: the rows of the heat. Sampling: the verifier of our loop, and the whole contender on the small model where it
draws by itself, all of it or its candidates; both depend on the code and the settings only, so that once a process is
enough. Contenders of our loop draw a document from the baseline's seed, so that their rows are held against its too,
token by token. Of who fits no small model the answers themselves are held against the target's law.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import torch

from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.drafter import draws
from offbook.engine.decoding.layouts.names import LAYOUTS
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.verify import VerifierFor
from offbook.harness.certificates.device_rounds import player_of
from offbook.harness.certificates.from_outside import answers_certificate
from offbook.harness.certificates.margin_probe import Probe
from offbook.harness.certificates.on_toy import layers_of_toy, on_toy
from offbook.harness.certificates.sampling import (
    MarginProbe,
    decoder_certificate,
    greedy_certificate,
    seeded_certificate,
)
from offbook.harness.certificates.toy_model import toy_model
from offbook.harness.certificates.verifiers import RULES, own_verifier_certificate, verifier_certificate
from offbook.harness.records.certificate import BASELINE, NOT_TESTED, Certificate
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.roster.arms import Arm
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.target import Target


def certify(
    arm: Arm,
    *,
    target: Target,
    sampling: Sampling,
    seed: int,
    baseline: Arm,
    reference: Sequence[DocumentRow],
    rows: Sequence[DocumentRow],
    prompts: Mapping[int, Sequence[int]],
    generator_of: Callable[[int], torch.Generator],
) -> Certificate:
    """The certificate of one arm; of a lossy one what it differs in, and never that it is exact.

    Args:
        arm: the contender.
        target: what it decoded.
        sampling: the heat's settings.
        seed: the heat's.
        baseline: the arm that answers are held against.
        reference: its rows.
        rows: the arm's rows of the same documents.
        prompts: token ids of each document's prompt, by doc_id.
        generator_of: the source of a document's draws, as it was at its beginning.

    Raises:
        ValueError: see `harness.certificates.sampling`.
    """
    if arm.id == baseline.id:
        return BASELINE
    ours = type(arm.decoder) is SpeculativeDecoder  # a class derived of it may draw otherwise
    steps = target.under(arm.layout).backbone if arm.layout in LAYOUTS else target.backbone
    probe = Probe(steps, native=not ours or arm.layout != baseline.layout)
    if sampling.greedy:
        return _claimed(greedy_certificate(reference, rows, probe, prompts=prompts), doubted=arm.lossy)
    if type(arm.decoder) is SpeculativeDecoder:
        drawn = draws(arm.decoder.drafter)
        if arm.decoder.verifier is not None:
            own = _whole(arm, sampling) if drawn else _own_verifier_certificate(arm.decoder.verifier, sampling, seed)
            return _claimed(own or NOT_TESTED, doubted=arm.lossy)
        law = _verifier_certificate(sampling, seed, target.device.type)
        if drawn:
            whole = _whole(arm, sampling)  # its drafter may draw from other laws than it names
            return law if whole is None or whole.verdict != "differs" else whole
        if type(baseline.decoder) is not SpeculativeDecoder:
            return law

        def probe_of(doc_id: int) -> MarginProbe:
            return lambda tokens, position: probe.race(tokens, position, sampling, generator_of(doc_id))

        return seeded_certificate(law, reference, rows, probe_of, prompts=prompts)
    found = None if arm.outside else _whole(arm, sampling)
    return _claimed(
        found or answers_certificate(target, rows, prompts=prompts, sampling=sampling),
        doubted=arm.lossy or arm.outside,  # another program rounds as it likes
    )


def _claimed(found: Certificate, *, doubted: bool) -> Certificate:
    """A certificate; of who is lossy, or was tested in part, a difference alone: that none was seen proves nothing."""
    return NOT_TESTED if doubted and found.verdict != "differs" else found


def _whole(arm: Arm, sampling: Sampling) -> Certificate | None:
    """Of a contender with its settings on the small model; None where it fits none."""
    variant = {} if arm.drafter_id is None else arm.drafter_id.variant
    return _decoder_certificate(arm.name, json.dumps(dict(arm.options)), json.dumps(variant), sampling)


@cache
def _decoder_certificate(name: str, options: str, variant: str, sampling: Sampling) -> Certificate | None:
    """See `_whole`, settings as JSON; once a process is enough."""
    chosen = contender(name)
    layers = layers_of_toy(chosen)
    try:
        decoder = on_toy(chosen, json.loads(options), json.loads(variant))(toy_model(layers))
    except ValueError:
        return None
    return decoder_certificate(lambda _: decoder, sampling=sampling, seed=0, layers=layers)


@cache
def _own_verifier_certificate(verifier: VerifierFor, sampling: Sampling, seed: int) -> Certificate:
    """Of a verifier that a decoder brings; once a process is enough."""
    return own_verifier_certificate(verifier, sampling=sampling, seed=seed)


@cache
def _verifier_certificate(sampling: Sampling, seed: int, device: str) -> Certificate:
    """Of the verifier of offbook's loop on a device, by the worse of its rules; once a process is enough."""
    player = player_of(device, sampling)
    found = [verifier_certificate(rule, sampling=sampling, seed=seed, player=player) for rule in RULES]
    return min(found, key=lambda certificate: certificate.p_value or 0.0)

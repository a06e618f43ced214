"""Which certificate an arm of a heat needs, and what that is made of.

Greedy: the rows of the heat. Sampling: the verifier of our loop, or the whole contender where it draws by itself; both
depend on the code and the settings only, so that once a process is enough. Contenders of our loop draw a document from
the baseline's seed, so that their rows are held against its too, token by token.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import torch

from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Decoder
from offbook.engine.decoding.drafter import draws
from offbook.engine.decoding.layouts.names import LAYOUTS
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.verify import VerifierFor
from offbook.harness.certificates.margin_probe import Probe
from offbook.harness.certificates.sampling import (
    MarginProbe,
    decoder_certificate,
    greedy_certificate,
    seeded_certificate,
)
from offbook.harness.certificates.verifiers import RULES, own_verifier_certificate, verifier_certificate
from offbook.harness.records.certificate import BASELINE, Certificate
from offbook.harness.records.document_row import DocumentRow
from offbook.harness.roster.arms import Arm, build_arms
from offbook.harness.roster.decoders import contender
from offbook.harness.roster.draft_model import drafts_by_model, without_draft_model
from offbook.harness.roster.target import Target

NOT_TESTED = Certificate(kind="sampling_distribution", verdict="not_tested")


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
        if arm.decoder.verifier is not None:
            own = _own_verifier_certificate(arm.decoder.verifier, sampling, seed)  # on candidates that are given
            return _claimed(own, doubted=arm.lossy or draws(arm.decoder.drafter))
        law = _verifier_certificate(sampling, seed)
        if draws(arm.decoder.drafter) or type(baseline.decoder) is not SpeculativeDecoder:
            return law

        def probe_of(doc_id: int) -> MarginProbe:
            return lambda tokens, position: probe.race(tokens, position, sampling, generator_of(doc_id))

        return seeded_certificate(law, reference, rows, probe_of, prompts=prompts)
    if not arm.outside and (arm.drafter_id is None or drafts_by_model(contender(arm.name))):
        whole = _decoder_certificate(arm.name, json.dumps(dict(arm.options)), sampling)
        return _claimed(whole, doubted=arm.lossy)
    return NOT_TESTED  # it fits no target but its own


def _claimed(found: Certificate, *, doubted: bool) -> Certificate:
    """A certificate; of who is lossy, or was tested in part, a difference alone: that none was seen proves nothing."""
    return NOT_TESTED if doubted and found.verdict != "differs" else found


@cache
def _decoder_certificate(name: str, options: str, sampling: Sampling) -> Certificate:
    """Of a contender that draws by itself, with these options as JSON; once a process is enough.

    Where a model drafts, the first of the small model's two layers does here.
    """
    given, by_model = json.loads(options), drafts_by_model(contender(name))
    settings = without_draft_model(given) if by_model else given

    def build(target: Target) -> Decoder:
        (arm,) = build_arms(target, [name], options={name: settings})
        return arm.decoder

    return decoder_certificate(build, sampling=sampling, seed=0, layers=2 if by_model else 1)


@cache
def _own_verifier_certificate(verifier: VerifierFor, sampling: Sampling, seed: int) -> Certificate:
    """Of a verifier that a decoder brings; once a process is enough."""
    return own_verifier_certificate(verifier, sampling=sampling, seed=seed)


@cache
def _verifier_certificate(sampling: Sampling, seed: int) -> Certificate:
    """Of the verifier of offbook's loop, by the worse of its rules; once a process is enough."""
    found = [verifier_certificate(rule, sampling=sampling, seed=seed) for rule in RULES]
    return min(found, key=lambda certificate: certificate.p_value or 0.0)

"""What a contender is put to; see `harness.matrix.certify`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch

from offbook.engine.decoding.candidate_draws import looking_on
from offbook.engine.decoding.decode import SpeculativeDecoder, decode
from offbook.engine.decoding.decoder import Decoder
from offbook.engine.decoding.drafter import coupled, draws
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.decoding.verify import VerifierFor, verifier_for
from offbook.engine.progress import Progress
from offbook.harness.certificates.device_rounds import player_of
from offbook.harness.certificates.from_outside import add_answer
from offbook.harness.certificates.loop import loop_certificate
from offbook.harness.certificates.margin_probe import Probe
from offbook.harness.certificates.on_toy import layers_of_toy, on_toy
from offbook.harness.certificates.real_vocabulary import MOST_CELLS, Cells, Seen, Watched
from offbook.harness.certificates.report import Part
from offbook.harness.certificates.sampling import (
    MarginProbe,
    decoder_certificate,
    differences,
    greedy_certificate,
    identity_certificate,
)
from offbook.harness.certificates.told import (
    cells_part,
    certificate_part,
    distribution,
    drawn_parts,
    identity,
    law_part,
    settings_of,
)
from offbook.harness.certificates.toy_model import toy_model
from offbook.harness.certificates.verifiers import (
    ONE_BY_ONE,
    Rule,
    law_deviation,
    own_verifier_certificate,
    verifier_certificate,
)
from offbook.harness.roster.arms import Arm, build_arm
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import BASELINE, contender
from offbook.harness.roster.target import Target


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much is tested.

    Attributes:
        prompts: development prompts that are answered.
        answer_tokens: of each answer, at most.
        draws: rounds of the verifier alone.
        sequences: of the small model.
        vocabulary_tokens: said on the real vocabulary.
        seed: of all draws.
    """

    prompts: int = 24
    answer_tokens: int = 64
    draws: int = 1_000_000
    sequences: int = 20_000
    vocabulary_tokens: int = 10_000
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class _Said:
    doc_id: int
    doc_hash: str
    prompt_tokens: int
    tokens: tuple[int, ...]
    finish_reason: str


class ContenderTests:
    """The tests of one contender; each gives parts of its report.

    Args:
        target: what it decodes, in its layout.
        chosen: the contender.
        arm: the same, built.
        options: its settings, as they were given.
        prompts: token ids, by number.
        progress: is told how far it is.
        extent: how much is tested.
    """

    def __init__(
        self,
        target: Target,
        chosen: Contender,
        arm: Arm,
        *,
        options: Mapping[str, Any],
        prompts: Mapping[int, list[int]],
        progress: Progress,
        extent: Extent,
    ) -> None:
        self.target, self.chosen, self.arm, self.options = target, chosen, arm, options
        self.progress, self.extent = progress, extent
        self.plain = build_arm(target, contender(BASELINE))
        self.prompts = prompts
        self.limits = target.limits(extent.answer_tokens)

    def greedy(self) -> Part:
        """Identity with plain decoding."""
        reference, rows = (self._said(arm, Sampling(), "greedy answers") for arm in (self.plain, self.arm))
        found = greedy_certificate(reference, rows, self._probe(), prompts=self.prompts)
        told = identity(found, f"greedy answers of up to {self.extent.answer_tokens} tokens")
        return certificate_part(found, "greedy identity", told)

    def design(self) -> Part:
        """What a lossy contender is, whatever its answers happen to be."""
        told = "by design it says above temperature 0 what its target would not"
        return Part(name="design", outcome="differs", told=told)

    def sampled(self, sampling: Sampling) -> Iterator[Part]:
        """All tests at these settings."""
        at = settings_of(sampling)
        loop = self.arm.decoder if type(self.arm.decoder) is SpeculativeDecoder else None
        if loop is None:
            yield from self._from_outside(sampling, at)
            return
        rule: Rule = "drawn" if draws(loop.drafter) else "given"
        if (own := loop.verifier) is None:
            yield law_part(law_deviation(rule, sampling), rule, at)
            yield self._draws(rule, sampling, at)
        else:
            yield self._own_draws(own, sampling, at)
        yield self._loop_on_toy(rule, own, sampling, at, coupled=coupled(loop.drafter))
        if rule == "given" and own is None:
            yield self._seeded(sampling, at)
        yield from self._vocabulary(loop, sampling, at)

    def _draws(self, rule: Rule, sampling: Sampling, at: str) -> Part:
        found = verifier_certificate(
            rule,
            sampling=sampling,
            seed=self.extent.seed,
            n=self.extent.draws,
            player=player_of(self.target.device, sampling),
        )
        told = f"{found.n:,} rounds by its real random numbers {distribution(found)}"
        return certificate_part(found, f"draws of the verifier, {at}", told, rule=rule)

    def _own_draws(self, verifier: VerifierFor, sampling: Sampling, at: str) -> Part:
        n = min(ONE_BY_ONE, self.extent.draws)
        found = own_verifier_certificate(verifier, sampling=sampling, seed=self.extent.seed, n=n)
        told = f"at {at}, {found.n:,} rounds of its own verifier {distribution(found)}"
        return certificate_part(found, f"draws of the verifier, {at}", told, rule="own")

    @cached_property
    def _built_for_toy(self) -> Decoder | str:
        """The contender on the small model, or why it can not be had."""
        variant = {} if self.arm.drafter_id is None else self.arm.drafter_id.variant
        try:
            return on_toy(self.chosen, self.options, variant)(toy_model(layers_of_toy(self.chosen)))
        except Exception as reason:  # somebody else's factory raises what it likes
            return " ".join(str(reason).split())

    def _loop_on_toy(self, rule: Rule, own: VerifierFor | None, sampling: Sampling, at: str, *, coupled: bool) -> Part:
        """With its own drafter where the laws that this draws from count; else with one that is right half the time."""
        if rule == "drawn" and not isinstance(self._built_for_toy, str):
            return self._whole_on_toy(self._built_for_toy, sampling, at)
        seed, n = self.extent.seed, self.extent.sequences
        found = loop_certificate(
            rule,
            sampling=sampling,
            seed=seed,
            n=n,
            coupled=coupled,
            verifier=own,
            device=self.target.device.type,
            progress=self.progress,
        )
        told = f"{found.n:,} answers of a model of eight tokens {distribution(found)}"
        if rule == "drawn":
            told += f", with a drafter that stands in, for its own fits no such model ({self._built_for_toy})"
        return certificate_part(found, f"small model, {at}", told, drafter="stands in")

    def _whole_on_toy(self, built: Decoder, sampling: Sampling, at: str) -> Part:
        layers, seed, n = layers_of_toy(self.chosen), self.extent.seed, self.extent.sequences
        try:
            found = decoder_certificate(
                lambda _: built, sampling=sampling, seed=seed, n=n, layers=layers, progress=self.progress
            )
        except ValueError as broken:
            told = f"on a model of eight tokens it says what no decoder may ({broken})"
            return Part(name=f"small model, {at}", outcome="differs", told=told)
        told = f"{found.n:,} of its own answers on a model of eight tokens {distribution(found)}"
        return certificate_part(found, f"small model, {at}", told, drafter="its own")

    def _seeded(self, sampling: Sampling, at: str) -> Part:
        told = f"answers at {at}"
        reference, rows = (self._said(arm, sampling, told) for arm in (self.plain, self.arm))
        probe = self._probe()

        def probe_of(number: int) -> MarginProbe:
            return lambda tokens, place: probe.race(tokens, place, sampling, self._generator(number))

        found = identity_certificate(differences(reference, rows, probe_of, prompts=self.prompts), len(rows))
        told = identity(found, f"answers of up to {self.extent.answer_tokens} tokens drawn from plain decoding's seeds")
        return certificate_part(found, f"identity from the same seeds, {at}", told, kind="seeded_identity")

    def _vocabulary(self, loop: SpeculativeDecoder, sampling: Sampling, at: str) -> Iterator[Part]:
        with looking_on() as drawn:
            seen, number = Seen(drawn=drawn), 0
            verifier = Watched(
                verifier=(loop.verifier or partial(verifier_for, device=self.target.device))(sampling),
                sampling=sampling,
                seen=seen,
                coupled=coupled(loop.drafter),
            )
            while seen.said.tokens < self.extent.vocabulary_tokens:
                self.progress.update(seen.said.tokens, self.extent.vocabulary_tokens, f"tokens at {at}")
                decode(
                    loop.backbone,
                    loop.drafter,
                    torch.tensor([self.prompts[number % len(self.prompts)]], device=self.target.device),
                    sampling=sampling,
                    limits=self.limits,
                    generator=self._generator(len(self.prompts) + number),
                    stop=Stop(self.limits, loop.detokenize),
                    verifier=verifier,
                    controller=loop.controller,
                )
                number += 1
        yield cells_part(seen.said, f"real vocabulary, {at}", "tokens of the real vocabulary", "the target's law")
        yield from drawn_parts(seen, at)

    def _from_outside(self, sampling: Sampling, at: str) -> Iterator[Part]:
        built = "it runs in another program" if self.arm.outside else self._built_for_toy
        if isinstance(built, str):
            told = f"at {at}, it fits no small model ({built})"
            yield Part(name=f"small model, {at}", outcome="not tested", told=told)
        else:
            yield self._whole_on_toy(built, sampling, at)
        cells, number = Cells(MOST_CELLS), 0
        while max(cells.tokens, number) < self.extent.vocabulary_tokens:  # an answer may be empty, which is a fault
            self.progress.update(cells.tokens, self.extent.vocabulary_tokens, f"tokens at {at}")
            prompt = self.prompts[number % len(self.prompts)]
            answer = self.arm.decoder.generate(
                torch.tensor([prompt], device=self.target.device),
                sampling=sampling,
                limits=self.limits,
                generator=self._generator(len(self.prompts) + number),
            )
            add_answer(cells, self.target, prompt, answer.tokens, sampling)
            number += 1
        yield cells_part(cells, f"real vocabulary, {at}", "tokens of the real vocabulary", "the target's law")

    def _said(self, arm: Arm, sampling: Sampling, told: str) -> list[_Said]:
        rows = []
        for number, ids in self.prompts.items():
            self.progress.update(number, len(self.prompts), f"{told}: {arm.name}")
            answer = arm.decoder.generate(
                torch.tensor([ids], device=self.target.device),
                sampling=sampling,
                limits=self.limits,
                generator=self._generator(number),
            )
            rows.append(
                _Said(
                    doc_id=number,
                    doc_hash=str(number),
                    prompt_tokens=len(ids),
                    tokens=answer.tokens,
                    finish_reason=answer.finish_reason,
                )
            )
        return rows

    def _probe(self) -> Probe:
        ours = type(self.arm.decoder) is SpeculativeDecoder
        return Probe(self.target.backbone, native=not ours or self.arm.layout != self.plain.layout)

    def _generator(self, number: int) -> torch.Generator:
        return self.target.generator((self.extent.seed << 32) + number)

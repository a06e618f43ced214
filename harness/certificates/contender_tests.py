"""What a contender is put to; see `harness.matrix.certify`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from offbook.engine.decoding.decode import SpeculativeDecoder, decode
from offbook.engine.decoding.decoder import Decoder
from offbook.engine.decoding.drafter import coupled, draws
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.decoding.verify import VerifierFor, verifier_for
from offbook.engine.progress import Progress
from offbook.harness.certificates.margin_probe import Probe
from offbook.harness.certificates.real_vocabulary import MOST_CELLS, Cells, Seen, Watched, cells_of_candidates
from offbook.harness.certificates.report import Part
from offbook.harness.certificates.sampling import (
    MarginProbe,
    decoder_certificate,
    differences,
    greedy_certificate,
    identity_certificate,
)
from offbook.harness.certificates.told import cells_part, distribution, identity, outcome_of, settings_of
from offbook.harness.certificates.toy_drafters import CoupledTrees, DrawnTrees, GivenTrees
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
from offbook.harness.roster.draft_model import drafts_by_model, without_draft_model
from offbook.harness.roster.target import Target

EXACT = 1e-12  # of a probability
WHOLE = 1e-4  # how far the mass of a named law may be from one


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
    sequences: int = 2_000
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
        prompts: Mapping[int, list[int]],
        progress: Progress,
        extent: Extent,
    ) -> None:
        self.target, self.chosen, self.arm, self.progress, self.extent = target, chosen, arm, progress, extent
        self.plain = build_arm(target, contender(BASELINE))
        self.prompts = prompts
        self.limits = target.limits(extent.answer_tokens)

    def greedy(self) -> Part:
        """Identity with plain decoding."""
        reference, rows = (self._said(arm, Sampling(), "greedy answers") for arm in (self.plain, self.arm))
        found = greedy_certificate(reference, rows, self._probe(), prompts=self.prompts)
        return Part(
            name="greedy identity",
            outcome=outcome_of(found),
            told=identity(found, f"greedy answers of up to {self.extent.answer_tokens} tokens"),
            facts=found.model_dump(mode="json"),
        )

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
            yield self._law(rule, sampling, at)
            yield self._draws(rule, sampling, at)
        else:
            yield self._own_draws(own, sampling, at)
        trees = DrawnTrees if rule == "drawn" else CoupledTrees if coupled(loop.drafter) else GivenTrees
        yield self._toy(lambda toy: toy.speculative(trees(), verifier=own), sampling, at)
        if rule == "given" and own is None:
            yield self._seeded(sampling, at)
        yield from self._vocabulary(loop, sampling, at)

    def _law(self, rule: Rule, sampling: Sampling, at: str) -> Part:
        deviation = law_deviation(rule, sampling)
        right = deviation <= EXACT
        return Part(
            name=f"law of the verifier, {at}",
            outcome="lossless" if right else "differs",
            told=f"at {at}, every branch of its verifier has the target's probability to {deviation:.0e}"
            if right
            else f"at {at}, its verifier says a text with a probability that is {deviation:.2g} off",
            facts={"rule": rule, "largest_deviation": deviation},
        )

    def _draws(self, rule: Rule, sampling: Sampling, at: str) -> Part:
        found = verifier_certificate(rule, sampling=sampling, seed=self.extent.seed, n=self.extent.draws)
        return Part(
            name=f"draws of the verifier, {at}",
            outcome=outcome_of(found),
            told=f"{found.n:,} rounds by its real random numbers {distribution(found)}",
            facts={"rule": rule, **found.model_dump(mode="json")},
        )

    def _own_draws(self, verifier: VerifierFor, sampling: Sampling, at: str) -> Part:
        n = min(ONE_BY_ONE, self.extent.draws)
        found = own_verifier_certificate(verifier, sampling=sampling, seed=self.extent.seed, n=n)
        return Part(
            name=f"draws of the verifier, {at}",
            outcome=outcome_of(found),
            told=f"at {at}, {found.n:,} rounds of its own verifier {distribution(found)}",
            facts={"rule": "own", **found.model_dump(mode="json")},
        )

    def _toy(self, build: Callable[[Target], Decoder], sampling: Sampling, at: str, *, layers: int = 1) -> Part:
        found = decoder_certificate(
            build, sampling=sampling, seed=self.extent.seed, n=self.extent.sequences, layers=layers
        )
        return Part(
            name=f"small model, {at}",
            outcome=outcome_of(found),
            told=f"{found.n:,} answers of a model of eight tokens {distribution(found)}",
            facts=found.model_dump(mode="json"),
        )

    def _seeded(self, sampling: Sampling, at: str) -> Part:
        told = f"answers at {at}"
        reference, rows = (self._said(arm, sampling, told) for arm in (self.plain, self.arm))
        probe = self._probe()

        def probe_of(number: int) -> MarginProbe:
            return lambda tokens, place: probe.race(tokens, place, sampling, self._generator(number))

        found = differences(reference, rows, probe_of, prompts=self.prompts)
        certificate = identity_certificate(found, len(rows))
        facts = certificate.model_dump(mode="json") | {"kind": "seeded_identity"}
        return Part(
            name=f"identity from the same seeds, {at}",
            outcome=outcome_of(certificate),
            told=identity(
                certificate, f"answers of up to {self.extent.answer_tokens} tokens drawn from plain decoding's seeds"
            ),
            facts=facts,
        )

    def _vocabulary(self, loop: SpeculativeDecoder, sampling: Sampling, at: str) -> Iterator[Part]:
        seen = Seen()
        verifier = Watched(
            verifier=(loop.verifier or verifier_for)(sampling),
            sampling=sampling,
            seen=seen,
            coupled=coupled(loop.drafter),
        )
        number = 0
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
        if seen.drafted.tokens:
            part = cells_part(
                seen.drafted, f"drawn candidates, {at}", "drawn candidates", "the laws that they are said to come from"
            )
            whole = seen.off_one <= WHOLE
            yield Part(
                name=part.name,
                outcome=part.outcome if whole else "differs",
                told=part.told
                if whole
                else f"{part.told}, and one of these laws has a mass {seen.off_one:.2g} off one",
                facts={**part.facts, "largest_mass_off_one": seen.off_one},
            )

    def _from_outside(self, sampling: Sampling, at: str) -> Iterator[Part]:
        by_model = drafts_by_model(self.chosen)
        if self.arm.outside or (self.arm.drafter_id is not None and not by_model):
            told = f"at {at}, it fits no small model"
            yield Part(name=f"small model, {at}", outcome="not tested", told=told)
        else:
            options = without_draft_model(self.arm.options) if by_model else self.arm.options
            yield self._toy(
                lambda toy: build_arm(toy, self.chosen, options=options, layout="transformers").decoder,
                sampling,
                at,
                layers=2 if by_model else 1,
            )
        cells, number = Cells(MOST_CELLS), 0
        while cells.tokens < self.extent.vocabulary_tokens:
            self.progress.update(cells.tokens, self.extent.vocabulary_tokens, f"tokens at {at}")
            ids = self.prompts[number % len(self.prompts)]
            answer = self.arm.decoder.generate(
                torch.tensor([ids], device=self.target.device),
                sampling=sampling,
                limits=self.limits,
                generator=self._generator(len(self.prompts) + number),
            )
            for p_V, token in zip(self._laws(ids, answer.tokens, sampling), answer.tokens, strict=True):
                cells.add(p_V, cells_of_candidates(p_V, []), token)
            number += 1
        yield cells_part(cells, f"real vocabulary, {at}", "tokens of the real vocabulary", "the target's law")

    @torch.inference_mode()
    def _laws(self, prompt: Sequence[int], answer: Sequence[int], sampling: Sampling) -> Iterator[Any]:
        """The law of each token of an answer, from one forward over all of it."""
        backbone = self.target.backbone
        backbone.use_tree_attention()
        tokens = torch.tensor([*prompt, *answer], device=self.target.device)
        output = backbone.extend(tokens, backbone.new_cache(len(tokens)), logits_for=len(answer) + 1)
        for logits_V in output.logits_NV[: len(answer)]:
            yield sampling.probabilities(logits_V[None])[0].double().numpy(force=True)

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

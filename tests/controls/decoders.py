"""Whole decoders that cheat in a heat; each one's own account adds up, so only the harness can tell."""

import dataclasses

import torch

from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Decoder, Limits
from offbook.engine.decoding.generation import Generation, Round
from offbook.engine.decoding.sampling import Sampling
from offbook.harness.roster.target import Target
from tests.controls.drafters import Asker
from tests.engine.tiny_drafters import Oracle, Scripted


class Remembers:
    """Drafts with what it once answered to the same prompt, in an honest loop."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.answered: dict[tuple[int, ...], list[int]] = {}

    def generate(self, prompt_1P: torch.Tensor, **settings) -> Generation:
        prompt = tuple(prompt_1P[0].tolist())
        known = self.answered.get(prompt, [])
        drafter = Oracle([*known, *[0] * 64], depth=3) if known else Scripted(1)
        answer = _loop(self.target, drafter).generate(prompt_1P, **settings)
        self.answered[prompt] = max(known, list(answer.tokens), key=len)
        return answer


class Cached:
    """Answers from a cache of whole prompts, with the account of the first time."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self.answers: dict[tuple[tuple[int, ...], int], Generation] = {}

    def generate(self, prompt_1P: torch.Tensor, *, limits: Limits, **settings) -> Generation:
        key = (tuple(prompt_1P[0].tolist()), limits.max_new_tokens)
        if key not in self.answers:
            self.answers[key] = self.decoder.generate(prompt_1P, limits=limits, **settings)
        return self.answers[key]


class Merges:
    """Accounts for every two of its rounds as one that accepted all of them: twice the acceptance length."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder

    def generate(self, prompt_1P: torch.Tensor, **settings) -> Generation:
        answer = self.decoder.generate(prompt_1P, **settings)
        rounds = [_merged(answer.rounds[i : i + 2]) for i in range(0, len(answer.rounds), 2)]
        return dataclasses.replace(answer, rounds=tuple(rounds), times=(), predicted=())


class Skips:
    """Leaves a token out of each answer, and the round that committed it out of the account."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder = decoder

    def generate(self, prompt_1P: torch.Tensor, **settings) -> Generation:
        answer = self.decoder.generate(prompt_1P, **settings)
        return dataclasses.replace(
            answer, tokens=answer.tokens[:2] + answer.tokens[3:], rounds=answer.rounds[1:], times=()
        )


class Sharpens(SpeculativeDecoder):
    """Draws at half the temperature that it is asked for, in offbook's own loop."""

    def generate(self, prompt_1P: torch.Tensor, *, sampling: Sampling, **settings) -> Generation:
        colder = dataclasses.replace(sampling, temperature=sampling.temperature / 2)
        return super().generate(prompt_1P, sampling=colder, **settings)


class Knows:
    """Says what the reference says, at once."""

    def __init__(self, target: Target, decoder: Decoder, references: dict[tuple[int, ...], str]) -> None:
        self.target, self.decoder, self.references = target, decoder, references

    def generate(self, prompt_1P: torch.Tensor, *, limits: Limits, **settings) -> Generation:
        answer = self.decoder.generate(prompt_1P, limits=limits, **settings)
        text = self.references[tuple(prompt_1P[0].tolist())]
        tokens = self.target.tokenizer(text, add_special_tokens=False)["input_ids"][: limits.max_new_tokens]
        rounds = tuple(Round(drafted=0, offered=0, accepted=0, committed=1) for _ in tokens[1:])
        return dataclasses.replace(answer, tokens=tuple(tokens), rounds=rounds, times=(), predicted=())


def asks_in_secret(target: Target) -> Decoder:
    """Asks the target three tokens ahead before it lets the loop ask."""
    return _loop(target, Asker(target.backbone, depth=3))


def _loop(target: Target, drafter) -> Decoder:
    return SpeculativeDecoder(target.backbone, drafter, target.detokenize)


def _merged(rounds) -> Round:
    first, *rest = rounds
    if not rest:
        return first
    committed = first.committed + rest[0].committed
    return Round(drafted=committed, offered=committed - 1, accepted=committed - 1, committed=committed)

"""Whole answers on a GPU, by rounds that are captured, against the same kernel by kernel and transformers' `generate`.

    python -m offbook.harness.trials.rounds_benchmark          (from a checkout, with PYTHONPATH=src)

Of models with random weights in published shapes (`soft_models`), plain decoding and drafters whose acceptance is
replayed (`replayed_rounds`): their rows say so, and tell what a round costs, not what a drafter is worth. `--model`
names a folder of a real model, decoded plainly and by drafters without a training, whose acceptance is their own.

Answers are greedy, and right before they are timed. What is captured is so before the clock starts. A row is appended
to the operations' file after every measurement, the same command goes on where it was stopped, and `python -m
offbook.kernels.bench --table` writes both as Markdown. Needs torch, triton and transformers; imports no more.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder, decode
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.drafter import Drafter
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.decoding.verify import VerifierFor
from offbook.harness.roster.random_drafters import UNTRAINED
from offbook.harness.trials.benchmark_command import run
from offbook.harness.trials.replayed_rounds import recorded, replayed, rounds_of
from offbook.harness.trials.soft_models import SHAPES, bytes_of_a_step, bytes_read, soft_model
from offbook.kernels import bench
from offbook.kernels.proof.case import Timed

MINUTES = 4.0
PLAIN = "autoregressive"
PROMPT, TOKENS = 48, 32  # of every answer

Answer = list[int]


def cases(shapes: Sequence[str], folder: Path | None, *, device: str, dtype: torch.dtype) -> Iterator[Timed]:
    """Every decoder on every model."""
    for shape in shapes:
        size = bytes_of_a_step(shape)
        soft = partial(_soft, shape, dtype=dtype, device=device)
        yield _case(f"{shape}, random weights, {PLAIN}", partial(soft, PLAIN), dtype, size * (TOKENS - 1))
        for name, drafter in UNTRAINED.items():
            accepted, whose = _accepted(name)
            rounds = rounds_of(accepted, levels=drafter.levels, prompt=PROMPT, tokens=TOKENS)
            told = f"{(TOKENS - 1) / rounds:.2f} tokens a round, as rounds of {whose}"
            what = f"{shape}, random weights, {name}, acceptance replayed"
            yield _case(what, partial(soft, name), dtype, size * rounds, told)
    if folder is not None:
        size = _bytes_of_a_step(folder)
        levels = {PLAIN: 0, **{name: drafter.levels for name, drafter in UNTRAINED.items() if not drafter.trained}}
        for name, most in levels.items():
            rounds = -(-(TOKENS - 1) // (most + 1))
            real = partial(_real, folder, name, dtype=dtype, device=device)
            yield _case(f"{folder.name}, {name}", real, dtype, size * rounds)


def _case(
    shape: str,
    make: Callable[[], "_Decoders"],
    dtype: torch.dtype,
    least: int,
    accepted: str = "",
) -> Timed:
    """One decoder's answers, of so many bytes at least; inputs name all weights, for no cache holds them."""
    notes = {"tokens": f"{TOKENS} behind {PROMPT}", **({"accepted": accepted} if accepted else {})}
    providers: dict[str, Callable[..., Answer]] = {
        "offbook": lambda prompt_1P, _: make().captured(prompt_1P),
        "replaced": lambda prompt_1P, _: make().by_kernels(prompt_1P),
    }
    if shape.endswith(PLAIN):
        providers["transformers generate"] = lambda prompt_1P, _: make().generate(prompt_1P)
    return Timed(
        op="rounds",
        shape=shape,
        dtype=str(dtype).removeprefix("torch."),
        inputs=lambda seed: make().inputs(seed),
        providers=providers,
        agree=lambda found, inputs: make().check(found, inputs[0]),
        bytes=float(least),
        flops=0.0,
        graph=False,
        notes=notes,
    )


class _Decoders:
    """The ways to one answer of a model.

    Args:
        backbone: the model.
        drafters: two of a kind, for one of them is known to captured rounds.
        rule: makes what decides their rounds; None for the exact rule.
        soft: whether what it says is known.
    """

    def __init__(
        self, backbone: Backbone, drafters: tuple[Drafter, Drafter], rule: VerifierFor | None, *, soft: bool
    ) -> None:
        self._backbone, self._soft = backbone, soft
        self._decoder, self._plain = SpeculativeDecoder(backbone, drafters[0], verifier=rule), drafters[1]
        self._limits, self._greedy = Limits(max_new_tokens=TOKENS), Sampling()
        self._verifier = None if rule is None else rule(self._greedy)
        backbone.model.generation_config = GenerationConfig()  # nothing of its own, such as where an answer ends
        self._decoder.make_ready(sampling=self._greedy, rows=PROMPT + TOKENS)

    def inputs(self, seed: int) -> Sequence[Any]:
        """A prompt, and all weights."""
        vocabulary = self._backbone.embedding_VH.shape[0]
        prompt_1P = torch.randint(vocabulary, (1, PROMPT), generator=torch.Generator().manual_seed(seed))
        return prompt_1P.to(self._backbone.device), [*self._backbone.model.parameters()]

    def captured(self, prompt_1P: torch.Tensor) -> Answer:
        """As decoding goes by itself."""
        answer = self._decoder.generate(
            prompt_1P, sampling=self._greedy, limits=self._limits, generator=torch.Generator()
        )
        return [*answer.tokens]

    def by_kernels(self, prompt_1P: torch.Tensor) -> Answer:
        """By the loop, which asks for one kernel after the other."""
        answer = decode(
            self._backbone,
            self._plain,
            prompt_1P,
            sampling=self._greedy,
            limits=self._limits,
            generator=torch.Generator(),
            stop=Stop(self._limits, None),
            verifier=self._verifier,
        )
        return [*answer.tokens]

    @torch.inference_mode()
    def generate(self, prompt_1P: torch.Tensor) -> Answer:
        """By transformers, in the attention that the model came with."""
        self._backbone.use_native_attention()
        config = GenerationConfig(max_new_tokens=TOKENS, do_sample=False, pad_token_id=0)
        model: Any = self._backbone.model
        found = model.generate(prompt_1P, attention_mask=torch.ones_like(prompt_1P), generation_config=config)
        said: Answer = found[0, PROMPT:].tolist()
        return said

    def check(self, said: Answer, prompt_1P: torch.Tensor) -> None:
        """Fail if an answer is not what it has to be: of a soft model its last token again and again.

        Raises:
            AssertionError: it is not.
        """
        assert len(said) == TOKENS, f"expected {TOKENS} tokens, got {len(said)}"
        if self._soft:
            last = int(prompt_1P[0, -1])
            strange = [place for place, token in enumerate(said) if token != last]
            assert not strange, f"expected the prompt's last token each time, got another at {strange[:5]}"


@cache
def _accepted(name: str) -> tuple[list[int], str]:
    """Recorded rounds of a decoder, or of the first of whom there are some, and whose they are."""
    for whose in (name, *UNTRAINED):
        if found := recorded(whose):
            return found, whose
    return [1], "no decoder"


@lru_cache(maxsize=1)
def _soft(shape: str, name: str, *, dtype: torch.dtype, device: str) -> _Decoders:
    backbone = _soft_backbone(shape, dtype, device)
    vocab_size = backbone.embedding_VH.shape[0]

    def drafter() -> Drafter:
        if name == PLAIN:
            return Autoregressive()
        accepted, _ = _accepted(name)
        made = UNTRAINED[name]
        return replayed(made.build(backbone), accepted, levels=made.levels, vocab_size=vocab_size)

    return _Decoders(backbone, (drafter(), drafter()), _rule(name), soft=True)


@lru_cache(maxsize=1)
def _soft_backbone(shape: str, dtype: torch.dtype, device: str) -> Backbone:
    return Backbone(soft_model(shape, dtype=dtype, device=device))


@lru_cache(maxsize=1)
def _real(folder: Path, name: str, *, dtype: torch.dtype, device: str) -> _Decoders:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    backbone = Backbone(model.to(device))  # type: ignore[arg-type]  # transformers wraps Module.to without its signature

    def drafter() -> Drafter:
        return Autoregressive() if name == PLAIN else UNTRAINED[name].build(backbone)

    return _Decoders(backbone, (drafter(), drafter()), _rule(name), soft=False)


def _rule(name: str) -> VerifierFor | None:
    """What decides a decoder's rounds; None for the exact rule."""
    made = None if name == PLAIN else UNTRAINED[name].verifier
    return made() if made else None


def _bytes_of_a_step(folder: Path) -> int:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder), dtype=torch.bfloat16)
    return bytes_read(model)


def main(argv: Sequence[str] | None = None) -> None:
    """Time what is not timed yet.

    Raises:
        SystemExit: with 1 where an answer is wrong or a decoder fails.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("shapes", nargs="*", metavar="SHAPE", help=f"of {', '.join(SHAPES)}; all without one")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="a real model too, as save_pretrained writes it")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"after which nothing is begun ({MINUTES:g})")
    parser.add_argument("--out", type=Path, default=bench.RESULTS / "cuda.csv", help="the rows")
    chosen = parser.parse_args(argv)
    for shape in chosen.shapes:
        if shape not in SHAPES:
            parser.error(f"expected shapes among {', '.join(SHAPES)}, got {shape}; choose some of these")
    bench.refuse_other_implementations(os.environ)
    if not torch.cuda.is_available():
        parser.error("expected a CUDA device, got none; rounds are captured on GPUs alone")
    asked = cases(chosen.shapes or [*SHAPES], chosen.model, device="cuda", dtype=torch.bfloat16)
    if status := bench.run(asked, "cuda", chosen.out, time.monotonic() + 60 * chosen.minutes):
        raise SystemExit(status)


if __name__ == "__main__":
    run("offbook.harness.trials.rounds_benchmark", main)

"""What the vocabulary's loss is timed against: on a CPU what it took the place of, on a GPU the field's strongest."""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch.nn import functional

from offbook.kernels.proof.case import Timed
from offbook.kernels.vocab_loss import TeacherHead, token_nll, vocab_loss

MODELS = {"SmolLM2-135M": (576, 49_152), "Qwen2.5-0.5B": (896, 151_936), "Llama-3-8B": (4_096, 128_256)}
TEACHERS = {"SmolLM2-135M": 2_048, "Qwen2.5-0.5B": 3_584}  # hidden sizes of the 1.7B and the 7B
TOKENS = 8_192

Way = Callable[..., Any]


def cases(device: str) -> Iterator[Timed]:
    """For "cpu" few tokens of the embedded model and of a drafter over it; for "cuda" a step of real models."""
    if device == "cpu":
        hidden, size = MODELS["SmolLM2-135M"]
        for tokens in (48, 256):
            yield _labelled("SmolLM2-135M", tokens, hidden, size, torch.float32, device)
        yield _measured("SmolLM2-135M", 64, hidden, size, torch.float32, device)
        yield _taught("drafter of 8192 tokens", 128, hidden, 8_192, hidden, torch.float32, device)
    else:
        for model, (hidden, size) in MODELS.items():
            yield _labelled(model, TOKENS, hidden, size, torch.bfloat16, device)
            yield _labelled(model, TOKENS, hidden, size, torch.bfloat16, device, ignored=True)
            yield _measured(model, TOKENS, hidden, size, torch.bfloat16, device)
            if model in TEACHERS:
                yield _taught(model, TOKENS, hidden, size, TEACHERS[model], torch.bfloat16, device)


def _labelled(
    model: str, tokens: int, hidden: int, size: int, dtype: torch.dtype, device: str, *, ignored: bool = False
) -> Timed:
    """Loss and gradients of states and head; of half the tokens where the others are ignored."""

    def inputs(seed: int) -> Sequence[Any]:
        states, head, labels, draw = _drawn(seed, tokens, hidden, size, dtype, device)
        if ignored:
            labels[::2] = -100
        return states, head, labels, torch.rand(tokens, generator=draw, device=device) / tokens

    counting = tokens // 2 if ignored else tokens
    providers: dict[str, Way] = {
        "offbook": partial(_differentiated, _ours if ignored else _ours_of_all),
        "replaced": partial(_differentiated, _plain),
    }
    if device == "cuda":
        others = {"torch.compile": torch.compile(_plain), **_others()}
        providers |= {name: partial(_differentiated, way) for name, way in others.items()}
    return Timed(
        op="vocab_loss",
        shape=f"{model}, {tokens} tokens{', half of them ignored' if ignored else ''}, forward and backward",
        dtype=_name(dtype),
        inputs=inputs,
        providers=providers,
        bytes=2.0 * dtype.itemsize * (counting + size) * hidden,
        flops=6.0 * counting * hidden * size,
        graph=not ignored,
        notes={"gradient": "states, head"},
    )


def _measured(model: str, tokens: int, hidden: int, size: int, dtype: torch.dtype, device: str) -> Timed:
    """Negative log-likelihoods without gradient."""
    providers: dict[str, Way] = {"offbook": partial(token_nll, compact=False), "replaced": _plain_nll}
    if device == "cuda":
        providers["torch.compile"] = torch.compile(_plain_nll)
    return Timed(
        op="vocab_loss",
        shape=f"{model}, {tokens} tokens, a measurement",
        dtype=_name(dtype),
        inputs=lambda seed: _drawn(seed, tokens, hidden, size, dtype, device)[:3],
        providers=providers,
        bytes=float(dtype.itemsize * (tokens + size) * hidden),
        flops=2.0 * tokens * hidden * size,
    )


def _taught(model: str, tokens: int, hidden: int, size: int, teacher: int, dtype: torch.dtype, device: str) -> Timed:
    """Divergence from a teacher that is a head of its own, with the gradient of the states alone."""

    def inputs(seed: int) -> Sequence[Any]:
        states, head, _, draw = _drawn(seed, tokens, hidden, size, dtype, device)
        wanted = torch.randn(tokens, teacher, generator=draw, device=device).to(dtype)
        law = (torch.randn(size, teacher, generator=draw, device=device) / teacher**0.5).to(dtype)
        return states, head, wanted, law, torch.rand(tokens, generator=draw, device=device) / tokens

    providers: dict[str, Way] = {"offbook": _our_divergence, "replaced": _plain_divergence}
    if device == "cuda":
        providers["torch.compile"] = torch.compile(_plain_divergence)
    return Timed(
        op="vocab_loss",
        shape=f"{model}, {tokens} tokens, a teacher, forward and backward",
        dtype=_name(dtype),
        inputs=inputs,
        providers=providers,
        bytes=float(dtype.itemsize * (tokens * (2 * hidden + teacher) + size * (hidden + teacher))),
        flops=2.0 * tokens * size * (2 * hidden + teacher),
        notes={"gradient": "states"},
    )


def _drawn(
    seed: int, tokens: int, hidden: int, size: int, dtype: torch.dtype, device: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Generator]:
    draw = torch.Generator(device).manual_seed(seed)
    states = torch.randn(tokens, hidden, generator=draw, device=device).to(dtype)
    head = (torch.randn(size, hidden, generator=draw, device=device) / hidden**0.5).to(dtype)
    return states, head, torch.randint(size, (tokens,), generator=draw, device=device), draw


def _differentiated(way: Way, states: torch.Tensor, head: torch.Tensor, *more: Any) -> tuple[torch.Tensor, ...]:
    states, head = (side.detach().requires_grad_() for side in (states, head))
    loss = way(states, head, *more)
    return loss.detach(), *torch.autograd.grad(loss, (states, head))


def _ours(states: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return vocab_loss(states, head, labels, weights).loss


def _ours_of_all(states: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return vocab_loss(states, head, labels, weights, compact=False).loss


def _plain(states: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    logits = functional.linear(states, head)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return (functional.cross_entropy(logits, labels, reduction="none") * weights).sum()


@torch.no_grad()
def _plain_nll(states: torch.Tensor, head: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    logits = functional.linear(states, head)
    return functional.cross_entropy(
        logits.to(torch.promote_types(logits.dtype, torch.float32)), labels, reduction="none"
    )


def _our_divergence(
    states: torch.Tensor, head: torch.Tensor, wanted: torch.Tensor, law: torch.Tensor, shares: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    states = states.detach().requires_grad_()
    teacher = TeacherHead(hidden_NG=wanted, head_WG=law)
    loss = vocab_loss(states, head, None, None, teacher=teacher, divergence_weights_N=shares, compact=False).loss
    return loss.detach(), *torch.autograd.grad(loss, states)


def _plain_divergence(
    states: torch.Tensor, head: torch.Tensor, wanted: torch.Tensor, law: torch.Tensor, shares: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    states = states.detach().requires_grad_()
    full = torch.promote_types(states.dtype, torch.float32)
    log_q = functional.linear(states, head).to(full).log_softmax(dim=-1)
    with torch.no_grad():
        log_p = functional.linear(wanted, law).to(full).log_softmax(dim=-1)
    loss = (functional.kl_div(log_q, log_p, log_target=True, reduction="none").sum(dim=-1) * shares).sum()
    return loss.detach(), *torch.autograd.grad(loss, states)


def _others() -> dict[str, Way]:
    """Libraries that are here; each as its authors would call it for weights that are known before."""
    found: dict[str, Way] = {}
    if importlib.util.find_spec("cut_cross_entropy") is not None:
        found["cut-cross-entropy"] = _cut_cross_entropy
    if importlib.util.find_spec("liger_kernel") is not None:
        found["Liger"] = _liger
    if hasattr(functional, "linear_cross_entropy"):
        found["torch's own"] = _torch
    return found


def _cut_cross_entropy(
    states: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    from cut_cross_entropy import linear_cross_entropy  # type: ignore[import-not-found]

    loss: torch.Tensor = (linear_cross_entropy(states, head, labels, reduction="none") * weights).sum()
    return loss


def _liger(states: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    from liger_kernel.transformers.functional import (  # type: ignore[import-not-found]
        liger_fused_linear_cross_entropy,
    )

    loss: torch.Tensor = (liger_fused_linear_cross_entropy(states, head, labels, reduction="none") * weights).sum()
    return loss


def _torch(states: torch.Tensor, head: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    own: Any = functional
    loss: torch.Tensor = (own.linear_cross_entropy(states, head, labels, reduction="none") * weights).sum()
    return loss


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")

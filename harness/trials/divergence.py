"""How far a student's next tokens left its base model's: KL(base ‖ student) a token, teacher-forced on fixed texts.

    generic   short texts of many kinds (`tasks.generic_text`), read as they stand
    task      the base model's own greedy answers to development questions, behind the prompts of training

The base model's laws are computed once a run, base model and set of questions, and kept in a file: of each token the K
most probable next tokens, with the rest as one more outcome. The divergence over these K + 1 outcomes is at most that
over the whole vocabulary (log-sum inequality), and equal to it where K holds all of it; 256 of them take a hundredth of
the room. Every student is held against the same file.

Legend: T tokens of all texts, t of one, K outcomes that are kept, V vocabulary.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.continuations import next_token_logprobs
from offbook.engine.progress import Progress
from offbook.engine.tensor_file import read_tensors, write_tensors
from offbook.engine.unusable import UnusableError
from offbook.harness.records.divergence import Kind, TextDivergence
from offbook.harness.records.spent import spending

KEPT = 256  # K
LEAST = 1e-9  # below it a probability of the rest is rounding
TEXTS, KEY = "texts", "key"  # among the words of the file


@dataclass(frozen=True, kw_only=True)
class Text:
    """A text behind a prompt, as token ids; the rest as in `records.divergence.TextDivergence`."""

    kind: Kind
    id: str
    cluster: str
    prompt: tuple[int, ...]
    tokens: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Texts, and the base model's laws of their tokens.

    Attributes:
        key: of what decided them.
        texts: in order.
        ids_TK: the likeliest next tokens.
        logprobs_TK: their log-probabilities, fp32.
    """

    key: str
    texts: tuple[Text, ...]
    ids_TK: torch.Tensor
    logprobs_TK: torch.Tensor

    def save(self, path: Path) -> None:
        """Writes it, whole or not at all."""
        words = {KEY: self.key, TEXTS: json.dumps([asdict(text) for text in self.texts])}
        tensors = {"ids": self.ids_TK.to(torch.int32), "logprobs": self.logprobs_TK}
        write_tensors(path, tensors, words, sealed=True)


def make_reference(
    key: str, backbone: Backbone, texts: Sequence[Text], progress: Progress, *, kept: int = KEPT
) -> Reference:
    """The base model's laws of these texts, the K likeliest tokens of each.

    Raises:
        NotFiniteError: logits that are not finite.
    """
    ids: list[torch.Tensor] = []
    logprobs: list[torch.Tensor] = []
    with spending("forwards"):
        for done, text in enumerate(texts):
            progress.update(done, len(texts), "the untouched model reads texts that students will be held against")
            law_tV = next_token_logprobs(backbone, text.prompt, text.tokens)
            top = law_tV.topk(min(kept, law_tV.shape[1]))
            ids.append(top.indices.cpu())
            logprobs.append(top.values.cpu())
    return Reference(key=key, texts=tuple(texts), ids_TK=torch.cat(ids), logprobs_TK=torch.cat(logprobs))


def load_reference(path: Path, key: str) -> Reference:
    """What was saved under a key.

    Raises:
        UnusableError: a damaged file, or that of another key.
    """
    remedy = "delete it, and it is made anew"
    tensors, words = read_tensors(path, remedy=remedy, sealed=True)
    if words.get(KEY) != key:
        msg = f"{path}: expected the laws of {key[:12]}, got others; {remedy}"
        raise UnusableError(msg, path)
    texts = tuple(
        Text(**(fields | {name: tuple(fields[name]) for name in ("prompt", "tokens")}))
        for fields in json.loads(words[TEXTS])
    )
    return Reference(key=key, texts=texts, ids_TK=tensors["ids"].long(), logprobs_TK=tensors["logprobs"])


def divergence(reference: Reference, backbone: Backbone, title: str, progress: Progress) -> tuple[TextDivergence, ...]:
    """A student's, text by text.

    Args:
        reference: of its base model.
        backbone: the student's.
        title: for people.
        progress: is told how far it is.

    Raises:
        NotFiniteError: logits that are not finite.
    """
    found = []
    edges = accumulate((len(text.tokens) for text in reference.texts), initial=0)
    with spending("forwards"):
        for done, (text, (start, end)) in enumerate(zip(reference.texts, pairwise(edges), strict=True)):
            progress.update(done, len(reference.texts), title)
            law_tV = next_token_logprobs(backbone, text.prompt, text.tokens).cpu()
            nats_t = token_divergence(reference.ids_TK[start:end], reference.logprobs_TK[start:end], law_tV)
            found.append(
                TextDivergence(
                    kind=text.kind,
                    id=text.id,
                    cluster=text.cluster,
                    tokens=len(text.tokens),
                    nats=max(0.0, float(nats_t.sum())),
                )
            )
    return tuple(found)


def token_divergence(ids_tK: torch.Tensor, logprobs_tK: torch.Tensor, law_tV: torch.Tensor) -> torch.Tensor:
    """KL (t,) in nats over K outcomes and the rest: of laws whose K likeliest are given, from laws (t, V)."""
    log_p_tK, log_q_tK = logprobs_tK.double(), law_tV.gather(1, ids_tK).double()
    rest_p_t, rest_q_t = ((1 - each.exp().sum(dim=1)).clamp(min=LEAST) for each in (log_p_tK, log_q_tK))
    among_t = (log_p_tK.exp() * (log_p_tK - log_q_tK)).sum(dim=1)
    return among_t + rest_p_t * (rest_p_t / rest_q_t).log()

"""What an analysis of latent space reads, and by whom: corpus, other texts, models; nothing is read twice.

Texts out of distribution are the procedural ones of the development split, generic ones come from the prompts that
drafters train on: no test item is read.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.pretrained import load, weights_sha256
from offbook.engine.progress import Progress
from offbook.engine.students.corpus import Corpus, instruct, load_corpus
from offbook.engine.students.paths import encode_corpus
from offbook.engine.students.text_encoder import load_encoder, path_vectors
from offbook.harness.latent.documents import read_documents, token_divergence
from offbook.harness.latent.hidden_states import Reading, read_corpus
from offbook.harness.latent.state_cache import remembered
from offbook.tasks.procedural import FAMILIES, problems
from offbook.tasks.procedural.documents import OOD_FAMILIES, documents
from offbook.tasks.prompts import load_prompts
from offbook.tasks.rationales.procedural_teacher import corpus as procedural_corpus

GENERIC = ("chat", "summarisation")
SHAPE = ("num_hidden_layers", "hidden_size", "vocab_size")
VERSION = 1  # raise it when `read_corpus`, `read_documents` or `token_divergence` measure something else

T = TypeVar("T")


class Subject:
    """A model to be read: its files are hashed at once, its weights loaded when something has not been read yet.

    Args:
        name: what the tables call it.
        source: alias, folder or id.
        dtype: of the weights.
        device: where it runs.
    """

    def __init__(self, name: str, source: str, *, dtype: torch.dtype, device: torch.device) -> None:
        self.name, self.source, self.dtype, self.device = name, source, dtype, device
        self.identity = [VERSION, weights_sha256(source), str(dtype), device.type]

    @cached_property
    def loaded(self) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """Model and tokenizer.

        Raises:
            ValueError: what `load` or `Backbone` refuse; branches replace the model's mask as trees do.
        """
        model, tokenizer = load(self.source, dtype=self.dtype, device=self.device)
        Backbone(model).use_native_attention()
        return model, tokenizer

    def release(self) -> None:
        """Gives the memory back."""
        self.__dict__.pop("loaded", None)


class Session:
    """The texts of one analysis as token ids of the base model, and what models make of them.

    Args:
        base: the untouched model.
        corpus: the questions whose rationales are read.
        n_texts: texts out of distribution, and generic ones in all.
        states: folder of what was read.
        progress: where to report to.

    Attributes:
        groups, labels: of every rationale, its question and its perspective.
        lengths: tokens of every rationale.
        texts: token ids by kind, "ood" and those of `GENERIC`.
    """

    def __init__(self, base: Subject, corpus: Corpus, *, n_texts: int, states: Path, progress: Progress) -> None:
        self.base, self.corpus, self.states, self.progress = base, corpus, states, progress
        model, tokenizer = base.loaded
        self.paths = encode_corpus(corpus, tokenizer, max_length=int(model.config.max_position_embeddings))
        self.groups, self.labels = corpus.path_mask.numpy().nonzero()
        self.lengths = [len(r.tokens) - 1 for question in self.paths for r in question.responses if r is not None]
        ood = [instruct(doc["question"]) for family in OOD_FAMILIES for doc in documents(family, "dev")]
        texts = {"ood": spread(ood, n_texts)}
        for category in GENERIC:
            texts[category] = spread([prompt.prompt for prompt in load_prompts("train", category)], n_texts // 2)
        self.texts = {kind: [chat_tokens(tokenizer, text) for text in found] for kind, found in texts.items()}

    def reading(self, subject: Subject) -> Reading:
        """What a model makes of the corpus.

        Raises:
            ValueError: it has not the base model's shape.
        """
        tokens = [[p.prompt, [r and [r.tokens, r.answer] for r in p.responses]] for p in self.paths]
        said = self._said(f"{subject.name} reads rationales")
        found = remembered(
            self.states,
            f"{subject.name}-rationales",
            [subject.identity, tokens],
            lambda: asdict(read_corpus(self._fitting(subject), self.paths, said)),
        )
        return Reading(**found)

    def document_states(self, subject: Subject, kind: str) -> torch.Tensor:
        """What a model makes of the other texts of a kind: states (N, L, D)."""
        texts, said = self.texts[kind], self._said(f"{subject.name} reads {kind} texts")
        return remembered(
            self.states,
            f"{subject.name}-{kind}",
            [subject.identity, texts],
            lambda: {"states_NLD": read_documents(self._fitting(subject), texts, said)},
        )["states_NLD"]

    def divergence(self, student: Subject, kind: str) -> list[float]:
        """How far a student's next tokens left the base model's on the texts of a kind: nats a token, of each text."""
        texts, said = self.texts[kind], self._said(f"{student.name} against the base on {kind} texts")
        found = remembered(
            self.states,
            f"{student.name}-{kind}-divergence",
            [student.identity, self.base.identity, texts],
            lambda: {"kl_N": token_divergence(self.base.loaded[0], self._fitting(student), texts, said)},
        )
        return [float(value) for value in found["kl_N"]]

    def encoded(self, encoder: str) -> torch.Tensor:
        """Every rationale, with its question, as the vector of a text encoder: (M, E)."""
        loaded = load_encoder(encoder, self.base.device)
        said = self._said("the text encoder reads rationales")
        return path_vectors(self.corpus, loaded, self.states, said).values[self.corpus.path_mask]

    def _fitting(self, subject: Subject) -> PreTrainedModel:
        model = subject.loaded[0]
        found, expected = (
            [getattr(each.config, name, None) for name in SHAPE] for each in (model, self.base.loaded[0])
        )
        if found != expected:
            msg = (
                f"--student {subject.name}: expected {expected} of the base model as {', '.join(SHAPE)}, got {found}; "
                "name the base that the student was trained from"
            )
            raise ValueError(msg)
        return model

    def _said(self, message: str) -> Callable[[int, int], object]:
        return lambda done, total: self.progress.update(done, total, message)


def read_questions(path: Path | None, n: int) -> Corpus:
    """At most n questions of a corpus, or procedural ones of the development split.

    Raises:
        ValueError: a file that is no corpus, or has fewer than two questions or two perspectives.
    """
    if path is None:
        return procedural_corpus(spread([problem for name in FAMILIES for problem in problems("dev", name)], n))
    corpus = load_corpus(path)
    if len(corpus) < 2 or len(corpus.perspectives) < 2:
        msg = (
            f"{path}: expected at least two questions and two perspectives, got {len(corpus)} and "
            f"{len(corpus.perspectives)}; nothing could be told apart"
        )
        raise ValueError(msg)
    return Corpus.of(spread(corpus.questions, n), corpus.perspectives)


def spread(items: Sequence[T], n: int) -> list[T]:
    """At most n items, evenly over all of them: families and files are often sorted."""
    n = min(n, len(items))
    return [items[i * len(items) // n] for i in range(n)]

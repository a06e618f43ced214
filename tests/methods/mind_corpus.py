"""A corpus of four questions from three perspectives, one of them missing once, and a MetaNet that prefers some."""

import torch

from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.engine.students.paths import Paths, encode_corpus
from offbook.methods.mind.metanet import MetaNet
from tests.tiny import tiny_tokenizer

NAMES = ("formal", "intuitive", "planning")
TOKENIZER = tiny_tokenizer()
WIDTH = 6


def mind_corpus() -> Corpus:
    questions = []
    for i in range(4):
        steps = (f"{i} + 8 = {i + 8}.", "Eight more.", f"Plan: count up from {i}. Then I count eight steps.")
        rationales = []
        for name, step in zip(NAMES, steps, strict=True):
            text, span = close(step, str(i + 8))
            rationales.append(
                Rationale(perspective=name, text=text, answer_span=span, provenance="test", licence="Apache-2.0")
            )
        if i == 1:
            del rationales[1]
        questions.append(Question(id=f"q{i}", question=f"{i} + 8?", answer=str(i + 8), rationales=tuple(rationales)))
    return Corpus.of(questions)


def mind_paths() -> list[Paths]:
    return encode_corpus(mind_corpus(), TOKENIZER, max_length=400)


def path_vectors() -> torch.Tensor:
    """(4, 3, WIDTH), NaN where the path is missing."""
    vectors_NKE = torch.randn(4, len(NAMES), WIDTH, generator=torch.Generator().manual_seed(0))
    vectors_NKE[~mind_corpus().path_mask] = torch.nan
    return vectors_NKE


def opinionated(network: MetaNet) -> MetaNet:
    """The network with heads that no longer score all paths alike."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, p in network.heads.named_parameters():
            if name.endswith("2.weight"):
                p.normal_(std=0.1)
    return network

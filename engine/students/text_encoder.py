"""A frozen text encoder: question and rationale in, one vector out; vectors are kept on disk.

MIND's Teaching Assistant reads rationales through it (feature alignment, arXiv:2601.03717). The embedded sentence
encoder `all-minilm-l6-v2` is the default; any BERT-like encoder works by folder or Hugging Face id.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.embedded import ENCODERS
from offbook.engine.embedded_folder import prepare
from offbook.engine.encoding import check_ids, check_text, rows_of
from offbook.engine.finite import check_weights
from offbook.engine.model_folder import check_complete, check_files, check_plain, refuse_left
from offbook.engine.pretrained import locate, weights_sha256
from offbook.engine.quoting import quoted_path
from offbook.engine.students.corpus import Corpus
from offbook.engine.students.tables import Table, read_table, write_table

ENCODER = "all-minilm-l6-v2"
WINDOW = 512  # BERT's positions


@dataclass(frozen=True, kw_only=True)
class TextEncoder:
    """An encoder in memory; `weights_sha256` is the hash of its weights."""

    weights_sha256: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase

    @property
    def width(self) -> int:
        """E, the length of a vector."""
        return int(self.model.config.hidden_size)

    @torch.inference_mode()
    def vector(self, question: str, text: str) -> torch.Tensor:
        """The mean over tokens of [CLS] question [SEP] text [SEP], (E,), fp32.

        A text beyond the encoder's window is read in windows that all begin with the question; their vectors are
        averaged. Of a question that would fill more than half a window, as much is read as fills half.
        """
        for part in (question, text):
            check_text(part, "a text to encode")
        window = min(WINDOW, int(self.model.config.max_position_embeddings))
        encoding = self.tokenizer(
            self._first(question, window // 2),
            text,
            truncation="only_second",
            max_length=window,
            return_overflowing_tokens=True,
            padding=True,
            return_tensors="pt",
        ).to(self.model.device)
        encoding.pop("overflow_to_sample_mapping", None)
        check_ids(encoding["input_ids"].flatten().tolist(), self.tokenizer, rows_of(self.model))
        hidden_WTE = self.model(**encoding).last_hidden_state
        counts_WT1 = encoding["attention_mask"][..., None]
        means_WE = (hidden_WTE * counts_WT1).sum(dim=1) / counts_WT1.sum(dim=1)
        vector: torch.Tensor = means_WE.mean(dim=0).float().cpu()
        return vector

    def _first(self, text: str, tokens: int) -> str:
        """The beginning of a text that so many tokens spell."""
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        ends = [end for _, end in found["offset_mapping"]]
        return text[: ends[tokens - 1]] if len(ends) > tokens else text


def load_encoder(name_or_path: str = ENCODER, device: str | torch.device = "cpu") -> TextEncoder:
    """An encoder by alias, local folder or Hugging Face id.

    Raises:
        ValueError: it cannot be encoder.
    """
    source = _source(name_or_path)
    try:
        found, folder = locate(source)
        check_plain(folder, check_files(folder), name_or_path)
        tokenizer = AutoTokenizer.from_pretrained(found, trust_remote_code=False)
        model: PreTrainedModel
        model, loading = AutoModel.from_pretrained(
            found,
            use_safetensors=True,
            dtype=torch.float32,
            trust_remote_code=False,
            ignore_mismatched_sizes=True,  # they are refused below, in one line
            output_loading_info=True,
        )
    except Exception as error:  # at broken files the libraries raise whatever they stumble over
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        msg = (
            f"expected a text encoder ({', '.join(ENCODERS)}, a local folder or a Hugging Face id), got "
            f"{quoted_path(name_or_path)}: {reason}; check the name and its files"
        )
        raise ValueError(msg) from error
    missing = [name for name in loading["missing_keys"] if "pooler" not in name]  # which no vector goes through
    check_complete(missing, loading["mismatched_keys"], f"encoder {quoted_path(name_or_path)}")
    refuse_left(_own(loading["unexpected_keys"], model), f"encoder {quoted_path(name_or_path)}")
    check_weights(model.state_dict().items(), f"encoder {quoted_path(name_or_path)}", "download it again")
    model.to(device)  # type: ignore[arg-type]  # transformers wraps Module.to without its signature
    return TextEncoder(weights_sha256=weights_sha256(source), model=model.eval(), tokenizer=tokenizer)


def encoder_sha256(name_or_path: str = ENCODER) -> str:
    """The hash of an encoder's weights, without loading it.

    Raises:
        ValueError: it is out of reach.
    """
    return weights_sha256(_source(name_or_path))


def path_vectors(
    corpus: Corpus,
    encoder: TextEncoder,
    cache: Path,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Table:
    """Vectors (N, K, E) of all rationales, zero where one is missing; computed once for a corpus and kept in `cache`.

    Args:
        corpus: N questions, K perspectives.
        encoder: turns them into vectors.
        cache: folder of the vectors.
        progress: called with (questions done, N).
    """
    texts = [[q.question, *((r.perspective, r.text) for r in q.rationales)] for q in corpus.questions]
    read = [encoder.weights_sha256, WINDOW // 2, corpus.perspectives, texts]
    digest = hashlib.sha256(json.dumps(read).encode()).hexdigest()
    path = cache / f"path-vectors-{digest[:16]}.safetensors"
    if (made := read_table(path, (len(corpus), len(corpus.perspectives), encoder.width))) is not None:
        return made
    clock = time.perf_counter()
    vectors = torch.zeros(len(corpus), len(corpus.perspectives), encoder.width)
    for i, question in enumerate(corpus.questions):
        for k in range(len(corpus.perspectives)):
            rationale = corpus.path(i, k)
            if rationale is not None:
                vectors[i, k] = encoder.vector(question.question, rationale.text)
        progress(i + 1, len(corpus))
    table = Table(vectors, time.perf_counter() - clock)
    write_table(path, table)
    return table


def _own(tensors: Iterable[str], model: PreTrainedModel) -> list[str]:
    """Of these names those inside of the encoder's own parts; heads on top of it are nothing to a vector."""
    parts = {name for name, _ in model.named_children()}
    return sorted(name for name in tensors if name.removeprefix(f"{model.base_model_prefix}.").split(".")[0] in parts)


def _source(name_or_path: str) -> str:
    """What `from_pretrained` takes: an embedded encoder's folder, or the name as it is."""
    return str(prepare(name_or_path)) if name_or_path in ENCODERS else name_or_path

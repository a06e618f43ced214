"""Decoders that run by themselves, on the same model: transformers' own and llama.cpp's. See `roster.decoders`."""

from pathlib import Path
from typing import TYPE_CHECKING

from offbook.harness.roster.contender import Contender, Options
from offbook.harness.roster.decoder_options import (
    LlamaCppOptions,
    TransformersAssistedOptions,
    TransformersPromptLookupOptions,
)
from offbook.harness.roster.draft_model import load_draft_model

if TYPE_CHECKING:
    from offbook.engine.decoding.decoder import Decoder
    from offbook.harness.roster.target import Target


def _hf_generate(target: "Target", options: Options, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.transformers_generate import TransformersGenerate

    return TransformersGenerate(target.backbone, target.detokenize)


def _hf_prompt_lookup(target: "Target", options: TransformersPromptLookupOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.transformers_generate import TransformersGenerate

    return TransformersGenerate(
        target.backbone,
        target.detokenize,
        prompt_lookup_num_tokens=options.prompt_lookup_num_tokens,
        max_matching_ngram_size=options.max_matching_ngram_size,
    )


def _hf_assisted(target: "Target", options: TransformersAssistedOptions, drafter: Path | None) -> "Decoder":
    from offbook.baselines.decoding.transformers_generate import TransformersGenerate, as_assistant

    assistant = as_assistant(
        load_draft_model(target, options),
        num_assistant_tokens=options.num_assistant_tokens,
        confidence_threshold=options.assistant_confidence_threshold,
        vocab_size=int(target.backbone.config.vocab_size),
    )
    return TransformersGenerate(target.backbone, target.detokenize, assistant=assistant)


def _llama_cpp(target: "Target", options: LlamaCppOptions, drafter: Path | None) -> "Decoder":
    import torch

    from offbook.baselines.decoding.llama_cpp import LlamaCpp
    from offbook.engine.gguf_file import target_gguf
    from offbook.engine.llama_cpp_library import LlamaCppModel, require_package

    require_package()
    gguf = target_gguf(target.name, target.weights_sha256, target.device, named=options.gguf)
    size = target.backbone.embedding_VH.shape[0]
    runtime = LlamaCppModel(gguf, vocab_size=size, threads=torch.get_num_threads())
    return LlamaCpp(runtime, context_length=target.backbone.context_length, detokenize=target.detokenize)


OWN_LOOPS: dict[str, Contender] = {
    "hf_generate": Contender(
        name="hf_generate",
        summary="transformers' own generate()",
        build=_hf_generate,
        layout="transformers",
    ),
    "hf_prompt_lookup": Contender(
        name="hf_prompt_lookup",
        summary="transformers' own generate() with prompt lookup",
        build=_hf_prompt_lookup,
        options=TransformersPromptLookupOptions,
        layout="transformers",
    ),
    "hf_assisted": Contender(
        name="hf_assisted",
        summary="transformers' own generate() with an assistant: a smaller model, or the target's first layers",
        build=_hf_assisted,
        options=TransformersAssistedOptions,
        layout="transformers",
    ),
    "llama_cpp": Contender(
        name="llama_cpp",
        summary="llama.cpp on the same weights, activations rounded to 8 bits: fast, and not the target's own answers",
        build=_llama_cpp,
        options=LlamaCppOptions,
        layout="llama.cpp",
        outside=True,
        extra="llama-cpp",
    ),
}

"""What becomes of every causal-LM class of transformers: equal to `generate`, refused by name, or not built here.

    python -m tests.engine.architecture_outcomes results/architectures.md

prints the counts, writes the table, and fails where a class is none of the three, or not what is listed below.
"""

import sys
from collections import Counter
from pathlib import Path

import torch
import transformers
from transformers import PreTrainedModel

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.files import atomic_write_text
from tests.engine.architectures import VOCABULARY, class_name, names, skeleton, takes_attention_functions, tiny
from tests.engine.targets import greedy_reference
from tests.engine.tiny_drafters import Oracle, RandomTrees

PROMPT, CAP = 20, 16  # the prompt is two windows and a half long, and the answer two more
EQUAL, REFUSED, NOT_BUILT = "equal", "refused", "not built"

# Why the recipe makes no model of these that runs under transformers itself.
UNBUILT = {
    "dots3_note": "its text must fit a vision encoder that the recipe does not shrink",
    "gemma3": "the recipe does not shrink its vision encoder (gemma3_text is tried)",
    "gemma3n": "its vision encoder needs the library timm (gemma3n_text is tried)",
    "gemma4_assistant": "drafts for another model and cannot run alone",
    "gemma4_unified_assistant": "drafts for another model and cannot run alone",
    "got_ocr2": "the recipe does not shrink its vision encoder",
    "moss_transcribe_diarize": "the recipe does not shrink its audio encoder",
    "phi4_multimodal": "the recipe does not shrink its vision and audio encoders",
}
# What decodes; a class that is lost from here is a step back.
_NAMES = """
    afmoe apertus apertus1p5_text arcee aria_text beam bert bert-generation bitnet codegen cohere cohere2
    cohere2_moe cohere_compass_text ctrl cwm dbrx diffllama dots1 electra emu3 ernie ernie4_5 ernie4_5_moe
    exaone exaone4 exaone_moe flex_olmo fuyu gemma gemma2 gemma3_text glm glm4 glm4_moe gpt-sw3 gpt2 gpt_bigcode
    gpt_neox gptj granite granitemoe granitemoehybrid granitemoeshared helium hrm_text hunyuan_v1_dense
    hunyuan_v1_moe hy_v3 hyperclovax internlm3 iquestcoder jais2 jetmoe kolibri1 laguna llama mellum minimax_m2
    minimax_m3_vl_text ministral ministral3 mistral mixtral mllama modernbert-decoder nanochat olmo olmo2 olmo3
    olmoe opt persimmon phi phi3 qwen2 qwen2_moe qwen3 qwen3_moe roc_bert sarvam_moe seed_oss smollm3 solar_open
    starcoder2 vaultgemma
"""
DECODES = frozenset(_NAMES.split())


def outcome(model_type: str) -> tuple[str, str]:
    """One of the three, and a reason.

    Raises:
        AssertionError: none of them: another answer than `generate`'s, or a refusal that does not name the class.
    """
    if not takes_attention_functions(model_type):
        try:
            model = skeleton(model_type)
        except Exception as error:  # whatever the library stumbles over
            return NOT_BUILT, _reason(error)
        refused = _backbone(model, model_type)
        assert isinstance(refused, str), f"{model_type}: takes no attention function, and is not refused"
        return REFUSED, refused
    try:
        model = tiny(model_type)
        prompt = torch.randint(3, VOCABULARY, (PROMPT,), generator=torch.Generator().manual_seed(1)).tolist()
        answer = _generate(model, prompt)
    except Exception as error:
        return NOT_BUILT, _reason(error)
    backbone = _backbone(model, model_type)
    if isinstance(backbone, str):
        return REFUSED, backbone
    assert greedy_reference(backbone, prompt, CAP + 6) == answer, f"{model_type}: generate says something else now"
    drafters = {
        "plain decoding": Autoregressive(),
        "an oracle's trees": Oracle(answer, depth=4, decoys=2),
        "random trees": RandomTrees(answer, vocabulary=VOCABULARY, max_nodes=12, hit=0.8, seed=0),
    }
    for name, drafter in drafters.items():
        generation = SpeculativeDecoder(backbone, drafter).generate(
            torch.tensor([prompt]),
            sampling=Sampling(),
            limits=Limits(max_new_tokens=CAP),
            generator=torch.Generator(),
        )
        assert list(generation.tokens) == answer[:CAP], f"{model_type}: {name} does not equal generate"
    return EQUAL, ""


def check(model_type: str) -> tuple[str, str]:
    """The outcome, which must be the one that is listed.

    Raises:
        AssertionError: see `outcome`, or a class that is not built or no longer decodes without being listed.
    """
    found, reason = outcome(model_type)
    assert (found == NOT_BUILT) == (model_type in UNBUILT), f"{model_type} is {found}: {reason}"
    assert model_type not in DECODES or found == EQUAL, f"{model_type} is {found}: {reason}"
    return found, UNBUILT.get(model_type, reason)


def _generate(model: PreTrainedModel, prompt: list[int]) -> list[int]:
    tokens = torch.tensor([prompt])
    output = model.generate(
        tokens,
        attention_mask=torch.ones_like(tokens),
        max_new_tokens=CAP + 6,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    return output[0, len(prompt) :].tolist()


def _backbone(model: PreTrainedModel, model_type: str) -> Backbone | str:
    """Ours, or the line that refuses it."""
    try:
        return Backbone(model)
    except ValueError as error:
        message = str(error)
        assert type(model).__name__ in message, f"{model_type}: a refusal without the class's name: {message}"
        assert "\n" not in message, f"{model_type}: a refusal of several lines"
        return message


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"


def main(path: Path) -> int:
    """Tries every class and writes the table."""
    torch.set_num_threads(1)
    rows, failures, counts = [], [], Counter[str]()
    for model_type in names():
        try:
            found, reason = check(model_type)
        except AssertionError as error:
            failures.append(str(error))
            found, reason = "FAILED", str(error)
        counts[found] += 1
        print(f"{model_type}: {found} {reason}".rstrip(), flush=True)
        rows.append(f"| {model_type} | {class_name(model_type)} | {found} | {reason.replace('|', '/')} |")
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
    head = (
        "# Causal-LM classes under offbook's loop\n\n"
        f"transformers {transformers.__version__}, torch {torch.__version__}: {len(rows)} model types: {told}.\n\n"
        "Equal: plain decoding, an oracle's trees and random trees say what `generate` says (greedy, fp32, a tiny "
        "random model, windows and chunks shorter than the prompt). Refused: one line that names the class. Written by "
        "`nox -s architectures`.\n\n"
        "| model type | class | outcome | why |\n|---|---|---|---|\n"
    )
    atomic_write_text(path, head + "\n".join(rows) + "\n")
    print(f"{told}; written to {path}")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

"""The embedded model in fp32 under every contender of the roster, in every layout: what transformers' `generate` says.

Contenders are built by the roster, those with a trained drafter from a checkpoint of a network that has learned
nothing: what it proposes is refused, or is a guess that holds. Trained ones are put to this by `offbook certify`.
"""

import pytest
import torch

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.layouts.names import LAYOUTS
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.checkpoint import draft_config, save_drafter
from offbook.engine.drafters.counted import count_drafter
from offbook.engine.drafters.ngrams import CountedArchitecture
from offbook.harness.roster.arms import build_arm
from offbook.harness.roster.contender import Contender
from offbook.harness.roster.decoders import DECODERS
from offbook.harness.roster.target import Target, load_target
from tests.e2e.test_embedded_model import ALIAS, CAP, PROMPT, assert_equal_or_tie

pytestmark = pytest.mark.slow
ROWS = 2_048  # of the draft vocabulary
CONTENDERS = [name for name, chosen in DECODERS.items() if not chosen.outside]


@pytest.fixture(scope="module")
def target() -> Target:
    try:
        return load_target(ALIAS, device="cpu", layout="transformers")
    except ValueError as error:
        pytest.skip(f"the embedded model is out of reach: {error}")


@pytest.fixture(scope="module")
def prompt(target):
    return chat_tokens(target.tokenizer, PROMPT)


@pytest.fixture(scope="module")
def reference(target, prompt):
    backbone, prompt_1P = target.backbone, torch.tensor([prompt])
    backbone.use_native_attention()
    try:
        output = backbone.model.generate(
            prompt_1P, attention_mask=torch.ones_like(prompt_1P), max_new_tokens=CAP, do_sample=False
        )
    finally:
        backbone.use_tree_attention()
    return output[0, len(prompt) :].tolist()


@pytest.fixture(scope="module")
def folders(target, prompt, reference, tmp_path_factory):
    """A drafter for each contender that needs one; whoever takes another's has that one's."""
    made = {}
    for name, chosen in DECODERS.items():
        if chosen.architecture is not None:
            made[name] = untrained(chosen, target, prompt, reference, tmp_path_factory.mktemp("drafters") / name)
    return made


def untrained(chosen: Contender, target: Target, prompt, reference, folder):
    architecture = chosen.trained({})
    if isinstance(architecture, CountedArchitecture):
        answers = [Answer(id=str(i), prompt_tokens=tuple(prompt), answer_tokens=tuple(reference)) for i in range(3)]
        size = target.backbone.embedding_VH.shape[0]
        return count_drafter(architecture, answers, folder, target=target.identity, vocab_size=size)
    backbone, ids = target.backbone, torch.arange(ROWS)
    layers = int(backbone.config.num_hidden_layers)
    layer = architecture.sized(draft_config(backbone), layers=layers, draft_vocab_size=ROWS)
    torch.manual_seed(0)
    network = architecture.build(layer)
    if architecture.start is not None:
        architecture.start(network, DraftHead(backbone.head_VH.float(), ids))
    save_drafter(
        folder, network, ids, layer=layer, architecture=architecture.name, target=target.identity,
        vocab_size=backbone.embedding_VH.shape[0], training={},
    )  # fmt: skip
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CONTENDERS)
def test_greedy_decoding_says_what_generate_says(target, prompt, reference, folders, name, layout):
    chosen = DECODERS[name]
    if chosen.layout not in (None, layout):
        pytest.skip(f"{name} decodes in the layout {chosen.layout} alone")
    try:
        here = target.under(layout)
    except ValueError as reason:
        pytest.skip(f"the layout {layout} is not to be had here: {reason}")
    arm = build_arm(here, chosen, drafter_folder=folders.get(name))
    assert arm.layout == layout
    generation = arm.decoder.generate(
        torch.tensor([prompt]),
        sampling=Sampling(),
        limits=Limits(max_new_tokens=CAP, eos_token_ids=target.eos_token_ids),
        generator=torch.Generator(),
    )
    assert_equal_or_tie(target.backbone, prompt, reference[: len(generation.tokens)], list(generation.tokens))
    assert len(generation.tokens) == CAP or generation.finish_reason == "eos"
    assert generation.prefill_committed + sum(r.committed for r in generation.rounds) == len(generation.tokens)


def test_every_contender_is_asked_and_none_needs_a_drafter_that_cannot_be_made(folders):
    assert {*folders} == {name for name, chosen in DECODERS.items() if chosen.architecture is not None}
    assert {*CONTENDERS} >= {*folders}

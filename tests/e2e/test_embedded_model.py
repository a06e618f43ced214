"""The embedded 135M model itself: every decoder says what transformers says, and the shipped answers are its own.

A step costs a tenth of a second, so answers are short. In fp32 two answers may part at a tie: where the target's top
two logits lie no further apart than forwards of different shapes move them, as measured on the spot.
"""

import pytest
import torch

from offbook.baselines.decoding import eagle2
from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.baselines.decoding.eagle3 import drafter as eagle3
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.engine import pretrained
from offbook.engine.chat_answers import chat_tokens
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.drafters.answers import answer_prompts, load_answers
from offbook.engine.drafters.checkpoint import draft_config
from offbook.harness.certificates.margin_probe import Probe
from offbook.methods.jakiro import drafter as jakiro
from offbook.tasks.prompts import DATA_PATH, load_prompts
from tests.engine.tiny_drafters import Oracle

ALIAS = "smollm2-135m-instruct"
CAP, SHIPPED_CAP = 12, 16
PROMPT = "Repeat after me: the cat sat on the mat, the cat sat on the mat."


@pytest.fixture(scope="module")
def target():
    try:
        model, tokenizer = pretrained.load(ALIAS)
    except ValueError as error:
        pytest.skip(f"the embedded model is out of reach: {error}")
    return Backbone(model), tokenizer


@pytest.fixture(scope="module")
def prompt(target):
    return chat_tokens(target[1], PROMPT)


@pytest.fixture(scope="module")
def reference(target, prompt):
    """What transformers' own `generate` says, with a few tokens to spare for the drafter that knows them."""
    backbone, _ = target
    prompt_1P = torch.tensor([prompt])
    backbone.use_native_attention()
    try:
        output = backbone.model.generate(
            prompt_1P, attention_mask=torch.ones_like(prompt_1P), max_new_tokens=CAP + 4, do_sample=False
        )
    finally:
        backbone.use_tree_attention()
    return output[0, len(prompt) :].tolist()


def feature_drafter(architecture):
    def make(backbone, answer):
        torch.manual_seed(0)
        own, ids, layers = architecture.own_head, torch.arange(2048), backbone.config.num_hidden_layers
        config = architecture.sized(draft_config(backbone), layers=layers, draft_vocab_size=len(ids))
        network = architecture.build(config).requires_grad_(requires_grad=False)
        head = DraftHead(backbone.head_VH, ids) if own is None else own(network, ids)
        return FeatureDrafter(backbone, network, head, tree=TreeConfig(), contrast=architecture.contrast)

    return make


DRAFTERS = {
    "autoregressive": lambda backbone, answer: Autoregressive(),
    "prompt_lookup": lambda backbone, answer: PromptLookup(),
    "eagle2": feature_drafter(eagle2.ARCHITECTURE),
    "eagle3": feature_drafter(eagle3.ARCHITECTURE),
    "jakiro": feature_drafter(jakiro.ARCHITECTURE),
    "oracle": lambda backbone, answer: Oracle(answer, depth=4, decoys=2),
}


def assert_equal_or_tie(backbone, prompt, expected, got):
    assert len(got) == len(expected)
    position = next((i for i, pair in enumerate(zip(expected, got, strict=True)) if pair[0] != pair[1]), None)
    if position is None:
        return
    tokens, margin, moved, widest = Probe(backbone, native=True)([*prompt, *expected[:position]], position)
    assert {expected[position], got[position]} == set(tokens), f"token {position}: not the top two, {tokens}"
    assert margin <= min(2 * moved, widest), (
        f"token {position}: expected {expected[position]}, got {got[position]}, margin {margin}, measured {moved}"
    )


@pytest.mark.parametrize("name", DRAFTERS)
def test_greedy_decoding_says_what_generate_says(target, prompt, reference, name):
    backbone, _ = target
    eos = frozenset(backbone.model.generation_config.eos_token_id)
    expected = reference[:CAP]
    generation = SpeculativeDecoder(backbone, DRAFTERS[name](backbone, reference)).generate(
        torch.tensor([prompt]),
        sampling=Sampling(),
        limits=Limits(max_new_tokens=CAP, eos_token_ids=eos),
        generator=torch.Generator(),
    )
    assert_equal_or_tie(backbone, prompt, expected, list(generation.tokens))
    if name == "oracle":
        assert generation.target_forwards == -(-(len(expected) - 1) // 5)  # four right guesses and a bonus a round
    if name in ("eagle2", "eagle3", "jakiro"):
        passes = TreeConfig().depth + 1 - (name == "jakiro")
        assert generation.draft_forwards == passes * generation.target_forwards
        far = generation.rounds[: -TreeConfig().depth - 2]
        assert {r.drafted for r in far} == {TreeConfig().total_tokens - 1}  # nearer the cap, less is left to commit


def test_the_shipped_answers_are_those_the_model_gives(target, tmp_path):
    backbone, tokenizer = target
    prompts = load_prompts("train")
    asked = sorted((prompts[i] for i in range(0, len(prompts), 40)), key=lambda q: len(q.prompt))[:2]
    shipped = load_answers(DATA_PATH / f"answers-{ALIAS}.jsonl", tokenizer, asked)
    backbone.use_native_attention()
    try:
        path = tmp_path / "answers.jsonl"
        given = answer_prompts(backbone.model, tokenizer, asked, path, max_new_tokens=SHIPPED_CAP, batch_size=1)
    finally:
        backbone.use_tree_attention()
    for ours, theirs in zip(given, shipped, strict=True):
        assert ours.prompt_tokens == theirs.prompt_tokens
        assert_equal_or_tie(
            backbone,
            list(ours.prompt_tokens),
            list(theirs.answer_tokens[:SHIPPED_CAP]),
            list(ours.answer_tokens),
        )


def test_answers_are_shipped_for_every_training_prompt(target):
    _, tokenizer = target
    prompts = load_prompts("train")
    shipped = load_answers(DATA_PATH / f"answers-{ALIAS}.jsonl", tokenizer, prompts)
    assert [a.id for a in shipped] == [p.id for p in prompts]
    assert all(a.answer_tokens for a in shipped)

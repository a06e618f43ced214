"""Rounds by kernels, whole and by halves: a few interpreted; on a GPU they are captured, and nothing in them waits."""

import pytest
import torch

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_layer import DraftConfig, SwiGLU
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.graph import Repeated
from offbook.engine.decoding.on_device import OnDevice
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.verify import Verdict
from tests.engine.decoding.played import PROMPT, SAMPLINGS, made, say
from tests.engine.tiny_drafters import RandomTrees
from tests.kernels.conftest import NOT_DETERMINISTIC, kernel_device  # noqa: F401 (a fixture)
from tests.tiny import tiny_model

pytestmark = pytest.mark.filterwarnings(NOT_DETERMINISTIC)
GPU = pytest.mark.parametrize("kernel_device", [pytest.param("cuda", marks=pytest.mark.gpu)], indirect=True)
PROMPTS = (PROMPT, [3, 4], [8] * 40)


def target_on(device: str) -> Backbone:
    """In fp32, which kernels take."""
    return Backbone(tiny_model("llama", vocab_size=50, tie_word_embeddings=False).to(device))


def drafter_of(backbone: Backbone, tree: TreeConfig) -> FeatureDrafter:
    """Around a random network."""
    sizes = backbone.config
    config = DraftConfig(
        hidden_size=sizes.hidden_size,
        intermediate_size=sizes.intermediate_size,
        num_attention_heads=sizes.num_attention_heads,
        num_key_value_heads=sizes.num_key_value_heads,
        head_dim=sizes.head_dim,
        rms_norm_eps=sizes.rms_norm_eps,
        rope_theta=10_000.0,
    )
    torch.manual_seed(1)
    network = DraftNetwork(config, SwiGLU(config), "mlp").to(backbone.device).requires_grad_(requires_grad=False)
    head = DraftHead(backbone.head_VH, torch.arange(50, device=backbone.device))
    return FeatureDrafter(backbone, network, head, tree=tree, contrast=False)


def drafters(backbone: Backbone, name: str, tree: TreeConfig, answer) -> list:
    """Two of a kind: whoever has played is known to the graphs that were captured with it."""
    make = {
        "autoregressive": Autoregressive,
        "eagle2": lambda: drafter_of(backbone, tree),
        "random trees": lambda: RandomTrees(answer, vocabulary=50, max_nodes=tree.total_tokens, hit=0.7, seed=5),
    }[name]
    return [make(), make()]


@pytest.mark.parametrize("kernel_device", ["forward"], indirect=True)
@pytest.mark.parametrize("name", ["eagle2", "random trees"])
def test_interpreted_kernels_play_a_few(kernel_device, name):  # noqa: F811
    backbone, sampling = target_on(kernel_device), SAMPLINGS["T 1"]
    plain, plays = drafters(backbone, name, TreeConfig(total_tokens=4, depth=1, top_k=2), range(6))
    found, state = say(backbone, plays, sampling=sampling, cap=6, device=made(backbone, plays, sampling)[0])
    expected, as_it_should = say(backbone, plain, sampling=sampling, cap=6)
    assert bool(found.times) == (name == "random trees"), "the others were played whole"
    assert (found.tokens, found.rounds) == (expected.tokens, expected.rounds)
    assert torch.equal(state, as_it_should)


def unwaited(repeated):
    """An error where the host waits in what has been captured."""

    def repeat(state):
        torch.cuda.set_sync_debug_mode("error" if repeated.captured else "default")
        try:
            repeated(state)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    return repeat


@GPU
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("name", ["autoregressive", "eagle2", "random trees"])
def test_captured_rounds_say_what_the_plain_loop_says_in_one_document_after_the_other(
    kernel_device,  # noqa: F811
    name,
    sampling,
):
    backbone, settings = target_on(kernel_device), SAMPLINGS[sampling]
    answer = say(backbone, Autoregressive(), sampling=settings, cap=80)[0].tokens
    plain, drafter = drafters(backbone, name, TreeConfig(total_tokens=12), answer)
    plays = OnDevice(backbone, drafter, None, settings, capacity=1024)
    if plays.whole is not None:
        plays.whole._repeated = unwaited(plays.whole._repeated)

    def again(capacity):
        plays.cache.count_on_host(0)
        return plays

    for prompt in PROMPTS:
        with backbone.counted() as calls:
            found, state = say(backbone, drafter, sampling=settings, cap=80, prompt=prompt, device=again)
        told = 1 + found.target_forwards
        assert told <= calls.number <= told + 1
        expected, as_it_should = say(backbone, plain, sampling=settings, cap=80, prompt=prompt)
        assert found.tokens == expected.tokens
        assert torch.equal(state, as_it_should)


@GPU
def test_decoding_on_a_gpu_plays_whole_rounds_where_kernels_run(kernel_device, monkeypatch):  # noqa: F811
    backbone = target_on(kernel_device)
    decoder, limits = SpeculativeDecoder(backbone, Autoregressive()), Limits(max_new_tokens=20)
    prompt_1P = torch.tensor([PROMPTS[0]], device=kernel_device)
    answers = []
    for chosen in ("auto", "auto", "reference"):
        monkeypatch.setenv("OFFBOOK_KERNELS", chosen)
        answers.append(
            decoder.generate(prompt_1P, sampling=Sampling(), limits=limits, generator=torch.Generator().manual_seed(0))
        )
    assert [bool(answer.times) for answer in answers] == [False, False, True]
    assert answers[0].tokens == answers[1].tokens == answers[2].tokens


@GPU
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("name", ["autoregressive", "eagle2", "random trees"])
def test_what_was_made_ready_is_captured_in_no_document(kernel_device, monkeypatch, name, sampling):  # noqa: F811
    backbone, settings = target_on(kernel_device), SAMPLINGS[sampling]
    plain, drafter = drafters(backbone, name, TreeConfig(total_tokens=12), range(40))
    decoder = SpeculativeDecoder(backbone, drafter)
    decoder.make_ready(sampling=settings, rows=100)

    def refuse(repeated, state):
        msg = "captured in a document"
        raise AssertionError(msg)

    monkeypatch.setattr(Repeated, "_capture", refuse)
    for prompt in PROMPTS:
        limits, generator = Limits(max_new_tokens=40), torch.Generator(kernel_device).manual_seed(3)
        prompt_1P = torch.tensor([prompt], device=kernel_device)
        found = decoder.generate(prompt_1P, sampling=settings, limits=limits, generator=generator)
        again = torch.Generator(kernel_device).manual_seed(3)
        twin = SpeculativeDecoder(backbone, plain)
        with monkeypatch.context() as changed:
            changed.setattr("offbook.engine.decoding.decode.captures", lambda _: False)
            expected = twin.generate(prompt_1P, sampling=settings, limits=limits, generator=again)
        assert found.tokens == expected.tokens
        assert torch.equal(generator.get_state(), again.get_state())


@GPU
def test_where_another_rule_decides_the_forward_is_captured(kernel_device):  # noqa: F811
    def first_best(settings):
        return lambda logits_NV, tree, generator: Verdict.of([0], int(logits_NV[0].argmax()), kernel_device)

    backbone = target_on(kernel_device)
    _, drafter = drafters(backbone, "random trees", TreeConfig(total_tokens=12), range(40))
    answers = []
    for captured in (True, False):
        decoder = SpeculativeDecoder(backbone, drafter, verifier=first_best)
        if captured:
            decoder.make_ready(sampling=Sampling(), rows=60)
            assert all(half.play.captured for half in decoder._device.halves._halves.values())
        limits, generator = Limits(max_new_tokens=20), torch.Generator().manual_seed(0)
        prompt_1P = torch.tensor([PROMPTS[0]], device=kernel_device)
        answers.append(decoder.generate(prompt_1P, sampling=Sampling(), limits=limits, generator=generator).tokens)
    assert answers[0] == answers[1] == say(backbone, Autoregressive(), cap=20)[0].tokens

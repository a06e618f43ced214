"""Whole rounds by kernels: a few interpreted ones, and captured ones on a GPU, in which nothing waits for the host."""

import pytest
import torch

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder, decode
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_layer import DraftConfig, SwiGLU
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.decoding.whole_rounds import WholeRounds
from tests.kernels.conftest import NOT_DETERMINISTIC, kernel_device  # noqa: F401 (a fixture)
from tests.tiny import tiny_model

pytestmark = pytest.mark.filterwarnings(NOT_DETERMINISTIC)
GPU = pytest.mark.parametrize("kernel_device", [pytest.param("cuda", marks=pytest.mark.gpu)], indirect=True)
PROMPTS = ([5, 1, 9, 9, 2, 30], [3, 4], [8] * 40)
SAMPLINGS = {
    "greedy": Sampling(),
    "T 1": Sampling(temperature=1.0),
    "both filters": Sampling(temperature=0.8, top_k=12, top_p=0.9),
}


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


def say(backbone, drafter, sampling, *, cap, rounds=None, prompt=PROMPTS[0]):
    """An answer, and the state of the generator behind it; by the plain loop unless rounds are given."""
    limits, generator = Limits(max_new_tokens=cap), torch.Generator().manual_seed(3)
    prompt_1P = torch.tensor([prompt], device=backbone.device)
    common = {"sampling": sampling, "limits": limits, "generator": generator, "stop": Stop(limits, None)}
    return decode(backbone, drafter, prompt_1P, **common, rounds=rounds), generator.get_state()


@pytest.mark.parametrize("kernel_device", ["forward"], indirect=True)
def test_interpreted_kernels_play_a_few(kernel_device):  # noqa: F811
    backbone, sampling = target_on(kernel_device), SAMPLINGS["T 1"]
    drafter = drafter_of(backbone, TreeConfig(total_tokens=4, depth=1, top_k=2))
    found, state = say(
        backbone,
        drafter,
        sampling,
        cap=6,
        rounds=lambda capacity: WholeRounds(backbone, drafter, sampling, capacity=capacity),
    )
    expected, as_it_should = say(backbone, drafter, sampling, cap=6)
    assert not found.times, "some were played whole"
    assert (found.tokens, found.rounds) == (expected.tokens, expected.rounds)
    assert torch.equal(state, as_it_should)


class Unwaited(WholeRounds):
    """An error where the host waits while a captured round is played."""

    def play(self):
        torch.cuda.set_sync_debug_mode("default" if self._captured is None else "error")
        try:
            return super().play()
        finally:
            torch.cuda.set_sync_debug_mode("default")


@GPU
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("name", ["autoregressive", "eagle2"])
def test_captured_rounds_say_what_the_plain_loop_says_in_one_document_after_the_other(
    kernel_device,  # noqa: F811
    name,
    sampling,
):
    backbone, settings = target_on(kernel_device), SAMPLINGS[sampling]
    drafter = Autoregressive() if name == "autoregressive" else drafter_of(backbone, TreeConfig(total_tokens=12))
    whole = Unwaited(backbone, drafter, settings, capacity=1024)

    def again(capacity):
        whole.cache.count_on_host(0)
        return whole

    for prompt in PROMPTS:
        with backbone.counted() as calls:
            found, state = say(backbone, drafter, settings, cap=80, prompt=prompt, rounds=again)
        told = 1 + found.target_forwards
        assert told <= calls.number <= told + 1
        expected, as_it_should = say(backbone, drafter, settings, cap=80, prompt=prompt)
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

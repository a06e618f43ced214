"""Small fp64 targets of every architecture, and draft networks for them: random ones, and one that is often right."""

import functools

import torch

from offbook.baselines.decoding import eagle2
from offbook.baselines.decoding.medusa.drafter import MedusaDrafter
from offbook.baselines.decoding.medusa.network import MedusaHeads
from offbook.baselines.decoding.speculative_sampling import LanguageModelDrafter
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.decoding.early_exit import first_layers
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.static_draft import RankTree, StaticDrafter
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.checkpoint import draft_config
from offbook.methods.jakiro import drafter as jakiro
from tests.tiny import tiny_model

ARCHITECTURES = ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2")
DRAFT_ARCHITECTURES: dict[str, DraftArchitecture] = {"eagle2": eagle2.ARCHITECTURE, "jakiro": jakiro.ARCHITECTURE}
VOCABULARY = 50


@functools.cache
def target(architecture: str = "llama", *, damped: bool = False) -> Backbone:
    """An fp64 target; where `damped`, its layers speak softly, so that the next token hangs mostly on the last one."""
    model = tiny_model(architecture, torch.float64, vocab_size=VOCABULARY, sliding_window=5, tie_word_embeddings=False)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if damped and name.endswith(("o_proj.weight", "down_proj.weight")):
                weight *= 0.03
            if damped and architecture == "gemma2" and "layernorm" in name and "post" in name:
                weight.fill_(-0.9)  # its norm behind each block multiplies by one plus this
    return Backbone(model)


def network(name: str, backbone: Backbone, *, echo: bool = False, seed: int = 0) -> DraftNetwork:
    """A random draft network, or where `echo` one whose feature is the token's embedding: right on a damped target."""
    torch.manual_seed(seed)
    net = DRAFT_ARCHITECTURES[name].build(draft_config(backbone)).to(torch.float64).requires_grad_(requires_grad=False)
    hidden = net.config.hidden_size
    for parameter in net.parameters():
        # Louder noise would drown the tokens, and every row of a pass would predict the same.
        parameter.copy_(torch.randn_like(parameter) * (0.01 if echo else 0.1))
    if echo:
        net.fc.weight[:, :hidden] += torch.eye(hidden)
    return net


def feature_drafter(
    name: str, backbone: Backbone, tree: TreeConfig, *, echo: bool = False, vocabulary: int = VOCABULARY, seed: int = 0
) -> FeatureDrafter:
    """EAGLE-2 or Jakiro around `network`, drafting from `vocabulary` random tokens."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randperm(VOCABULARY, generator=generator)[:vocabulary].sort().values
    net = network(name, backbone, echo=echo, seed=seed)
    contrast = DRAFT_ARCHITECTURES[name].contrast
    return FeatureDrafter(backbone, net, DraftHead(backbone.head_VH, ids), tree=tree, contrast=contrast)


def static_drafter(
    backbone: Backbone, shape: RankTree, *, echo: bool = False, vocabulary: int = VOCABULARY, seed: int = 0
) -> StaticDrafter:
    """EAGLE around `network`, drafting from `vocabulary` random tokens."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randperm(VOCABULARY, generator=generator)[:vocabulary].sort().values
    net = network("eagle2", backbone, echo=echo, seed=seed)
    return StaticDrafter(backbone, net, DraftHead(backbone.head_VH, ids), shape=shape)


def medusa_drafter(backbone: Backbone, *, nodes: int, seed: int = 0, own: bool = False) -> MedusaDrafter:
    """Medusa around random heads, `own` with language-model heads of their own."""
    torch.manual_seed(seed)
    net = (
        MedusaHeads(draft_config(backbone), own_rows=VOCABULARY if own else 0)
        .to(torch.float64)
        .requires_grad_(requires_grad=False)
    )
    for parameter in net.parameters():
        parameter.copy_(torch.randn_like(parameter) * 0.1)
    head = DraftHead(backbone.head_VH, torch.arange(VOCABULARY))
    return MedusaDrafter(backbone, net, head, accuracy_IR=None, nodes=nodes)


@functools.cache
def draft_model(backbone: Backbone, layers: int = 1) -> Backbone:
    """The target's first layers: often right where these speak softly, and always where all are taken."""
    return Backbone(first_layers(backbone, layers))


def language_model_drafter(backbone: Backbone, *, gamma: int, layers: int = 1) -> LanguageModelDrafter:
    """Speculative sampling by the target's first layers."""
    return LanguageModelDrafter(draft_model(backbone, layers), gamma=gamma, vocab_size=VOCABULARY)


def law_of_two(backbone: Backbone, prompt: list[int], sampling: Sampling) -> dict[tuple[int, int], float]:
    """The probability of every possible beginning of two tokens, from the model's own forwards."""
    joint = {}
    backbone.use_native_attention()
    try:
        with torch.inference_mode():
            first_V = sampling.probabilities(backbone.model(torch.tensor([prompt])).logits[0, -1])
            for first in first_V.nonzero()[:, 0].tolist():
                second_V = sampling.probabilities(backbone.model(torch.tensor([[*prompt, first]])).logits[0, -1])
                for second in second_V.nonzero()[:, 0].tolist():
                    joint[first, second] = float(first_V[first] * second_V[second])
    finally:
        backbone.use_tree_attention()
    return joint


def greedy_reference(backbone: Backbone, prompt: list[int], cap: int, *, eos: int | None = None) -> list[int]:
    """New tokens of transformers' own greedy `generate`, under the model's own attention."""
    prompt_1P = torch.tensor([prompt])
    backbone.use_native_attention()
    try:
        output = backbone.model.generate(
            prompt_1P,
            attention_mask=torch.ones_like(prompt_1P),
            max_new_tokens=cap,
            do_sample=False,
            eos_token_id=eos,
            pad_token_id=0,
        )
    finally:
        backbone.use_tree_attention()
    return output[0, len(prompt) :].tolist()

"""What the gates decode: an fp64 target, drafters and prompts that never change.

Weights are drawn per parameter, seeded by the parameter's own name, so that neither the order in which a library
fills a model nor the way it does so can move a gate. The *loud* target has something to choose at every step; in the
*soft* one the next token hangs mostly on the last, which a draft network that echoes its token's embedding can guess.

A gate for a new drafter is a line of `GATES`; one for a layout of the weights, or whatever else stands between target
and loop, is a line with a `backbone` of its own around the frozen target. `pytest tests/gates --update-gates` writes
its baseline, which is committed with it; without one it fails.
"""

import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from offbook.baselines.decoding import eagle, eagle2
from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.baselines.decoding.medusa.drafter import MedusaDrafter
from offbook.baselines.decoding.medusa.network import MedusaHeads
from offbook.baselines.decoding.medusa_typical import TypicalAcceptance
from offbook.baselines.decoding.ngram_table import NgramTable, Table
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.baselines.decoding.speculative_sampling import LanguageModelDrafter
from offbook.baselines.decoding.suffix import Suffix
from offbook.baselines.decoding.token_recycling import TokenRecycling
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.combination import Combination
from offbook.engine.decoding.controller import Controller
from offbook.engine.decoding.cost_aware import CostAware
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.draft_head import DraftHead, OwnHead
from offbook.engine.decoding.draft_network import DraftNetwork
from offbook.engine.decoding.drafter import Drafter, DrawingDrafter, LearningDrafter
from offbook.engine.decoding.early_exit import first_layers
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.static_draft import StaticDrafter
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import VerifierFor
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.architecture import DraftArchitecture
from offbook.engine.drafters.checkpoint import draft_config
from offbook.engine.drafters.counted import counted
from offbook.kernels.native_library import native_available
from offbook.methods.jakiro import drafter as jakiro
from tests.engine import eagle3_drafters
from tests.engine.decoding.tuned import BETWEEN, CHEAP, tuned
from tests.gates.frozen_experts import experts_apart
from tests.gates.frozen_weights import fill
from tests.tiny import tiny_model

VOCABULARY = 50
LIMITS = Limits(max_new_tokens=24, eos_token_ids=frozenset({33, 38}))  # one ends an answer of either target
PROMPTS = ([1, 7, 3], [5, 9, 5, 9, 5, 9, 2], [40, 11, 8, 30, 22, 16, 4, 33, 27, 12, 19, 6])
TREE = TreeConfig(total_tokens=12, depth=3, top_k=4)
SHALLOW = TreeConfig(total_tokens=8, depth=1, top_k=4)


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A decoder on a target: everything that fixes what is counted."""

    soft: bool
    drafter: Callable[[Backbone], Drafter]
    temperature: float = 0.0
    backbone: Callable[[Backbone], Backbone] = lambda frozen: frozen
    controller: Callable[[], Controller] | None = None
    verifier: VerifierFor | None = None

    def run(self) -> tuple[list[Generation], list[Tree]]:
        """Decodes every prompt; also gives the trees that were proposed."""
        backbone = self.backbone(target(soft=self.soft))
        drafter = Watched(self.drafter(backbone))
        decoder = SpeculativeDecoder(
            backbone,
            drafter,
            controller=None if self.controller is None else self.controller(),
            verifier=self.verifier,
        )
        generations = [
            decoder.generate(
                torch.tensor([prompt]),
                sampling=Sampling(temperature=self.temperature),
                limits=LIMITS,
                generator=torch.Generator().manual_seed(number),
            )
            for number, prompt in enumerate(PROMPTS)
        ]
        return generations, drafter.trees


class Watched:
    """A drafter whose trees are kept."""

    def __init__(self, drafter: Drafter) -> None:
        self.trees: list[Tree] = []
        self.networks, self.max_nodes, self.taps = drafter.networks, drafter.max_nodes, drafter.taps
        self.begin, self.observe, self._propose = drafter.begin, drafter.observe, drafter.propose
        if isinstance(drafter, LearningDrafter):
            self.learn = drafter.learn
        if isinstance(drafter, DrawingDrafter):
            self.draws, self.draw_with = drafter.draws, drafter.draw_with

    def propose(self) -> Tree:
        self.trees.append(self._propose())
        return self.trees[-1]


class Knowing:
    """A drafter that knows the greedy answers: a chain of the next tokens, each behind `decoys` wrong siblings.

    Every fourth round it errs on its second token, so that rejections are counted too.
    """

    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = ()
    depth = 4
    decoys = 2
    max_nodes = 1 + depth * (1 + decoys)

    def __init__(self, backbone: Backbone) -> None:
        self._answers = {tuple(prompt): _greedy(backbone, prompt) for prompt in PROMPTS}
        self._answer: list[int] = []
        self._prompt_length = self._seen = self._root = self._round = 0

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        self._answer = self._answers[tuple(prompt_1P[0].tolist())]
        self._prompt_length, self._seen, self._round = prompt_1P.shape[1], 1, 0

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        self._seen += count
        self._root = int(tokens_R[count - 1])

    def propose(self) -> Tree:
        self._round += 1
        done = self._seen - self._prompt_length
        tokens, parents, parent = [self._root], [-1], 0
        for level, true in enumerate(self._answer[done : done + self.depth]):
            last = (true + 1) % VOCABULARY if level == 1 and self._round % 4 == 0 else true
            wrong = [t for t in range(VOCABULARY) if t not in (true, last)][: self.decoys]
            tokens += [*wrong, last]
            parents += [parent] * (self.decoys + 1)
            parent = len(tokens) - 1
        return Tree(tuple(tokens), tuple(parents))


@functools.cache
def target(*, soft: bool) -> Backbone:
    """The frozen fp64 target."""
    model = tiny_model("llama", torch.float64, vocab_size=VOCABULARY, tie_word_embeddings=False)
    fill(model, scale=0.2)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if soft and name.endswith(("o_proj.weight", "down_proj.weight")):
                weight *= 0.03
    return Backbone(model)


def network(
    architecture: DraftArchitecture, tree: TreeConfig, *, echo: bool = False
) -> Callable[[Backbone], FeatureDrafter]:
    """A drafter around a frozen draft network: noise, or where `echo` almost the identity on the token's embedding."""

    def make(backbone: Backbone) -> FeatureDrafter:
        net = architecture.build(draft_config(backbone)).to(torch.float64).requires_grad_(requires_grad=False)
        fill(net, scale=0.01 if echo else 0.4)
        if echo:
            net.fc.weight[:, : net.config.hidden_size] += torch.eye(net.config.hidden_size)
        ids = torch.tensor([t for t in range(VOCABULARY) if t % 5 != 3])  # a draft vocabulary of four in five
        head = DraftHead(backbone.head_VH, ids)
        return FeatureDrafter(backbone, net, head, tree=tree, contrast=architecture.contrast)

    return make


def eagle3(*, echo: bool = False) -> Callable[[Backbone], FeatureDrafter]:
    """EAGLE-3 around a frozen draft network: noise, or where `echo` almost the identity on the token's embedding."""

    def make(backbone: Backbone) -> FeatureDrafter:
        ids = torch.tensor([t for t in range(VOCABULARY) if t % 5 != 3])
        net = eagle3_drafters.network(backbone, ids, echo=0.0 if echo else None)
        fill(net, scale=0.01 if echo else 0.4)
        if echo:
            eagle3_drafters.add_echo(net, backbone, ids)
        return FeatureDrafter(backbone, net, OwnHead(net.logits, ids), tree=TREE, contrast=False)

    return make


def static(backbone: Backbone) -> StaticDrafter:
    """A network that echoes under EAGLE's tree."""
    drafter = network(eagle2.ARCHITECTURE, TREE, echo=True)(backbone)
    assert isinstance(drafter.network, DraftNetwork)
    return StaticDrafter(backbone, drafter.network, drafter.head, shape=eagle.PUBLISHED)


def medusa_heads(backbone: Backbone) -> MedusaDrafter:
    """Heads that say what the target's head says, and some noise."""
    net = MedusaHeads(draft_config(backbone)).to(torch.float64).requires_grad_(requires_grad=False)
    fill(net, scale=0.4)
    ids = torch.tensor([t for t in range(VOCABULARY) if t % 5 != 3])
    return MedusaDrafter(backbone, net, DraftHead(backbone.head_VH, ids), accuracy_IR=None, nodes=11)


def chain(backbone: Backbone) -> LanguageModelDrafter:
    """The target's first layer drafts."""
    return LanguageModelDrafter(Backbone(first_layers(backbone, 1)), gamma=4, vocab_size=VOCABULARY)


@functools.cache
def laid_out(layout: str, frozen: Backbone) -> Backbone:
    """The frozen target's weights rounded to fp32, in a layout."""
    frozen.use_native_attention()
    try:
        model = copy.deepcopy(frozen.model)
    finally:
        frozen.use_tree_attention()
    return Backbone(model.float()).under(layout)


def table() -> Table:
    """Counts of answers that nobody gave."""
    answers = [
        Answer(id=str(n), prompt_tokens=tuple(p), answer_tokens=tuple((7 * n + 5 * k) % VOCABULARY for k in range(30)))
        for n, p in enumerate(PROMPTS)
    ]
    return Table([counted(answers, n) for n in (1, 2, 3)])


def lookup_else_eagle2(backbone: Backbone) -> Combination:
    """Prompt lookup before a network that echoes."""
    return Combination(PromptLookup(), network(eagle2.ARCHITECTURE, TREE, echo=True)(backbone), sure=0.5)


GATES = {
    "autoregressive": Gate(soft=False, drafter=lambda _: Autoregressive()),
    "prompt_lookup": Gate(soft=True, drafter=lambda _: PromptLookup()),
    "suffix": Gate(soft=True, drafter=lambda _: Suffix()),
    "token_recycling": Gate(soft=True, drafter=lambda _: TokenRecycling()),
    "ngram_table": Gate(soft=True, drafter=lambda _: NgramTable(table())),
    "lookup_else_eagle2": Gate(soft=True, drafter=lookup_else_eagle2),
    "knowing": Gate(soft=False, drafter=Knowing),
    "eagle2_random": Gate(soft=False, drafter=network(eagle2.ARCHITECTURE, TREE)),
    "eagle2_echo": Gate(soft=True, drafter=network(eagle2.ARCHITECTURE, TREE, echo=True)),
    "eagle2_echo_sampled": Gate(soft=True, drafter=network(eagle2.ARCHITECTURE, TREE, echo=True), temperature=1.0),
    "eagle_echo": Gate(soft=True, drafter=static),
    "eagle_echo_sampled": Gate(soft=True, drafter=static, temperature=1.0),
    "speculative_sampling": Gate(soft=True, drafter=chain),
    "speculative_sampling_sampled": Gate(soft=False, drafter=chain, temperature=1.0),
    "medusa": Gate(soft=True, drafter=medusa_heads),
    "medusa_typical_sampled": Gate(soft=True, drafter=medusa_heads, temperature=1.0, verifier=TypicalAcceptance()),
    "eagle3_random": Gate(soft=False, drafter=eagle3()),
    "eagle3_echo": Gate(soft=True, drafter=eagle3(echo=True)),
    "jakiro_random": Gate(soft=False, drafter=network(jakiro.ARCHITECTURE, TREE)),
    "jakiro_echo": Gate(soft=True, drafter=network(jakiro.ARCHITECTURE, TREE, echo=True)),
    "jakiro_decoupled": Gate(soft=True, drafter=experts_apart()),
    "jakiro_decoupled_sampled": Gate(soft=True, drafter=experts_apart(), temperature=1.0),
    "jakiro_decoupled_turns": Gate(soft=True, drafter=experts_apart("turns"), temperature=1.0),
    "jakiro_decoupled_dynamic": Gate(soft=True, drafter=experts_apart(tree=TREE)),
    "eagle2_echo_cost_aware": Gate(
        soft=True, drafter=network(eagle2.ARCHITECTURE, TREE, echo=True), controller=lambda: CostAware(tuned(CHEAP))
    ),
    "knowing_cost_aware": Gate(soft=False, drafter=Knowing, controller=lambda: CostAware(tuned(BETWEEN, draft_s=0.6))),
    "jakiro_echo_shallow": Gate(soft=True, drafter=network(jakiro.ARCHITECTURE, SHALLOW, echo=True)),
    "knowing_prepacked": Gate(soft=False, drafter=Knowing, backbone=functools.partial(laid_out, "prepacked")),
    "knowing_packed": Gate(soft=False, drafter=Knowing, backbone=functools.partial(laid_out, "packed")),
}
NATIVE = {"knowing_packed"}  # which need the C code, and are left out where it is not built
if not native_available()[0]:
    GATES = {name: gate for name, gate in GATES.items() if name not in NATIVE}
LEFT_OUT = NATIVE - GATES.keys()  # here


def _greedy(backbone: Backbone, prompt: list[int]) -> list[int]:
    """The answer by transformers' own `generate`, so that a fault of the engine does not reach the drafter."""
    prompt_1P = torch.tensor([prompt])
    backbone.use_native_attention()
    try:
        output = backbone.model.generate(
            prompt_1P,
            attention_mask=torch.ones_like(prompt_1P),
            max_new_tokens=LIMITS.max_new_tokens + Knowing.depth,
            do_sample=False,
            pad_token_id=0,
        )
    finally:
        backbone.use_tree_attention()
    return output[0, len(prompt) :].tolist()

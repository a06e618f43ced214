"""What the time gates time: a plain step, a verify of 16 rows, a draft round, a training step; on a small frozen Llama.

A *block* is a call that takes some 10 to 30 ms on one core and gives how many units of work it did, which must be the
same in both trees. `conductor.py` runs it, and asks a tree for `SIZES` and `prepare_all` only: a base revision brings
its own file, written against its own seams. Two trees are compared only where their `SIZES` are equal, so whoever
changes what a block does changes its sizes too, and says in `time_gates.json` that this is meant.

To add a time gate: a function here that prepares its block, its line in `WORKLOADS` and in `SIZES`, its name in
`time_gates.json`. All together have two minutes, so four are the most. A layout of the weights or a drafter that
comes later is first counted (`frozen.py`), which costs next to nothing; it gets a time gate instead of another.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from offbook.baselines.decoding import eagle2
from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.drafter import Drafter
from offbook.engine.decoding.feature_draft import FeatureDrafter, TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.tree import Tree
from offbook.engine.drafters.answers import Answer
from offbook.engine.drafters.checkpoint import TargetName, draft_config
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.train import Progress, train_drafter
from tests.tiny import tiny_model

Block = Callable[[], int]

MODEL = {
    "vocab_size": 2048,
    "hidden_size": 256,
    "intermediate_size": 688,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 64,
}
PROMPT = 16  # tokens
PLAIN_ROUNDS, VERIFY_ROUNDS, DRAFT_ROUNDS = 1, 1, 1  # a block
DRAFT_VOCABULARY = 1024
TRAINING = {"batch_size": 1, "length": 32, "steps": 40}
SIZES = {
    "plain_step": {**MODEL, "prompt": PROMPT, "rounds": PLAIN_ROUNDS},
    "verify_16": {**MODEL, "prompt": PROMPT, "rounds": VERIFY_ROUNDS, "rows": 16},
    "draft_round": {**MODEL, "prompt": PROMPT, "rounds": DRAFT_ROUNDS, "drafts": DRAFT_VOCABULARY},
    "training_step": {**MODEL, **TRAINING, "drafts": DRAFT_VOCABULARY},
}


def plain_step(backbone: Backbone, folder: Path) -> Block:
    """Plain decoding through the loop: a prefill and single rows behind it."""
    return _decoding(backbone, Autoregressive(), tokens=PLAIN_ROUNDS + 1)


def verify_16(backbone: Backbone, folder: Path) -> Block:
    """The loop with trees of 16 rows of which one path of two rows is kept, from further behind."""
    answer = _answer(backbone, tokens=2 * VERIFY_ROUNDS + 1)
    return _decoding(backbone, Known(answer), tokens=len(answer))


def draft_round(backbone: Backbone, folder: Path) -> Block:
    """EAGLE-2's drafter without its target: told of two rows, it proposes a tree of 16."""
    generator = torch.Generator().manual_seed(1)
    network = eagle2.ARCHITECTURE.build(draft_config(backbone)).requires_grad_(requires_grad=False)
    head = DraftHead(backbone.head_VH, torch.arange(DRAFT_VOCABULARY))
    drafter = FeatureDrafter(backbone, network, head, tree=TreeConfig(), contrast=False)
    features_RH = torch.randn(PROMPT, MODEL["hidden_size"], generator=generator)

    def block() -> int:
        drafter.begin(_prompt(), capacity=2 * PROMPT)
        drafter.observe(_prompt()[0], features_RH, PROMPT)
        nodes = len(drafter.propose())
        for _ in range(DRAFT_ROUNDS - 1):
            drafter.observe(_prompt()[0, :2], features_RH[:2], 2)
            nodes += len(drafter.propose())
        return nodes

    return block


def training_step(backbone: Backbone, folder: Path) -> Block:
    """A step of EAGLE-2's training behind its features, in the true loop, which waits at each step to be told on."""
    generator = torch.Generator().manual_seed(2)
    rows, length = TRAINING["batch_size"], TRAINING["length"]
    drawn = torch.randint(MODEL["vocab_size"], (2 + rows * TRAINING["steps"], length), generator=generator).tolist()
    answers = [
        Answer(id=str(i), prompt_tokens=tuple(tokens[: length // 4]), answer_tokens=tuple(tokens[length // 4 :]))
        for i, tokens in enumerate(drawn)
    ]
    config = TrainingConfig(epochs=1, batch_size=rows, draft_vocab_size=DRAFT_VOCABULARY, dev_fraction=1e-6)
    begin: queue.SimpleQueue[None] = queue.SimpleQueue()
    done: queue.SimpleQueue[int] = queue.SimpleQueue()

    def progress(now: Progress) -> None:
        if now.stage == "training":
            done.put(1)
            begin.get()

    def train() -> None:
        name = TargetName(name="frozen", weights_sha256="0" * 64)
        where = {"target": name, "features_dir": folder / "features", "progress": progress}
        begin.get()
        try:
            train_drafter(backbone, eagle2.ARCHITECTURE, answers, config, folder / "drafter", **where)
        finally:
            done.put(0)

    threading.Thread(target=train, daemon=True).start()

    def block() -> int:
        begin.put(None)
        if not (steps := done.get()):
            msg = "expected a training step, got the end of the training: it has fewer steps than there are blocks"
            raise RuntimeError(msg)
        return steps

    return block


def prepare_all(folder: Path) -> dict[str, Block]:
    """Every block by name, ready to be run; `folder` is theirs."""
    backbone = target()
    return {name: prepare(backbone, folder) for name, prepare in WORKLOADS.items()}


WORKLOADS: dict[str, Callable[[Backbone, Path], Block]] = {
    "plain_step": plain_step,
    "verify_16": verify_16,
    "draft_round": draft_round,
    "training_step": training_step,
}


def target() -> Backbone:
    """The frozen fp32 target that all of them share."""
    return Backbone(tiny_model("llama", **MODEL))


class Known:
    """A drafter that knows the next token, its third child, and guesses wrong otherwise: 1 + 3 + 3 x 4 nodes."""

    networks: Sequence[nn.Module] = ()
    taps: Sequence[int] = ()
    max_nodes = 16
    parents = (-1, 0, 0, 0, *(1 + i // 4 for i in range(12)))

    def __init__(self, answer: Sequence[int]) -> None:
        self._answer = answer
        self._seen = 0

    def begin(self, prompt_1P: torch.Tensor, *, capacity: int) -> None:
        self._seen = 1 - prompt_1P.shape[1]

    def observe(self, tokens_R: torch.Tensor, features_RH: torch.Tensor, count: int) -> None:
        self._seen += count

    def propose(self) -> Tree:
        root, true, behind = self._answer[self._seen - 1 : self._seen + 2]
        wrong = [token for token in range(16) if token not in (true, behind)]
        return Tree((root, *wrong[:2], true, *wrong[:12]), self.parents)


def _decoding(backbone: Backbone, drafter: Drafter, *, tokens: int) -> Block:
    """Decodes so many tokens of the greedy answer; the last is made to end it, so that no cap cuts a tree."""
    decoder = SpeculativeDecoder(backbone, drafter)
    limits = Limits(max_new_tokens=64, eos_token_ids=frozenset({_answer(backbone, tokens=tokens)[-1]}))

    def block() -> int:
        generation = decoder.generate(
            _prompt(), sampling=Sampling(temperature=0.0), limits=limits, generator=torch.Generator()
        )
        assert len(generation.tokens) == tokens
        return len(generation.rounds)

    return block


def _answer(backbone: Backbone, *, tokens: int) -> list[int]:
    limits = Limits(max_new_tokens=tokens, eos_token_ids=frozenset())
    plain: Any = SpeculativeDecoder(backbone, Autoregressive())
    generation = plain.generate(
        _prompt(), sampling=Sampling(temperature=0.0), limits=limits, generator=torch.Generator()
    )
    found = list(generation.tokens)
    assert len(set(found)) == tokens, "the frozen target must not repeat itself"
    return found


def _prompt() -> torch.Tensor:
    return torch.arange(PROMPT)[None]

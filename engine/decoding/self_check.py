"""Does our path say what the model says? Asked once, before anything is decoded, of the weights that will decode.

The backbone hands attention its own mask and positions. A model that hides a window, a chunk or a bias in *its* mask,
drops the keyword arguments on the way, counts positions otherwise or keeps states beside keys and values would run
all the same, and every contender would agree on a wrong answer. So one short text goes both ways:

    native   each root-to-leaf path of a tree behind a prompt, whole, without a cache, under the model's own attention
    ours     the prompt, then the tree in one forward, then a token behind one of its paths, from the cache

and logits of every row are compared. Windows and chunks are thousands of tokens long as a rule. For the check
they are made short where they live, in the configuration and on the layers, and put back behind it: the same code on
the same weights, at the price of some sixty rows. Where the model's own logits do not move with them, the window lives
somewhere else, and the prompt is made longer than the real one. Where there are windows, the model's own cache, which
keeps some too, is held against the model without a cache.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from offbook.engine.decoding.tree import Tree

if TYPE_CHECKING:
    from offbook.engine.decoding.backbone import Backbone

TREE = Tree((0, 1, 2, 3, 4, 5, 6), (-1, 0, 0, 1, 2, 3, 4))  # two branches of three tokens below the root, row by row
LEAVES = (5, 6)
DEPTH = 3
SHORT = 5  # tokens of the prompt where nothing is hidden by distance
WINDOW = 8  # what windows and chunks are cut to ...
LONG = 21  # ... and the prompt then: two of them and a half, so that the tree begins inside a chunk and leaves it
WINDOW_FIELD = re.compile(
    r"(^|_)(windows?|window_size|chunk_size|local_attention|index_topk|index_block_size|topk_blocks)$"
)
LAYER_KINDS = ("sliding", "chunked", "local", "window", "sparse")
# Largest difference of two logits over the largest logit. Above fp16 and bf16 the two paths differ by rounding alone,
# of the order of 1e-6; this leaves room for deep models, and a window that is not kept changes far more.
EXACT = 2e-3
# In fp16 and bf16 a single row may be far off (a router that chooses another expert); a fault is in all of them.
COARSE = 0.15
HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class _Field:
    """A number that says how far a row looks: where it is written, and under which name."""

    place: dict[str, Any]
    name: str
    value: int

    @property
    def cut(self) -> int:
        """What it is for the check; of blocks, one is kept."""
        return min(self.value, 1 if self.name.endswith("blocks") else WINDOW)


def self_check(backbone: "Backbone") -> None:
    """Compares both paths; leaves the tree attention selected.

    Raises:
        ValueError: they differ, the model raises on our path, or its logits are not finite.
    """
    model = backbone.model
    kind = type(model).__name__
    try:
        fields = [field for field in _windows(model) if 0 < field.value < backbone.context_length]
        with torch.inference_mode():
            worst = _difference(backbone, fields)
    except Exception as error:  # models of others raise whatever they stumble over
        reason = (str(error).strip().splitlines() or [""])[0].removesuffix("; choose another --model")
        msg = (
            f"expected a causal LM that decodes from keys and values under another attention function, got {kind}, "
            f"which raised {type(error).__name__}: {reason}; choose another --model"
        )
        raise ValueError(msg) from error
    finally:
        backbone.use_tree_attention()
    if worst != worst:
        msg = (
            f"expected finite logits, got NaN or infinite ones from {kind} in {model.dtype}; choose another --dtype "
            "(float32) or --model"
        )
        raise ValueError(msg)
    if worst > (tolerance := COARSE if model.dtype in HALF else EXACT):
        msg = (
            f"expected {kind} to say the same under offbook's attention as under its own, got logits that differ by "
            f"{worst:.2g} of the largest (at most {tolerance:g} is rounding): it does more than its attention call "
            "says; choose another --model"
        )
        raise ValueError(msg)


def _difference(backbone: "Backbone", fields: list[_Field]) -> float:
    """How far the two paths lie apart; NaN where a logit is not finite."""
    if not fields:
        return _compare(backbone, SHORT)
    paths, dtype = _paths(backbone, LONG), backbone.model.dtype
    whole = _native(backbone, paths)
    with _cut(fields):
        cut = _native(backbone, paths)
        own = _distance(_cached(backbone, paths), cut[0, -DEPTH:], dtype)
        if own > (COARSE if dtype in HALF else EXACT):
            return own  # what the model's `generate` says is not what the model says (Moshi)
        if _distance(cut, whole, dtype) != 0.0 or all(field.cut == field.value for field in fields):
            return _compare(backbone, LONG, native=cut)
    kinds = getattr(backbone.config, "layer_types", None)
    if kinds and not any(word in kind for kind in kinds for word in LAYER_KINDS):
        return _compare(backbone, LONG, native=whole)  # the window is named, but no layer has one
    return _compare(backbone, max(field.value for field in fields) + SHORT)


def _compare(backbone: "Backbone", prompt: int, *, native: torch.Tensor | None = None) -> float:
    """Logits of both paths, row by row: the prompt, the tree's two branches, and one token behind the first of them."""
    prompt = max(1, min(prompt, backbone.context_length - DEPTH - 2))
    paths = _paths(backbone, prompt)
    native = _native(backbone, paths) if native is None else native
    cache = backbone.new_cache(prompt + len(TREE) + 1)
    backbone.use_tree_attention()
    first = backbone.extend(paths[0, :prompt], cache, taps=(-1,))
    if (shape := tuple(first.states[0].shape)) != (prompt, backbone.embedding_VH.shape[1]):
        msg = f"expected last hidden states ({prompt}, {backbone.embedding_VH.shape[1]}), got {shape}"
        raise ValueError(msg)
    ours = [first.logits_NV]
    cache.commit(prompt)
    node_at = [[*reversed(_ancestors(leaf))] for leaf in LEAVES]
    tokens = [0] * len(TREE)
    for branch, nodes in enumerate(node_at):
        for depth, node in enumerate(nodes):
            tokens[node] = int(paths[branch, prompt + depth])
    rows = TREE.tensors(paths.device)
    tree = backbone.step(paths.new_tensor(tokens), prompt + rows.depths_N, rows.visible_NN, cache).logits_NV
    cache.commit_path(paths.new_tensor(node_at[0]))
    ours += [tree[node_at[0]], backbone.extend(paths[0, -1:], cache).logits_NV, tree[node_at[1]]]
    theirs = torch.cat([native[0], native[1, prompt : prompt + DEPTH + 1]])
    return _distance(torch.cat(ours), theirs, backbone.model.dtype)


def _ancestors(node: int) -> list[int]:
    path = [node]
    while TREE.parents[path[-1]] >= 0:
        path.append(TREE.parents[path[-1]])
    return path


def _paths(backbone: "Backbone", prompt: int) -> torch.Tensor:
    """(2, prompt + tree + 1): one prompt and one root, then other tokens on each branch."""
    prompt = max(1, min(prompt, backbone.context_length - DEPTH - 2))
    generator = torch.Generator().manual_seed(0)
    paths = torch.randint(backbone.embedding_VH.shape[0], (2, prompt + DEPTH + 2), generator=generator)
    paths[1, : prompt + 1] = paths[0, : prompt + 1]
    return paths.to(backbone.device)


def _native(backbone: "Backbone", paths: torch.Tensor) -> torch.Tensor:
    """Logits of the model alone."""
    backbone.use_native_attention()
    logits: torch.Tensor = backbone.model(input_ids=paths, use_cache=False).logits
    return logits


def _cached(backbone: "Backbone", paths: torch.Tensor) -> torch.Tensor:
    """Logits of the first path's last rows, from a cache of the model's own, as in `generate`."""
    backbone.use_native_attention()
    before = backbone.model(input_ids=paths[:1, :-DEPTH], use_cache=True)
    cache = {backbone.cache_argument: before[backbone.cache_argument]}
    logits: torch.Tensor = backbone.model(input_ids=paths[:1, -DEPTH:], use_cache=True, **cache).logits
    return logits[0]


def _distance(left: torch.Tensor, right: torch.Tensor, dtype: torch.dtype) -> float:
    """Largest difference over the largest logit; in 16 bits that of the typical row, by Euclidean length."""
    left, right = left.double(), right.double()
    if dtype in HALF:
        rows = (left - right).norm(dim=-1) / right.norm(dim=-1)
        return float(rows.median()) if bool(rows.isfinite().all()) else float("nan")
    return float((left - right).abs().max() / right.abs().max())


def _windows(model: torch.nn.Module) -> list[_Field]:
    """Every window or chunk that the configuration and the layers name, where it is written."""
    places: dict[int, dict[str, Any]] = {}
    for module in model.modules():
        config = getattr(module, "config", None)
        for holder in (module, config, getattr(config, "text_config", None)):
            if holder is not None:
                places[id(holder)] = vars(holder)
    return [
        _Field(place, name, value)
        for place in places.values()
        for name, value in place.items()
        if (WINDOW_FIELD.search(name) or (name == "block_size" and "topk_blocks" in place))
        and isinstance(value, int)
        and not isinstance(value, bool)
    ]


@contextlib.contextmanager
def _cut(fields: list[_Field]) -> Iterator[None]:
    """Inside, every window is short."""
    try:
        for field in fields:
            field.place[field.name] = field.cut
        yield
    finally:
        for field in fields:
            field.place[field.name] = field.value

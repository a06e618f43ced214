"""The loop: draft, verify, commit. It owns the target, the cache, the counter and the clock.

    prefill the prompt, commit its next token          (the root)
    repeat: the drafter proposes a tree under the root, which is cut to what the cap leaves room for
            the target looks at the whole tree in one forward
            the verifier walks it: accepted path + one bonus token
            cache keeps the path's rows, the drafter is told, the bonus becomes the root
    until end of sequence, a stop string or the cap

Every contender but transformers' own rows decodes here, plain autoregression included (its tree is the bare root).
"""

from collections.abc import Callable, Sequence

import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.clock import CallCounter, Clock, peak_bytes, reset_peak
from offbook.engine.decoding.decoder import Limits, OnCommit
from offbook.engine.decoding.drafter import Drafter
from offbook.engine.decoding.generation import Generation, Round
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.decoding.tree import Tree
from offbook.engine.decoding.verify import Verifier, verifier_for
from offbook.engine.quoting import quoted


class SpeculativeDecoder:
    """A drafter bound to a target; see `Decoder`. `detokenize` is needed for stop strings only."""

    def __init__(
        self, backbone: Backbone, drafter: Drafter, detokenize: Callable[[Sequence[int]], str] | None = None
    ) -> None:
        self.backbone = backbone
        self.drafter = drafter
        self.detokenize = detokenize

    def generate(
        self,
        prompt_1P: torch.Tensor,
        *,
        sampling: Sampling,
        limits: Limits,
        generator: torch.Generator,
        on_commit: OnCommit | None = None,
    ) -> Generation:
        """See `Decoder.generate`."""
        return decode(
            self.backbone,
            self.drafter,
            prompt_1P,
            sampling=sampling,
            limits=limits,
            generator=generator,
            stop=Stop(limits, self.detokenize),
            on_commit=on_commit,
        )


@torch.inference_mode()
def decode(
    backbone: Backbone,
    drafter: Drafter,
    prompt_1P: torch.Tensor,
    *,
    sampling: Sampling,
    limits: Limits,
    generator: torch.Generator,
    stop: Stop,
    on_commit: OnCommit | None = None,
    verifier: Verifier | None = None,
) -> Generation:
    """Continues one prompt (1, P); `verifier` defaults to the exact one for `sampling`.

    Raises:
        ValueError: empty prompt, prompt plus cap beyond the model's context, or a proposal that is no tree, or has
            more nodes or another root than was agreed.
    """
    check_prompt(prompt_1P, limits, context_length=backbone.context_length)
    verify = verifier or verifier_for(sampling)
    prompt_length, vocab_size = prompt_1P.shape[1], backbone.embedding_VH.shape[0]
    capacity = prompt_length + limits.max_new_tokens + drafter.max_nodes
    backbone.use_tree_attention()
    reset_peak(backbone.device)
    clock = Clock(backbone.device)
    cache = backbone.new_cache(capacity)

    prefill = backbone.forward(prompt_1P, cache, logits_for=1)
    cache.commit(prompt_length)
    tokens = [verify(prefill.logits_BNV[0], Tree((0,), (-1,)), generator).bonus]
    prefill_s = clock.elapsed()
    rounds: list[Round] = []
    end = stop.cut(tokens, 0)
    if on_commit:
        on_commit([*tokens])

    with CallCounter(drafter.networks) as draft_calls:
        if end is None:
            with clock.measure("draft"):
                root = prompt_1P.new_tensor([tokens])
                drafter.begin(prompt_1P.clone(), capacity=capacity)  # it may write on what it is given
                drafter.observe(torch.cat([prompt_1P[:, 1:], root], dim=1), prefill.features_BTH)
        while end is None:
            with clock.measure("draft"):
                tree = drafter.propose()
            _check_proposal(tree, drafter, tokens[-1], vocab_size)
            room = limits.max_new_tokens - len(tokens) - 1  # one place is the bonus token's
            below = backbone.levels_below(cache.length)
            tree = tree.within(room if below is None else min(room, below))
            with clock.measure("target"):
                if backbone.forgets(cache):
                    backbone.refill(cache, torch.cat([prompt_1P, prompt_1P.new_tensor([tokens])], dim=1))
                output = backbone.forward(
                    prompt_1P.new_tensor([tree.tokens]),
                    cache,
                    offsets_T=prompt_1P.new_tensor(tree.depths),
                    visible_TT=tree.ancestor_mask().to(prompt_1P.device),
                )
                verdict = verify(output.logits_BNV[0], tree, generator)
            path = prompt_1P.new_tensor(verdict.path)
            cache.commit_path(path)
            new = [*(tree.tokens[node] for node in verdict.path[1:]), verdict.bonus]
            before, accepted = len(tokens), len(new) - 1
            offered = accepted + bool(tree.children[verdict.path[-1]])
            tokens += new
            end = stop.cut(tokens, before)
            committed = (end[0] if end else len(tokens)) - before
            rounds.append(
                Round(
                    drafted=len(tree) - 1,
                    offered=min(offered, committed),
                    accepted=min(accepted, committed),
                    committed=committed,
                )
            )
            if on_commit:
                on_commit(new[:committed])
            if end is None:
                with clock.measure("draft"):
                    drafter.observe(prompt_1P.new_tensor([new]), output.features_BTH[:, path])

    kept, reason = end
    return Generation(
        prompt_tokens=prompt_length,
        tokens=tuple(tokens[:kept]),
        prefill_committed=1,
        finish_reason=reason,
        rounds=tuple(rounds),
        draft_forwards=draft_calls.calls,
        prefill_s=prefill_s,
        decode_s=clock.elapsed() - prefill_s,
        draft_s=clock.seconds.get("draft", 0.0),
        target_s=clock.seconds.get("target", 0.0),
        peak_bytes=peak_bytes(backbone.device),
    )


def _check_proposal(tree: object, drafter: Drafter, last: int, vocab_size: int) -> None:
    who = type(drafter).__name__
    if not isinstance(tree, Tree):
        msg = f"{who}.propose: expected a Tree, got {quoted(tree)}; return `offbook.Tree(tokens, parents)`"
        raise ValueError(msg)
    if len(tree) > drafter.max_nodes:
        msg = f"{who}.propose: expected at most max_nodes = {drafter.max_nodes} nodes, got {len(tree)}; propose fewer"
        raise ValueError(msg)
    if tree.tokens[0] != last:
        msg = f"{who}.propose: expected the last committed token, {last}, as root, got {tree.tokens[0]}; begin with it"
        raise ValueError(msg)
    if min(tree.tokens) < 0 or max(tree.tokens) >= vocab_size:
        strange = next(token for token in tree.tokens if not 0 <= token < vocab_size)
        msg = f"{who}.propose: expected tokens below {vocab_size}, the target's vocabulary, got {strange}; leave it out"
        raise ValueError(msg)


def check_prompt(prompt_1P: torch.Tensor, limits: Limits, *, context_length: int) -> None:
    """Refuses what no contender can decode.

    Raises:
        ValueError: several prompts, an empty one, or prompt plus cap beyond the model's context.
    """
    if prompt_1P.dim() != 2 or prompt_1P.shape[0] != 1:
        msg = f"expected one prompt of shape (1, P), got shape {tuple(prompt_1P.shape)}; decode prompts one by one"
        raise ValueError(msg)
    prompt_length = prompt_1P.shape[-1]
    if prompt_length == 0:
        msg = "expected a prompt of at least one token, got an empty one; give it some text"
        raise ValueError(msg)
    if prompt_length + limits.max_new_tokens > context_length:
        msg = (
            f"expected prompt plus new tokens within the model's context of {context_length}, got {prompt_length} + "
            f"{limits.max_new_tokens}; shorten the prompt or lower max_new_tokens"
        )
        raise ValueError(msg)

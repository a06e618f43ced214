"""The loop: draft, verify, commit. It owns the target, the cache, the counter and the clock.

    prefill the prompt, commit its next token          (the root)
    repeat: the drafter proposes a tree under the root, which its controller and the cap may cut
            the target looks at the whole tree in one forward
            the verifier walks it: accepted path + one bonus token
            cache keeps the path's rows, the drafter is told, the bonus becomes the root
    until end of sequence, a stop string or the cap

A GPU plays whole rounds alone where a drafter can, and this loop the last ones, in which no whole tree has room. Of all
others it plays the target's half: look, walk and keep, or look alone where another rule decides
(`engine.decoding.on_device`).

Every contender but transformers' own rows decodes here, plain autoregression included (its tree is the bare root).
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch

from offbook.engine.decoding.answer import Answer
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.cache import TreeCache
from offbook.engine.decoding.clock import CallCounter, Clock, peak_bytes, reset_peak
from offbook.engine.decoding.controller import Controller, Everything
from offbook.engine.decoding.decoder import Limits, OnCommit
from offbook.engine.decoding.drafter import CoupledDrafter, Drafter, DrawingDrafter, coupled
from offbook.engine.decoding.drafting import Drafting
from offbook.engine.decoding.generation import Generation, RoundTime
from offbook.engine.decoding.layouts.layout import StepOutput
from offbook.engine.decoding.on_device import OnDevice, on_device
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.decoding.target_rounds import captures
from offbook.engine.decoding.tree import Tree, TreeTensors
from offbook.engine.decoding.verify import Verifier, VerifierFor, own_numbers, races, seeds_ahead, verifier_for
from offbook.engine.decoding.whole_rounds import WholeRounds

DeviceFor = Callable[[int], OnDevice | None]  # for so many rows
LENGTHS = (1, 32, 96, 160, 256)  # of prompts, for which attention has kernels of their own; longer ones are torch's


class SpeculativeDecoder:
    """A drafter bound to a target; see `Decoder`.

    Args:
        backbone: the target.
        drafter: proposes.
        detokenize: needed for stop strings only.
        controller: decides how much of a proposal is verified; by default all of it.
        verifier: makes what decides rounds, of the settings; None for the exact one. With another the decoder may say
            what its target would not; its `Contender` is lossy then.
    """

    def __init__(
        self,
        backbone: Backbone,
        drafter: Drafter,
        detokenize: Callable[[Sequence[int]], str] | None = None,
        controller: Controller | None = None,
        verifier: VerifierFor | None = None,
    ) -> None:
        self.backbone = backbone
        self.drafter = drafter
        self.detokenize = detokenize
        self.controller = controller
        self.verifier = verifier
        self._device: OnDevice | None = None

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
            verifier=None if self.verifier is None else self.verifier(sampling),
            controller=self.controller,
            device=partial(self._on_device, sampling) if captures(self.backbone) else None,
        )

    def make_ready(self, *, sampling: Sampling, rows: int) -> None:
        """See `ReadyDecoder`: a GPU captures what it plays, and kernels are compiled for prompts of all lengths."""
        if not captures(self.backbone):
            return
        plays = self._on_device(sampling, rows + self.drafter.max_nodes)
        if plays is None:
            return
        plays.make_ready()
        form, device = plays.whole.form if plays.whole else None, self.backbone.device
        fits = min(rows, self.backbone.context_length)
        limits = Limits(max_new_tokens=2 + (form.levels if form else 0))  # room for one whole round
        for length in LENGTHS if form else ():  # its drafter's passes need a text
            if length + limits.max_new_tokens <= fits:
                prompt_1P = torch.zeros(1, length, dtype=torch.int64, device=device)
                generator = torch.Generator(device).manual_seed(0)
                self.generate(prompt_1P, sampling=sampling, limits=limits, generator=generator)

    def _on_device(self, sampling: Sampling, capacity: int) -> OnDevice | None:
        decoder = (self.backbone, self.drafter, self.controller)
        exact = self.verifier is None
        self._device = on_device(*decoder, sampling, capacity=capacity, exact=exact, before=self._device)
        return self._device


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
    controller: Controller | None = None,
    device: DeviceFor | None = None,
) -> Generation:
    """Continues one prompt (1, P).

    `verifier` defaults to the exact one for `sampling`, `controller` to one that verifies whatever is proposed.
    `device` gives what a device plays; without it that is nothing.

    Raises:
        ValueError: empty prompt, prompt plus cap beyond the model's context, or a proposal that is no tree, or has
            more nodes or another root than was agreed.
    """
    check_prompt(prompt_1P, limits, context_length=backbone.context_length)
    verify = verifier or verifier_for(sampling, backbone.device)
    prompt_P, prompt_length = prompt_1P[0], prompt_1P.shape[1]
    capacity = prompt_length + limits.max_new_tokens + drafter.max_nodes
    drafting = Drafting(drafter, controller or Everything(), vocab_size=backbone.embedding_VH.shape[0])
    backbone.use_tree_attention()
    reset_peak(backbone.device)
    clock = Clock(backbone.device)
    plays = device(capacity) if device else None
    cache = plays.cache if plays else backbone.new_cache(capacity)

    prefill = backbone.extend(prompt_P, cache, logits_for=1, taps=drafter.taps)
    cache.commit(prompt_length)
    first = verify(prefill.logits_NV, Tree((0,), (-1,)).tensors(backbone.device), generator).token
    prefill_s = clock.elapsed()
    answer, times, played_whole = Answer(stop, on_commit), list[RoundTime](), 0
    answer.begin(first)
    tokens = answer.tokens

    with CallCounter(drafter.networks) as draft_calls:
        if answer.end is None:
            drafting.begin(prompt_1P, capacity=plays.capacity if plays else capacity)
            if isinstance(drafter, DrawingDrafter):
                drafter.draw_with(sampling, own_numbers(generator))
            if isinstance(drafter, CoupledDrafter) and coupled(drafter) and races(verify):
                drafter.couple(sampling, partial(seeds_ahead, generator=generator))
            new_R = prompt_P.new_tensor(tokens)
            drafting.observe(torch.cat([prompt_P[1:], new_R]), prefill.features(prompt_length), root=tokens[-1])
            if plays and plays.whole and plays.whole.form and verifier is None:
                played_whole = _play_whole(plays.whole, cache, drafting, answer, draft_calls, limits, generator)
        while answer.end is None:
            lap = clock.lap()
            with lap.measure("draft"):
                room = limits.max_new_tokens - len(tokens) - 1  # one place is the bonus token's
                below = backbone.levels_below(cache.length)
                tree = drafting.propose(context=cache.length, room=room if below is None else min(room, below))
            with lap.measure("target"):
                if backbone.forgets(cache):
                    backbone.refill(cache, torch.cat([prompt_P, prompt_P.new_tensor(tokens)]))
                judged = plays is not None and verifier is None and tree.drawn_from_NV is None
                if plays and judged:
                    output, verdict = plays.halves.play(tree, generator)
                else:
                    rows = tree.tensors(backbone.device)
                    output = plays.halves.step(tree) if plays else _stepped(backbone, cache, rows, drafter.taps)
                    verdict = verify(output.logits_NV, rows, generator)
            path_R = verdict.path_R[: len(verdict.path)]
            if not judged:
                cache.commit_path(path_R)
            new = answer.add(tree, verdict.path, verdict.token)
            if answer.end is None:
                with lap.measure("draft"):
                    drafting.learn(tree, verdict.path, new[-1], output.logits_NV)
                    drafting.observe(prompt_P.new_tensor(new), output.features(len(tree))[path_R], root=new[-1])
            times.append(RoundTime.of(lap.seconds["draft"], lap.seconds["target"], lap.elapsed()))

    assert answer.end is not None
    kept, reason = answer.end
    return Generation(
        prompt_tokens=prompt_length,
        tokens=tuple(tokens[:kept]),
        prefill_committed=1,
        finish_reason=reason,
        rounds=tuple(answer.rounds),
        draft_forwards=draft_calls.calls,
        prefill_s=prefill_s,
        decode_s=clock.elapsed() - prefill_s,
        draft_s=None if played_whole else sum(time.draft_s or 0.0 for time in times),
        target_s=None if played_whole else sum(time.target_s or 0.0 for time in times),
        peak_bytes=peak_bytes(backbone.device),
        times=() if played_whole else tuple(times),
        predicted=tuple(answer.predicted) if any(answer.predicted) else (),
    )


def _stepped(backbone: Backbone, cache: TreeCache, tree: TreeTensors, taps: Sequence[int]) -> StepOutput:
    """What the target says of a tree, kernel by kernel."""
    return backbone.step(tree.tokens_N, cache.length + tree.depths_N, tree.visible_NN, cache, taps=taps)


def _play_whole(
    whole: WholeRounds,
    cache: TreeCache,
    drafting: Drafting,
    answer: Answer,
    draft_calls: CallCounter,
    limits: Limits,
    generator: torch.Generator,
) -> int:
    """Rounds that a device plays, as long as there is room for whole ones; how many."""

    def room() -> int:
        return limits.max_new_tokens - len(answer.tokens)

    if room() < whole.most:
        return 0
    drafting.hand_over()
    calls, length = draft_calls.calls, cache.length
    for told in whole.told(answer.tokens[-1], room, generator):
        answer.add(*told)
        if answer.end:
            break
    played = len(answer.rounds)
    draft_calls.calls = calls + whole.passes * played  # nobody calls what a graph does again
    root = answer.tokens[-1]
    whole.end(root, length + len(answer.tokens) - 1)
    drafting.go_on(root)
    return played


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

"""llama.cpp's own greedy decoding and sampling: the row that users of quantised models know.

It reads the same blocks of weights as the target was made of and rounds activations to 8 bits before each product, so
its answers part from the target's and its certificate says how often. Neither a forward of it is seen from here: it is
the one contender whose calls of the target cannot be counted. Token ids go in and out, the stop rule and the clock are
those of every other contender, and nothing is kept from one document to the next.
"""

from collections.abc import Callable, Sequence

import torch

from offbook.engine.decoding.clock import Clock, peak_bytes, reset_peak
from offbook.engine.decoding.decode import check_prompt
from offbook.engine.decoding.decoder import Limits, OnCommit
from offbook.engine.decoding.generation import Generation, Round, RoundTime
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.llama_cpp_library import Runtime

_SEEDS = 2**32


class LlamaCpp:
    """See `Decoder`.

    Args:
        runtime: the model in llama.cpp.
        context_length: of the target.
        detokenize: needed for stop strings only.
    """

    def __init__(
        self, runtime: Runtime, *, context_length: int, detokenize: Callable[[Sequence[int]], str] | None = None
    ) -> None:
        self.runtime = runtime
        self.context_length = context_length
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
        """See `Decoder.generate`; its sampler's seed is drawn from `generator`. Its buffers are made off the clock."""
        check_prompt(prompt_1P, limits, context_length=self.context_length)
        stop = Stop(limits, self.detokenize)
        seed = 0 if sampling.greedy else int(torch.randint(_SEEDS, (), generator=generator))
        prompt: list[int] = prompt_1P[0].tolist()
        self.runtime.begin(len(prompt) + limits.max_new_tokens, sampling, seed)
        reset_peak(prompt_1P.device)
        clock = Clock(prompt_1P.device)
        tokens = [self.runtime.feed(prompt)]
        prefill_s = before = clock.elapsed()
        times: list[RoundTime] = []
        while True:
            if on_commit:
                on_commit(tokens[-1:])
            ended = stop.cut(tokens, len(tokens) - 1)
            if ended is not None:
                break
            tokens.append(self.runtime.feed(tokens[-1:]))
            done = clock.elapsed()
            times.append(RoundTime.of(0.0, done - before, done - before))
            before = done
        decode_s = clock.elapsed() - prefill_s
        assert ended[0] == len(tokens)
        return Generation(
            prompt_tokens=len(prompt),
            tokens=tuple(tokens),
            prefill_committed=1,
            finish_reason=ended[1],
            rounds=(Round(drafted=0, offered=0, accepted=0, committed=1),) * (len(tokens) - 1),
            draft_forwards=0,
            prefill_s=prefill_s,
            decode_s=decode_s,
            draft_s=0.0,
            target_s=decode_s,
            peak_bytes=peak_bytes(prompt_1P.device),
            times=tuple(times),
        )

"""What one decoded prompt leaves behind: tokens, rounds, forwards and seconds.

Every contender, also those that only wrap a library's own `generate`, returns a `Generation`; every
metric (`engine.decoding.metrics`) is computed from these and from nothing else, so that acceptance,
speed and accuracy describe the same tokens.

Conventions, equal for all contenders:

- `tokens` are the new tokens after trimming: the end-of-sequence token is kept as the last one, tokens
  behind it, behind a stop string or beyond the cap are dropped *before* anything is counted.
- The prefill commits the first new token (assisted decoding may commit more there); it is not a verify
  round. A round is one verify forward of the target: `drafted` candidate tokens went in, `accepted` of
  them came out, `committed` = accepted plus the bonus token, after trimming. Prefill and rounds
  together commit `tokens` and nothing else.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

FinishReason = Literal["eos", "stop", "length"]


class Round(NamedTuple):
    """One verify forward of the target.

    `drafted` counts the candidate tokens that were verified (root excluded). `offered` counts the levels at which the
    verifier had candidates to choose from on its walk: accepted + 1, or accepted where the walk ended at a leaf.
    `offered`, `accepted` and `committed` are counted after trimming (committed = accepted + 1 unless trimmed), which
    leaves out the levels behind the last token kept.
    """

    drafted: int
    offered: int
    accepted: int
    committed: int


class RoundTime(NamedTuple):
    """Seconds of one round: in the drafter, in the target's forward with its verification, and in all.

    None where a share cannot be told apart.
    """

    draft_s: float | None
    target_s: float | None
    wall_s: float

    @classmethod
    def of(cls, draft_s: float | None, target_s: float | None, wall_s: float) -> "RoundTime":
        """To the microsecond, which is what records keep."""
        draft, target = (None if seconds is None else round(seconds, 6) for seconds in (draft_s, target_s))
        return cls(draft_s=draft, target_s=target, wall_s=round(wall_s, 6))


@dataclass(frozen=True, kw_only=True)
class Generation:
    """One prompt's answer with its full account.

    Attributes:
        prompt_tokens: length of the prompt in tokens.
        tokens: new token ids after trimming.
        prefill_committed: how many of them, from the first, the prefill committed; 1 in this house's loop.
        finish_reason: "eos", "stop" (a stop string) or "length" (the cap on new tokens).
        rounds: one entry a verify forward.
        draft_forwards: calls of the draft network (0 for contenders without one).
        prefill_s: seconds until the first new token was known (drafter's prefill excluded).
        decode_s: seconds from then to the last token, drafting and verification included.
        draft_s: share of decode_s spent in the drafter; None where it cannot be told apart.
        target_s: share of decode_s spent in verify forwards; None where it cannot be told apart.
        peak_bytes: peak memory of device (CUDA) or process (CPU) while decoding, with what others keep there.
        times: of each round; empty where nobody took them.
        predicted: of each round, how many candidates of each depth, from 1, were expected to be accepted (at most one
            of a depth can be); empty for a round, or for all, where nobody said.
    """

    prompt_tokens: int
    tokens: tuple[int, ...]
    prefill_committed: int
    finish_reason: FinishReason
    rounds: tuple[Round, ...]
    draft_forwards: int
    prefill_s: float
    decode_s: float
    draft_s: float | None
    target_s: float | None
    peak_bytes: int
    times: tuple[RoundTime, ...] = ()
    predicted: tuple[tuple[float, ...], ...] = ()

    @property
    def target_forwards(self) -> int:
        """Verify forwards of the target; the prefill is not among them."""
        return len(self.rounds)

    @property
    def wall_s(self) -> float:
        """Prefill plus decoding, in seconds."""
        return self.prefill_s + self.decode_s

"""transformers' own `generate`, plain, with its prompt lookup or with an assistant model: the rows every user knows.

Nothing of the engine runs inside; the account is taken from outside. A streamer sees the tokens of every
round as they are committed and a hook sees what goes into the target's forwards. The first forward is the
prefill: plain `generate` commits one token there, assisted decoding verifies its first candidates in it as
well. In every later forward the candidates stand behind the last committed token.

An assistant is a model of its own, whose calls a hook counts. Its seconds are not told apart. transformers' option
`assistant_early_exit` drafts through the target's own module, where a draft could not be told from a call of the
target; the same first layers may be given as an assistant (`engine.decoding.early_exit`). Its
universal assisted generation, for two tokenizers, is left out: it prunes the assistant's head in place and keeps
translations from one answer to the next.

Given the same text and limits, prompt lookup finds what `baselines.decoding.prompt_lookup` finds. What differs: it
cuts candidates before an end-of-sequence token; near the cap it verifies more than can still be committed (but
nothing where one token is left); under top_p below 1 it leaves out candidates its own warper masks in a flat
distribution.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import GenerationConfig, PreTrainedModel, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.clock import CallCounter, Clock, peak_bytes, reset_peak
from offbook.engine.decoding.decode import check_prompt
from offbook.engine.decoding.decoder import Limits, OnCommit
from offbook.engine.decoding.generation import FinishReason, Generation, Round, RoundTime
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import Stop
from offbook.engine.plain_generation import plain_generation


def as_assistant(
    model: PreTrainedModel,
    *,
    num_assistant_tokens: int = 20,
    confidence_threshold: float = 0.4,
    vocab_size: int | None = None,
) -> PreTrainedModel:
    """A model, made to draft for another inside of `generate`; nothing of its own generation config is left.

    Args:
        model: of the same vocabulary.
        num_assistant_tokens: candidates of a round, at most.
        confidence_threshold: of a candidate's probability, below which it is the round's last; transformers moves it
            within an answer.
        vocab_size: rows of the target's head, where they may be others: sizes of a family are padded differently behind
            the tokens that all have. The assistant draws none that either lacks.
    """
    if vocab_size is not None:
        _fit_rows(model, vocab_size)
    model.generation_config = GenerationConfig(
        num_assistant_tokens=num_assistant_tokens,
        num_assistant_tokens_schedule="constant",  # else it would remember other answers
        assistant_confidence_threshold=confidence_threshold,
    )
    return model


def _fit_rows(model: PreTrainedModel, vocab_size: int) -> None:
    """Cuts or pads a model's logits; a token that it lacks is read as its last one."""
    config: Any = model.config.get_text_config()
    own, config.vocab_size = int(config.vocab_size), vocab_size
    if own == vocab_size:
        return

    def read(module: torch.nn.Module, args: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (args[0].clamp(max=own - 1), *args[1:])

    def fit(module: torch.nn.Module, args: tuple[Any, ...], output: Any) -> None:
        output.logits = torch.nn.functional.pad(output.logits, (0, vocab_size - own), value=-torch.inf)

    embedding: torch.nn.Module = model.get_input_embeddings()
    embedding.register_forward_pre_hook(read)
    model.register_forward_hook(fit)


class TransformersGenerate:
    """See `Decoder`.

    Args:
        backbone: the target; its native attention is switched on while this contender runs.
        detokenize: needed for stop strings only.
        prompt_lookup_num_tokens: candidates per round of assisted prompt lookup; None for plain `generate`.
        max_matching_ngram_size: longest suffix that prompt lookup looks for.
        assistant: drafts; see `as_assistant`.

    Raises:
        ValueError: an assistant whose head has other rows than the target's, which transformers does not take; see
            `as_assistant`.
    """

    def __init__(
        self,
        backbone: Backbone,
        detokenize: Callable[[Sequence[int]], str] | None = None,
        *,
        prompt_lookup_num_tokens: int | None = None,
        max_matching_ngram_size: int = 3,
        assistant: PreTrainedModel | None = None,
    ) -> None:
        self.backbone = backbone
        self.detokenize = detokenize
        self.prompt_lookup_num_tokens = prompt_lookup_num_tokens
        self.max_matching_ngram_size = max_matching_ngram_size
        self.assistant = assistant
        if assistant is not None:
            ours, theirs = int(backbone.config.vocab_size), int(assistant.config.get_text_config().vocab_size)
            if ours != theirs:
                msg = (
                    f"expected an assistant with {ours} rows of its head, the target's number, got {theirs}, which "
                    "transformers takes for another vocabulary; name another model with the option draft"
                )
                raise ValueError(msg)

    @torch.inference_mode()
    def generate(
        self,
        prompt_1P: torch.Tensor,
        *,
        sampling: Sampling,
        limits: Limits,
        generator: torch.Generator,
        on_commit: OnCommit | None = None,
    ) -> Generation:
        """See `Decoder.generate`; transformers draws from torch's global state, which is seeded from `generator`."""
        check_prompt(prompt_1P, limits, context_length=self._context_length)
        stop = Stop(limits, self.detokenize)
        options: dict[str, Any] = {"do_sample": not sampling.greedy}
        if not sampling.greedy:
            options |= {"temperature": sampling.temperature, "top_k": sampling.top_k, "top_p": sampling.top_p}
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator, device=generator.device)))
        if self.prompt_lookup_num_tokens is not None:
            options["prompt_lookup_num_tokens"] = self.prompt_lookup_num_tokens
            options["max_matching_ngram_size"] = self.max_matching_ngram_size
        if self.assistant is not None:
            options["assistant_model"] = self.assistant
        self.backbone.use_native_attention()
        reset_peak(self.backbone.device)
        clock = Clock(self.backbone.device)
        watch = _Watch(clock, prompt_1P.shape[1], stop, on_commit)
        model = self.backbone.model
        hook = model.register_forward_pre_hook(watch.before_forward, with_kwargs=True)
        try:
            with plain_generation(model), CallCounter([] if self.assistant is None else [self.assistant]) as drafts:
                model.generate(
                    prompt_1P,
                    attention_mask=torch.ones_like(prompt_1P),
                    max_new_tokens=limits.max_new_tokens,
                    eos_token_id=sorted(limits.eos_token_ids) or None,
                    pad_token_id=min(limits.eos_token_ids, default=0),
                    streamer=watch,
                    stopping_criteria=StoppingCriteriaList([watch.criterion]),
                    **options,
                )
            decode_s = clock.elapsed() - watch.prefill_s
        finally:
            hook.remove()
            self.backbone.use_tree_attention()
        assert watch.ended is not None
        kept, reason = watch.ended
        return Generation(
            prompt_tokens=prompt_1P.shape[1],
            tokens=tuple(watch.tokens[:kept]),
            prefill_committed=watch.prefill_committed,
            finish_reason=reason,
            rounds=tuple(watch.rounds),
            draft_forwards=drafts.calls,
            prefill_s=watch.prefill_s,
            decode_s=decode_s,
            draft_s=None,
            target_s=None,
            peak_bytes=peak_bytes(self.backbone.device),
            times=tuple(watch.times),
        )

    @property
    def _context_length(self) -> int:
        """Positions that all models that take part were made for."""
        own = self.backbone.context_length
        if self.assistant is None:
            return own
        return min(own, int(self.assistant.config.get_text_config().max_position_embeddings))


class _Watch(BaseStreamer):
    """Sees every forward go in and every round of tokens come out."""

    def __init__(self, clock: Clock, prompt_length: int, stop: Stop, on_commit: OnCommit | None) -> None:
        self.tokens: list[int] = []
        self.rounds: list[Round] = []
        self.times: list[RoundTime] = []
        self.ended: tuple[int, FinishReason] | None = None
        self.prefill_committed = 0
        self.prefill_s = 0.0
        self.criterion = _Ended(self)
        self._clock = clock
        self._stop = stop
        self._on_commit = on_commit
        self._prompt_length = prompt_length
        self._prompt_seen = False
        self._forwards = 0
        self._before = 0.0
        self._candidates = torch.empty(0)

    def before_forward(self, module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._forwards += 1
        self._candidates = kwargs["input_ids"][0, 1:]

    def put(self, value: torch.Tensor) -> None:
        """Transformers hands over the prompt first, then the tokens of each round."""
        if not self._prompt_seen:
            self._prompt_seen = True
            return
        if self.ended is not None:
            return
        new = value.flatten().tolist()
        before = len(self.tokens)
        self.tokens += new
        self.ended = self._stop.cut(self.tokens, before)
        committed = (self.ended[0] if self.ended else len(self.tokens)) - before
        if self._forwards == 1:
            self.prefill_committed = committed
            self.prefill_s = self._before = self._clock.elapsed()
        else:
            candidates = self._candidates.tolist()
            hits = [candidate == token for candidate, token in zip(candidates, new, strict=False)]
            accepted = [*hits, False].index(False)  # at the cap `new` may lack the bonus token
            self.rounds.append(
                Round(
                    drafted=len(candidates),
                    offered=min(accepted + 1, len(candidates), committed),  # the candidates are a chain
                    accepted=min(accepted, committed),
                    committed=committed,
                )
            )
            done = self._clock.elapsed()
            self.times.append(RoundTime.of(None, None, done - self._before))
            self._before = done
        if self._on_commit:
            self._on_commit(new[:committed])

    def end(self) -> None:
        """Transformers' contract; there is nothing to flush."""


class _Ended(StoppingCriteria):
    """Ends generation where our own stop rule did."""

    def __init__(self, watch: _Watch) -> None:
        self._watch = watch

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **_: Any) -> torch.BoolTensor:
        done = self._watch.ended is not None
        return torch.full((input_ids.shape[0],), done, dtype=torch.bool, device=input_ids.device)  # type: ignore[return-value]

"""A causal language model that transformers runs here, asked in batches through its chat template."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.context import check_fit, context_of
from offbook.engine.decoding.batch import answer_batch
from offbook.engine.decoding.endings import limits_of
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.stop import visible_text
from offbook.tasks.rationales.synthesis.ask import Ask, Keep


@dataclass(frozen=True, kw_only=True)
class LocalModel:
    """A model of this process.

    Attributes:
        name: by which its answers are attributed to it.
        model: in evaluation mode.
        tokenizer: its tokenizer.
        weights_sha256: of its weights, so that a model trained anew under the same name is asked anew.
        temperature: 0 is greedy.
        max_new_tokens: cap on an answer.
        batch_size: requests answered together. What is drawn depends on who shares the batch.
    """

    name: str
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    weights_sha256: str
    temperature: float = 0.7
    max_new_tokens: int = 512
    batch_size: int = 16

    @property
    def settings(self) -> str:
        """See `Model`."""
        return f"{self.weights_sha256}, temperature {self.temperature}, {self.max_new_tokens} tokens"

    def answer(self, asks: Sequence[Ask], keep: Keep) -> None:
        """See `Model`; requests of like length share a batch, the shortest first."""
        prompts = {ask: chat_tokens(self.tokenizer, ask.prompt) for ask in asks}
        check_fit(
            (
                (f"{self.name}, {ask.prompt[:40]!r}", len(tokens), self.max_new_tokens)
                for ask, tokens in prompts.items()
            ),
            context_of(self.model),
            remedy="shorten the question, lower --max-new-tokens, or choose a model with a longer context",
        )
        ordered = sorted(prompts, key=lambda ask: len(prompts[ask]))
        for start in range(0, len(ordered), self.batch_size):
            batch = ordered[start : start + self.batch_size]
            for ask, text in zip(batch, self._generate([prompts[ask] for ask in batch], batch[0].seed), strict=True):
                keep(ask, text)

    def _generate(self, prompts: list[list[int]], seed: int) -> list[str]:
        limits = limits_of(self.model, self.tokenizer, self.max_new_tokens)
        answers = answer_batch(
            self.model,
            self.tokenizer,
            prompts,
            [limits] * len(prompts),
            sampling=Sampling(temperature=self.temperature),
            seed=seed,
        )
        texts = (str(self.tokenizer.decode(answer.tokens, skip_special_tokens=True)) for answer in answers)
        return [visible_text(text, limits.stop_strings) for text in texts]

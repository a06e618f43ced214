"""A causal language model that transformers runs here, asked in batches through its chat template."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from offbook.engine.training.answers import chat_tokens
from offbook.methods.mind.synthesis.ask import Ask, Keep


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
        ordered = sorted(prompts, key=lambda ask: len(prompts[ask]))
        for start in range(0, len(ordered), self.batch_size):
            batch = ordered[start : start + self.batch_size]
            for ask, text in zip(batch, self._generate([prompts[ask] for ask in batch], batch[0].seed), strict=True):
                keep(ask, text)

    @torch.inference_mode()
    def _generate(self, prompts: list[list[int]], seed: int) -> list[str]:
        pad = self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.tokenizer.eos_token_id
        longest = max(map(len, prompts))
        device = self.model.device
        rows = torch.tensor([[pad] * (longest - len(p)) + p for p in prompts], device=device)
        mask = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts], device=device)
        # every truncation off: the model's own generation settings may have some
        drawing = {"do_sample": True, "temperature": self.temperature, "top_k": 0, "top_p": 1.0}
        generate: Any = self.model.generate  # its annotations promise an output object; it returns a tensor
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            output = generate(
                rows,
                attention_mask=mask,
                max_new_tokens=self.max_new_tokens,
                pad_token_id=pad,
                **(drawing if self.temperature > 0 else {"do_sample": False}),
            )
        texts: list[str] = self.tokenizer.batch_decode(output[:, longest:], skip_special_tokens=True)
        return texts

"""A model behind a server that speaks OpenAI's chat completions: vLLM, SGLang, llama.cpp, Ollama, OpenAI itself.

Rate limits, server errors and timeouts are tried again by the official client, each wait twice as long as the last,
or as long as the server asks for. An answer without a text is an empty one.
"""

import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from offbook.tasks.rationales.synthesis.ask import Ask, Keep

RETRIES = 6  # about half a minute of waiting
TIMEOUT_S = 300.0


@dataclass(frozen=True, kw_only=True)
class ServerModel:
    """A model behind a server.

    The key is read from OPENAI_API_KEY; most own servers want none.

    Attributes:
        name: of the model, as the server knows it.
        base_url: of the server, with the version: http://localhost:8000/v1. None is OpenAI's.
        temperature: 0 is greedy.
        max_new_tokens: cap on an answer.
        workers: requests under way at once.
        retries: of a request that failed for a reason that may pass.
        timeout_s: of a request.
    """

    name: str
    base_url: str | None = None
    temperature: float = 0.7
    max_new_tokens: int = 512
    workers: int = 8
    retries: int = RETRIES
    timeout_s: float = TIMEOUT_S

    @property
    def settings(self) -> str:
        """See `Model`; where the model runs does not matter."""
        return f"temperature {self.temperature}, {self.max_new_tokens} tokens"

    def answer(self, asks: Sequence[Ask], keep: Keep) -> None:
        """See `Model`. After an interruption the requests under way are waited for; no further one is made.

        Raises:
            ValueError: the client is not installed, the server refuses, or fails however often it is asked.
        """
        openai = openai_library()
        key = os.environ.get("OPENAI_API_KEY") or "none"
        with openai.OpenAI(
            api_key=key, base_url=self.base_url, max_retries=self.retries, timeout=self.timeout_s
        ) as client:
            turn, under_way, stopped = threading.Condition(), 0, False

            def one(ask: Ask) -> None:
                nonlocal under_way
                with turn:
                    if stopped:
                        return
                    under_way += 1
                try:
                    keep(ask, self._told(client, ask))
                finally:
                    with turn:
                        under_way -= 1
                        turn.notify_all()

            pool = ThreadPoolExecutor(self.workers)
            try:
                futures = [pool.submit(one, ask) for ask in asks]
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            finally:
                with turn:
                    stopped = True
                pool.shutdown(cancel_futures=True)
                with turn:  # a thread that was just being started when SIGINT came is none that the pool knows
                    turn.wait_for(lambda: under_way == 0)
            for future in done:
                future.result()

    def _told(self, client: Any, ask: Ask) -> str:
        """The server's answer, empty where it makes no sense.

        Raises:
            ValueError: it refuses, or fails however often it is asked.
        """
        openai = openai_library()
        try:
            completion = client.chat.completions.create(
                model=self.name,
                messages=[{"role": "user", "content": ask.prompt}],
                temperature=self.temperature,
                max_tokens=self.max_new_tokens,
                seed=ask.seed,
            )
        except (openai.APIResponseValidationError, json.JSONDecodeError):
            return ""
        except openai.APIError as error:
            raise ValueError(self._refusal(ask, error)) from error
        return _text(completion)

    def _refusal(self, ask: Ask, error: Exception) -> str:
        return (
            f"{ask.question}, {ask.perspective}: expected an answer of {self.name!r} from "
            f"{self.base_url or 'OpenAI'}, got {type(error).__name__} ({str(error).strip()[:200]}); check --base-url, "
            "the model's name and OPENAI_API_KEY, then run the same command again to go on"
        )


def openai_library() -> ModuleType:
    """The official client.

    Raises:
        ValueError: it is not installed.
    """
    try:
        import openai
    except ImportError as error:
        msg = "expected the library openai for a model behind a server, got none; run `pip install 'offbook[openai]'`"
        raise ValueError(msg) from error
    return openai


def _text(completion: object) -> str:
    """The text of a completion; empty where it has none."""
    choices = getattr(completion, "choices", None)
    content = getattr(getattr(choices[0], "message", None), "content", None) if choices else None
    return content if isinstance(content, str) else ""

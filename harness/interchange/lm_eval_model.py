"""One checkpoint with one decoder as a plain lm-eval model, so that any lm-eval task can be run with it.

    offbook lm-eval --model offbook --model_args pretrained=smollm2-135m-instruct,decoder=prompt_lookup --tasks ...

Generating tasks go through the decoder; scoring tasks (multiple choice, perplexity) never touch one and are computed
by the target alone, one forward a request. Importing this module registers the name `offbook` with lm-eval.
"""

import json
import math
from typing import Any

import lm_eval.models  # noqa: F401  # first: lm-eval lists its own models only while nobody else has registered
import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import register_model
from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

from offbook.engine.context import check_fit
from offbook.engine.decoding.decoder import Decoder
from offbook.engine.decoding.generation import Generation
from offbook.engine.decoding.metrics import acceptance_length, tokens_per_second
from offbook.engine.decoding.stop import visible_text
from offbook.engine.finite import logits_not_finite
from offbook.engine.paths import user_path
from offbook.engine.quoting import quoted
from offbook.harness.roster.decoders import BASELINE, contender
from offbook.harness.roster.target import Target, load_target
from offbook.harness.settings.parse import parse
from offbook.tasks.generation_settings import generation_settings


@register_model("offbook")
class OffbookLM(TemplateLM):  # type: ignore[misc]  # lm-eval ships no types
    """See lm-eval's `LM`.

    Args:
        pretrained: alias, folder or Hugging Face id of the target.
        decoder: a name of the roster.
        drafter: folder of the decoder's trained drafter, where it needs one.
        dtype: see `harness.roster.target`.
        device: see `harness.roster.target`; lm-eval's --device arrives here.
        revision: of a Hugging Face id.
        seed: of the random numbers of sampled answers.
        batch_size: 1 or "auto"; documents are answered one by one.
        max_batch_size: ignored, as there are no batches.
        options: the decoder's own settings.

    Raises:
        ValueError: unknown decoder or option, a seed that is none, or what `load_target` refuses.
    """

    def __init__(
        self,
        pretrained: str = "smollm2-135m-instruct",
        *,
        decoder: str = BASELINE,
        drafter: str | None = None,
        dtype: str = "float32",
        device: str | None = None,
        revision: str | None = None,
        seed: int = 0,
        batch_size: int | str = 1,
        max_batch_size: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if str(batch_size).split(":")[0] not in ("1", "auto"):
            msg = f"expected batch_size=1, got {batch_size}; a decoder answers one document at a time"
            raise ValueError(msg)
        if type(seed) is not int or not 0 <= seed < 2**63:
            msg = f"expected seed to be a whole number of at least 0, got {quoted(seed)}; set seed=0"
            raise ValueError(msg)
        folder = None if drafter is None else user_path(str(drafter), what="drafter")
        decoder = str(decoder)  # lm-eval makes numbers of what looks like them
        revision = None if revision is None else str(revision)
        chosen = contender(decoder)
        self.options = parse(chosen.options, options, source=f"options of {decoder}")
        self.target: Target = load_target(str(pretrained), dtype=dtype, device=device or "auto", revision=revision)
        self.decoder_name = decoder
        self.decoder: Decoder = chosen.build(self.target, self.options, folder)
        self.tokenizer = self.target.tokenizer
        self.generator = self.target.generator(seed)
        self.generations: list[Generation] = []
        self._device = self.target.device
        self._templated = False

    @property
    def max_length(self) -> int:
        """Tokens the model can attend to."""
        return self.target.backbone.context_length

    @property
    def max_gen_toks(self) -> int:
        """Cap on new tokens where a task sets none; lm-eval's own default."""
        return 256

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        token = self.tokenizer.eos_token_id
        return int(token) if token is not None else min(self.target.eos_token_ids)

    @property
    def prefix_token_id(self) -> int:
        """What a text without context is conditioned on, as in lm-eval's `hf`."""
        bos = self.tokenizer.bos_token_id
        return int(bos) if bos is not None else self.eot_token_id

    @property
    def tokenizer_name(self) -> str:
        """Names lm-eval's request caches."""
        return self.target.name.replace("/", "__")

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """See lm-eval's `LM`."""
        self._templated = True
        return self.target.render_chat(chat_history, add_generation_prompt=add_generation_prompt)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """See lm-eval's `TemplateLM`."""
        return self.target.encode(string, templated=self._templated or add_special_tokens is False)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """Answers, in order; what a decoder did for them is kept in `generations`.

        Raises:
            ValueError: settings that are not ours, or a prompt that does not fit the model's context with its answer.
                lm-eval's own models cut such a prompt on the left; here, as in a heat, it is refused, for what is left
                of it is another question.
        """
        self._check_fit(requests)
        texts = []
        for request in requests:
            context, arguments = request.args
            generation, text = self._answer(context, arguments)
            self.generations.append(generation)
            self.cache_hook.add_partial("generate_until", request.args, text)
            texts.append(text)
        return texts

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """Log-likelihood of whole texts, each token predicted once, in windows of the context's length."""
        totals = []
        for request in requests:
            (text,) = request.args
            windows = get_rolling_token_windows(
                token_list=self.tok_encode(text),
                prefix_token=self.prefix_token_id,
                max_seq_len=self.max_length,
                context_len=1,
            )
            pairs = [(None, *make_disjoint_window(window)) for window in windows]
            total = sum(loglikelihood for loglikelihood, _ in self._loglikelihood_tokens(pairs))
            self.cache_hook.add_partial("loglikelihood_rolling", request.args, total)
            totals.append(total)
        return totals

    def get_model_info(self) -> dict[str, Any]:
        """Lands in lm-eval's results under "config"."""
        info = {
            "model_dtype": self.target.dtype,
            "model_sha": self.target.weights_sha256,
            "offbook_decoder": self.decoder_name,
            "offbook_decoder_options": json.loads(self.options.model_dump_json()),
        }
        if self.generations:
            info["offbook_acceptance_length"] = acceptance_length(self.generations)
            info["offbook_tokens_per_second"] = tokens_per_second(self.generations)
        return info

    @torch.inference_mode()
    def _loglikelihood_tokens(
        self, requests: list[tuple[tuple[str, str] | None, list[int], list[int]]], **kwargs: Any
    ) -> list[tuple[float, bool]]:
        backbone = self.target.backbone
        backbone.use_tree_attention()
        answers = []
        for strings, context, continuation in requests:
            if not continuation:
                answers.append((0.0, True))
                continue
            if len(continuation) > self.max_length:
                msg = (
                    f"expected a continuation of at most {self.max_length} tokens, got {len(continuation)}; leave the "
                    "document out"
                )
                raise ValueError(msg)
            inputs = [*context, *continuation][-(self.max_length + 1) :][:-1]
            tokens = torch.tensor(inputs, device=self._device)
            output = backbone.extend(tokens, backbone.new_cache(len(inputs)), logits_for=len(continuation))
            logprobs = output.logits_NV.float().log_softmax(dim=-1)
            wanted = torch.tensor(continuation, device=self._device)
            total = float(logprobs.gather(1, wanted[:, None]).double().sum())
            if math.isnan(total):
                raise logits_not_finite()
            answers.append((total, bool((logprobs.argmax(dim=-1) == wanted).all())))
            if strings is not None:
                self.cache_hook.add_partial("loglikelihood", strings, answers[-1])
        return answers

    def _check_fit(self, requests: list[Instance]) -> None:
        check_fit(
            (
                (
                    f"{request.task_name}, document {request.doc_id}",
                    len(self.tok_encode(request.args[0])),
                    generation_settings(request.args[1], default_cap=self.max_gen_toks).max_new_tokens,
                )
                for request in requests
            ),
            self.max_length,
            remedy="lower max_gen_toks (--gen_kwargs), take fewer documents with --limit, or choose a model with a "
            "longer context",
        )

    def _answer(self, context: str, arguments: dict[str, Any]) -> tuple[Generation, str]:
        settings = generation_settings(arguments, default_cap=self.max_gen_toks)
        limits = self.target.limits(settings.max_new_tokens, settings.stop_strings)
        generation = self.decoder.generate(
            self.target.prompt(context, templated=self._templated),
            sampling=settings.sampling,
            limits=limits,
            generator=self.generator,
        )
        return generation, visible_text(self.target.detokenize(generation.tokens), limits.stop_strings)

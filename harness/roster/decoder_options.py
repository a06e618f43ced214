"""The settings of this repository's decoders, each class by the file that says what they mean."""

from typing import Literal, Self

from pydantic import Field, model_validator

from offbook.harness.roster.contender import Options
from offbook.harness.roster.draft_model import DraftModelOptions


class PromptLookupOptions(Options):
    """See `baselines.decoding.prompt_lookup`."""

    max_ngram: int = Field(default=3, ge=1)
    num_tokens: int = Field(default=10, ge=1, le=1024)


class SuffixOptions(Options):
    """See `baselines.decoding.suffix`; a memory of the suite makes speeds hang on what was decoded before."""

    nodes: int = Field(default=7, ge=1, le=1024)
    factor: float = Field(default=2.0, gt=0)
    offset: float = Field(default=0.0, ge=0)
    least: float = Field(default=0.1, ge=0, le=1)
    memory: Literal["document", "suite"] = "document"


class TokenRecyclingOptions(Options):
    """See `baselines.decoding.token_recycling`; a memory of the suite makes speeds hang on what was decoded before."""

    nodes: int = Field(default=5, ge=1, le=1024)
    memory: Literal["document", "suite"] = "document"


class SpeculativeSamplingOptions(DraftModelOptions):
    """See `baselines.decoding.speculative_sampling`."""

    gamma: int = Field(default=4, ge=1, le=1024)


class NgramTableOptions(Options):
    """See `baselines.decoding.ngram_table`."""

    nodes: int = Field(default=15, ge=1, le=1024)
    least: float = Field(default=0.1, ge=0, le=1)


class TreeOptions(Options):
    """See `engine.decoding.feature_draft`; `total_tokens` counts the root."""

    total_tokens: int = Field(default=16, ge=2)
    depth: int = Field(default=3, ge=1)
    top_k: int = Field(default=8, ge=1)
    coupled: bool = False


class JakiroOptions(TreeOptions):
    """See `engine.decoding.feature_draft`; `parallel` is CEPD's one pass for the last two levels, if it was trained."""

    parallel: bool = True


class JakiroDecoupledOptions(Options):
    """See `methods.jakiro.schemes`; `total_tokens` counts the root.

    A static tree has the likeliest of the published 26 nodes, and candidates that are drawn above temperature 0; a
    dynamic one has `depth` and `top_k` as `TreeOptions` has them, and candidates that are a function of the text.
    """

    tree: Literal["static", "dynamic"] = "static"
    scheme: Literal["mixture", "first", "turns"] = "mixture"
    total_tokens: int = Field(default=27, ge=2)
    depth: int | None = Field(default=None, ge=1)
    top_k: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.tree == "static" and (self.total_tokens > 27 or (self.depth, self.top_k) != (None, None)):
            msg = (
                "expected of a static tree at most 27 total_tokens, no depth and no top_k, got total_tokens "
                f"{self.total_tokens}, depth {self.depth} and top_k {self.top_k}; take a dynamic tree"
            )
            raise ValueError(msg)
        return self

    @property
    def dynamic(self) -> TreeOptions:
        """The dynamic tree."""
        given = self.model_dump(include={"total_tokens", "depth", "top_k"}, exclude_none=True)
        return TreeOptions(**given)


class FeatureVariant(Options):
    """See `engine.drafters.feature_objective`; HASS (arXiv:2408.15766) is three passes, then `likeliest` 1."""

    passes: int = Field(default=1, ge=1, le=8)
    likeliest: float = Field(default=0.0, ge=0)


class Eagle2Variant(FeatureVariant):
    """Its feed-forward has the target's inner `width` by default; narrower it can be matched with Jakiro's."""

    width: int | None = Field(default=None, ge=1, le=65536)


class Eagle3Variant(Options):
    """See `baselines.decoding.eagle3.drafter`; `width` as `Eagle2Variant` has it."""

    ttt_steps: int = Field(default=4, ge=1, le=16)
    width: int | None = Field(default=None, ge=1, le=65536)


class JakiroVariant(FeatureVariant):
    """See `methods.jakiro.drafter`."""

    experts: int = Field(default=2, ge=2, le=5)
    second: Literal["contrast", "mixture", "none"] = "contrast"
    weighting: Literal["code", "paper"] = "code"


class JakiroDecoupledVariant(Options):
    """See `methods.jakiro.decoupled`."""

    experts: int = Field(default=2, ge=2, le=5)


class MedusaVariant(Options):
    """See `baselines.decoding.medusa`; published heads are 5 with language-model heads of their own."""

    heads: int = Field(default=4, ge=1, le=8)
    own_heads: bool = False


class MedusaOptions(Options):
    """See `baselines.decoding.medusa`; `total_tokens` counts the root."""

    total_tokens: int = Field(default=16, ge=2, le=1024)


class MedusaTypicalOptions(MedusaOptions):
    """See `baselines.decoding.medusa_typical`; the defaults are the paper's, delta the root of epsilon."""

    epsilon: float = Field(default=0.09, ge=0, le=1)
    delta: float = Field(default=0.3, ge=0, lt=1)


class StaticTreeOptions(Options):
    """See `engine.decoding.static_draft`; `total_tokens` counts the root: of the published 25 nodes the likeliest."""

    total_tokens: int = Field(default=26, ge=2, le=26)


class LookupElseTreeOptions(PromptLookupOptions, TreeOptions):
    """See `engine.decoding.combination`, and both drafters."""

    num_tokens: int = Field(default=7, ge=1, le=1024)
    total_tokens: int = Field(default=8, ge=2)
    sure: float = Field(default=0.5, ge=0, le=1)


class LlamaCppOptions(Options):
    """See `baselines.decoding.llama_cpp`; `gguf`: a file with the target's weights, by default the embedded one."""

    gguf: str | None = None


class TransformersPromptLookupOptions(Options):
    """See `baselines.decoding.transformers_generate`."""

    prompt_lookup_num_tokens: int = Field(default=10, ge=1)
    max_matching_ngram_size: int = Field(default=3, ge=1)  # transformers' own default is 2, PromptLookupOptions' is 3


class TransformersAssistedOptions(DraftModelOptions):
    """See `baselines.decoding.transformers_generate`; the defaults are transformers' own."""

    num_assistant_tokens: int = Field(default=20, ge=1)
    assistant_confidence_threshold: float = Field(default=0.4, ge=0, le=1)

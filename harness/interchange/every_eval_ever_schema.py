"""The parts of every_eval_ever 0.3.0 that an export of offbook's has, as its schema and its validator ask for them.

After evaleval/every_eval_ever: `every_eval_ever/schemas/eval.schema.json` and `instance_level_eval.schema.json`, what
0.3.0 added to them (`adapters/rewardbench/migrate_to_v030.py`: how the model was deployed, and whether its weights are
open), and `validator/validation_core.py`: names of files, scores inside their bounds, samples that belong to their
aggregate. Fields that offbook has nothing for are left out, which the schema allows.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

VERSION: Literal["0.3.0"] = "0.3.0"
Details = dict[str, str]  # whatever is no text is written as JSON
Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


class Part(BaseModel):
    """A part of a file; nothing unknown, nothing that is not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())


class SourceMetadata(Part):
    """Who reports it."""

    source_name: str
    source_type: Literal["documentation", "evaluation_run"]
    source_organization_name: str
    evaluator_relationship: Literal["first_party", "third_party", "collaborative", "other"]
    additional_details: Details | None = None


class Engine(Part):
    """What ran the model."""

    name: str
    version: str


class Library(Engine):
    """What asked and scored."""

    additional_details: Details | None = None


class ModelDetails(Part):
    """What 0.3.0 asks of every model, and what tells this one from others of its name."""

    deployment_type: Literal["self_deployed", "externally_managed", "unknown"]
    model_availability: Literal["open_weights", "closed_weights", "unknown"]
    weights_sha256: str
    number_format: str
    layout: str
    base_model: str | None = None
    trained_by: str | None = None
    training_seed: str | None = None
    training: str | None = None


class ModelInfo(Part):
    """The model, `id` as developer/model."""

    name: str
    id: Annotated[str, Field(pattern=r"^[^/]+/[^/]+$")]
    developer: str
    inference_engine: Engine
    additional_details: ModelDetails


class SourceData(Part):
    """What was asked: a suite that is no data set of the hub's."""

    dataset_name: str
    source_type: Literal["other"] = "other"
    source_id: str
    source_version: str
    additional_details: Details | None = None


class MetricConfig(Part):
    """What the score is."""

    evaluation_description: str
    metric_id: str
    metric_name: str
    metric_kind: str
    metric_unit: Literal["proportion"] = "proportion"
    lower_is_better: Literal[False] = False
    score_type: Literal["continuous"] = "continuous"
    min_score: float = 0.0
    max_score: float = 1.0


class ConfidenceInterval(Part):
    """Of the score."""

    lower: float
    upper: float
    confidence_level: Share = 0.95
    method: str


class Uncertainty(Part):
    """How sure the score is."""

    confidence_interval: ConfidenceInterval | None = None
    num_samples: Annotated[int, Field(ge=1)]


class ScoreDetails(Part):
    """The score, and in `details` what else the same answers say."""

    score: float
    details: Details
    uncertainty: Uncertainty


class GenerationArgs(Part):
    """How answers were drawn; None of what keeps every token, and of caps that each question has its own."""

    temperature: float
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None


class GenerationConfig(Part):
    """How answers were drawn, and by whom."""

    generation_args: GenerationArgs
    additional_details: Details


class EvaluationResult(Part):
    """One suite."""

    evaluation_result_id: str
    evaluation_name: str
    source_data: SourceData
    evaluation_timestamp: str
    metric_config: MetricConfig
    score_details: ScoreDetails
    generation_config: GenerationConfig

    @model_validator(mode="after")
    def _inside_its_bounds(self) -> Self:
        low, high, score = self.metric_config.min_score, self.metric_config.max_score, self.score_details.score
        if not low <= score <= high:
            msg = f"expected a score from {low} to {high}, got {score}"
            raise ValueError(msg)
        return self


class DetailedResults(Part):
    """Where the samples lie."""

    format: Literal["jsonl"] = "jsonl"
    file_path: Annotated[str, Field(pattern=rf"^data/[^/]+/[^/]+/[^/]+/{UUID}_samples\.jsonl$")]
    hash_algorithm: Literal["sha256"] = "sha256"
    checksum: Sha256
    total_rows: Annotated[int, Field(ge=1)]


class EvaluationLog(Part):
    """One file: a model's answers of one record."""

    schema_version: Literal["0.3.0"] = VERSION
    evaluation_id: str
    evaluation_timestamp: str
    retrieved_timestamp: str
    source_metadata: SourceMetadata
    eval_library: Library
    model_info: ModelInfo
    evaluation_results: Annotated[list[EvaluationResult], Field(min_length=1)]
    detailed_evaluation_results: DetailedResults | None = None


class SampleInput(Part):
    """What was asked; `raw` without a chat template."""

    raw: str
    reference: list[str]


class SampleOutput(Part):
    """The answer."""

    raw: list[str]


class Attribution(Part):
    """What of the answer was scored."""

    turn_idx: Literal[0] = 0
    source: Literal["output.raw"] = "output.raw"
    extracted_value: str
    extraction_method: str
    is_terminal: Literal[True] = True


class SampleScore(Part):
    """Of one answer."""

    score: float
    is_correct: bool


class TokenUsage(Part):
    """Tokens."""

    input_tokens: Annotated[int, Field(ge=0)]
    output_tokens: Annotated[int, Field(ge=0)]
    total_tokens: Annotated[int, Field(ge=0)]


class Performance(Part):
    """Milliseconds, and the account of a decoder that drafts."""

    latency_ms: Annotated[float, Field(ge=0)]
    time_to_first_token_ms: Annotated[float, Field(ge=0)]
    generation_time_ms: Annotated[float, Field(ge=0)]
    additional_details: Details


class Sample(Part):
    """One line of the samples."""

    schema_version: Literal["0.3.0"] = VERSION
    evaluation_id: str
    model_id: str
    evaluation_name: str
    evaluation_result_id: str
    sample_id: str
    sample_hash: Sha256
    interaction_type: Literal["single_turn"] = "single_turn"
    input: SampleInput
    output: SampleOutput
    answer_attribution: Annotated[list[Attribution], Field(min_length=1)]
    evaluation: SampleScore
    token_usage: TokenUsage | None = None
    performance: Performance | None = None
    metadata: Details

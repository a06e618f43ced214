"""What determines an artifact, as data: the recipe of a target's answers, of a drafter, of a student.

A recipe's key names the artifact's folder. A model that is a student holds the student's recipe, and so on down to
weights that are there before anything is made; so a key is known before anything is loaded, and without torch.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from offbook.harness.records.hashing import canonical_sha256
from offbook.harness.records.origin import Origin
from offbook.harness.settings.bounds import EXAM_TOKENS, Between, Number
from offbook.harness.settings.students import CorpusSpec

HOLDERS = ("model", "student", "arms", "drafter", "answers", "tuning")  # fields of a recipe that hold others
PLACE = ", {:g} of the way"  # behind the name of the student that an interpolated one is made of


class Recipe(BaseModel):
    """Data whose hash is a key.

    Attributes:
        UNKEYED: fields of a student in it that are no part of its key: what the student is called decides nothing of
            what is made with it, and how many processes train it nothing at all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, protected_namespaces=())
    UNKEYED: ClassVar[frozenset[str]] = frozenset({"name", "processes", "tries"})

    def key(self) -> str:
        """See the module."""
        return self._key

    @cached_property
    def _key(self) -> str:
        return self.key_of(self.model_dump(mode="json"))

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy, with a key of its own: pydantic would copy this one's, if it was asked for, whatever changes."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("_key", None)
        return copied

    @classmethod
    def key_of(cls, content: Mapping[str, JsonValue]) -> str:
        """The key of what `model_dump` gave as JSON."""
        return canonical_sha256({"recipe": cls.__name__, **without(cls.UNKEYED, content)})


class StudentRecipe(Recipe):
    """A student.

    Attributes:
        name: what tables call it; no part of the key.
        method: of the roster.
        made_by: whose code it is, where it is none of this repository's.
        options: all of the method's own, defaults too.
        training: all settings that methods share, defaults too.
        seed: of its training.
        base: the untouched model, by alias, folder or id.
        revision: of an id.
        base_sha256: hash of its weights.
        settings_sha256: of what lies beside them and decides the text.
        corpus: what it learns from.
        corpus_file_sha256: of its file; "" for one that is made by rules.
        encoder: reads rationales for methods that want vectors.
        helpers: hashes of the encoder, of other models that its settings name and of the prompts that it replays.
        max_new_tokens: cap on an answer to a development question.
        processes: of its training; no part of the key.
        tries: how many settings of its method were tried on development questions, as the matrix says; no part of
            the key.
        interpolation: a in θ0 + a(θ - θ0), for one that is made of the trained student θ and its base θ0 by their
            weights alone; None for the trained one.
    """

    name: str
    method: str
    made_by: Origin | None = None
    options: dict[str, JsonValue]
    training: dict[str, JsonValue]
    seed: int
    base: str
    revision: str | None = Field(default=None, exclude_if=lambda revision: revision is None)
    base_sha256: str
    settings_sha256: str | None
    corpus: CorpusSpec
    corpus_file_sha256: str = ""
    encoder: str
    helpers: dict[str, str] = Field(default={})
    max_new_tokens: Number = EXAM_TOKENS
    processes: Number = 1
    tries: Number | None = Field(default=None, exclude_if=lambda tries: tries is None)
    interpolation: Between | None = Field(default=None, exclude_if=lambda a: a is None)

    def interpolated(self, a: float) -> "StudentRecipe":
        """The student at `a` of the way from its base to this one, which is trained."""
        assert self.interpolation is None
        return self.model_copy(update={"interpolation": a, "name": f"{self.name}{PLACE.format(a)}"})

    @property
    def parent(self) -> "StudentRecipe":
        """The trained student that an interpolated one is made of."""
        assert self.interpolation is not None
        name = self.name.removesuffix(PLACE.format(self.interpolation))
        return self.model_copy(update={"interpolation": None, "name": name})

    @classmethod
    def key_of(cls, content: Mapping[str, JsonValue]) -> str:
        """See `Recipe`."""
        return super().key_of({name: value for name, value in content.items() if name not in cls.UNKEYED})


class ModelSpec(Recipe):
    """A checkpoint: a base model, or a student that is made of it.

    Attributes:
        name: of the base model, by alias, folder or id.
        revision: of an id.
        dtype: number format of the weights.
        weights_sha256: of the base model.
        settings_sha256: of what lies beside its weights and decides the text.
        student: None for the base model itself.
    """

    name: str
    revision: str | None = None
    dtype: str = "float32"
    weights_sha256: str
    settings_sha256: str | None = None
    student: StudentRecipe | None = None

    @property
    def base(self) -> "ModelSpec":
        """The model that a student was made of; of a base model itself."""
        return self if self.student is None else self.model_copy(update={"student": None})


class AnswersRecipe(Recipe):
    """A model's answers to the training prompts.

    Attributes:
        model: who answers.
        source: "shipped": those that come with offbook.
        limit: how many, evenly spaced; None for all.
        prompts_sha256: of the prompts, and of the answers where these are shipped.
    """

    model: ModelSpec
    source: Literal["shipped", "regenerate"]
    limit: int | None
    prompts_sha256: str


class DrafterRecipe(Recipe):
    """A trained drafter.

    Attributes:
        decoder: whose, of the roster.
        made_by: whose code that is, where it is none of this repository's.
        answers: what it learns from, and of whom.
        training: all settings, defaults too.
        variant: what network and objective have beside their defaults; left out where there is nothing.
    """

    decoder: str
    made_by: Origin | None = None
    answers: AnswersRecipe
    training: dict[str, JsonValue]
    variant: dict[str, JsonValue] = Field(default={}, exclude_if=lambda variant: not variant)


class JointDrafterRecipe(Recipe):
    """A drafter that is trained with a student, and lies in a folder below the student's.

    Attributes:
        decoder: whose, of the roster; the folder has its name.
        student: whose training gives it.
    """

    decoder: str
    student: StudentRecipe


class TuningRecipe(Recipe):
    """What cuts a decoder's rounds: costs, settings and calibration, measured on one machine.

    Attributes:
        decoder: of the roster.
        made_by: whose code that is, where it is none of this repository's.
        model: whom it decodes.
        options: settings that are fixed; the others are chosen.
        drafter: the recipe of one that the plan trains, alone or with a student, or the folder of another; None without
            any.
        drafter_sha256: of the weights in such a folder.
        made_for: whom that drafter was trained for.
        layout: of the model's weights.
        temperatures: of the answers to development prompts.
        semantics: of how it is measured; raise it when that changes.
    """

    decoder: str
    made_by: Origin | None = None
    model: ModelSpec
    options: dict[str, JsonValue] = Field(default={})
    drafter: DrafterRecipe | JointDrafterRecipe | str | None = None
    drafter_sha256: str | None = None
    made_for: Literal["target", "base"] = "target"
    layout: str
    temperatures: tuple[float, ...]
    semantics: int = 1


def without(names: frozenset[str], content: Any) -> Any:
    """The content, the students in it without these fields; options, which are a contender's own, stay as they are."""
    if isinstance(content, list):
        return [without(names, item) for item in content]
    if not isinstance(content, dict):
        return content
    held = {name: without(names, content[name]) for name in HOLDERS if name in content}
    if held.get("student"):
        held["student"] = {name: value for name, value in held["student"].items() if name not in names}
    return {**content, **held}

"""`offbook evaluate`: one heat a suite, from flags or a YAML file, written as a matrix and run as one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offbook.engine.paths import user_path
from offbook.engine.progress import Progress
from offbook.harness.artifacts.folders import new_folder
from offbook.harness.matrix.plan import plan
from offbook.harness.matrix.running import run_plan
from offbook.harness.records.store import Store
from offbook.harness.roster.arms import check_names
from offbook.harness.roster.decoders import default_decoders
from offbook.harness.roster.tuning import read_tuning
from offbook.harness.settings.evaluate import EvaluateSpec
from offbook.harness.settings.matrix import NONE, Matrix
from offbook.harness.settings.parse import parse
from offbook.harness.tables.write import Written

DEFAULT_MODEL = "smollm2-135m-instruct"


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """Where the records lie, whether every answer that was tested is the target's own, and the tables."""

    folder: Path
    lossless: bool
    tables: Written = field(repr=False)


def merge(file: EvaluateSpec, flags: Mapping[str, Any]) -> EvaluateSpec:
    """Flags over a file; None is a flag that was not given.

    Raises:
        ValueError: a flag of the wrong kind.
    """
    given = {name: value for name, value in flags.items() if value is not None and value != {}}
    return parse(EvaluateSpec, file.model_dump(exclude_none=True, exclude_defaults=True) | given, source="command line")


def matrix_of(spec: EvaluateSpec) -> Matrix:
    """What is asked for, as a matrix.

    Raises:
        ValueError: no suite, or a decoder that takes part twice or not at all.
    """
    if not spec.tasks:
        msg = "expected at least one suite, got none; name it with --tasks (`offbook ls` lists them)"
        raise ValueError(msg)
    tasks = spec.tasks.split(",") if isinstance(spec.tasks, str) else spec.tasks
    names = spec.decoders or default_decoders()
    check_names(names, spec.options, spec.drafter)
    folders = {name: str(user_path(path, what="--drafter")) for name, path in spec.drafter.items()}
    tuning, tuned, file = None, frozenset[str](), None
    if spec.tuning is not None:
        file = user_path(spec.tuning, what="--tuning")
        tuning = read_tuning(file)
        tuned = frozenset(one.decoder for one in tuning.decoders)
    layout = spec.layout or (None if tuning is None else tuning.layout)
    model = {"revision": spec.revision, "dtype": spec.dtype}
    sampling = {"temperature": spec.temperature, "top_k": spec.top_k, "top_p": spec.top_p}
    content = {
        "schema_version": 2,
        "description": "heats of `offbook evaluate`",
        "models": {spec.model or DEFAULT_MODEL: _given(model)},
        "decoders": {
            n: {
                "options": spec.options.get(n, {}),
                "drafter": folders.get(n, NONE),
                **_given({"layout": layout, "controller": str(file) if n in tuned else None}),
            }
            for n in names
        },
        "suites": {t.strip(): _given({"max_new_tokens": spec.max_new_tokens, "limit": spec.limit}) for t in tasks},
        "temperatures": [_given(sampling)],
        "seeds": [spec.seed or 0],
        "chat_template": spec.apply_chat_template,
    }
    return parse(Matrix, content, source="evaluate")


def evaluate(spec: EvaluateSpec, progress: Progress, *, include_path: Path | None = None) -> Evaluated:
    """Runs the heats.

    Raises:
        ValueError: what is asked for does not exist or does not fit together.
    """
    matrix = matrix_of(spec)
    if include_path is not None:
        progress.say(f"--include-path {include_path}: suites there are code, and it is run")
    graph = plan(matrix, include_path=include_path)
    folder = user_path(spec.output, what="--output") if spec.output else new_folder("evaluate")
    done = run_plan(graph, folder, progress, device=spec.device or "auto")
    ran = {(stage.spec["suite"]["name"], arm["decoder"]) for stage in graph.stages for arm in stage.spec["arms"]}
    cells = [record for record in Store(folder).records("cell") if (record.spec.suite, record.spec.decoder) in ran]
    lossless = all(cell.certificate.verdict != "differs" for cell in cells)
    return Evaluated(folder=folder, lossless=lossless, tables=done.tables)


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}

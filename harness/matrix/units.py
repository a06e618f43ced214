"""How much a stage does, in the units by which its time grows: what was measured of one tells of another."""

from typing import Any

from offbook.harness.matrix.graph import Stage


def measure(stage: Stage) -> tuple[str, float]:
    """Whose time a stage's is, and how many units of it: answers; epochs times answers; gradient tokens; 0 if unknown.

    Stages of one kind and one name are alike. Heats and exams have none: their records tell more.
    """
    spec = stage.spec
    try:
        if stage.kind == "answers":
            return f"{spec['source']} of {_model(spec['model'])}", _answers(spec)
        if stage.kind == "drafter":
            answers = spec["answers"]
            whose = f"{spec['decoder']} for {_model(answers['model'])}"
            return whose, _answers(answers) * float(spec["training"]["epochs"])
        if stage.kind == "student" and spec.get("interpolation") is not None:
            return f"interpolation of {spec['base_sha256'][:12]}", 1.0
        if stage.kind == "student":
            return f"{spec['method']} of {spec['base_sha256'][:12]}", float(spec["training"]["gradient_tokens"])
    except (KeyError, TypeError):  # a stage of somebody else's kind of plan
        pass
    return "", 0.0


def _answers(spec: Any) -> float:
    if spec["limit"] is not None:
        return float(spec["limit"])
    from offbook.tasks.prompts import load_prompts

    return float(len(load_prompts("train")))


def _model(spec: Any) -> str:
    """A base model by its weights: its students answer and learn as fast."""
    return str(spec["weights_sha256"][:12])

"""What a session keeps warm between stages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offbook.engine.progress import Silent
from offbook.harness.artifacts.recipes import ModelSpec
from offbook.harness.roster.target import load_target
from offbook.harness.trials import session as sessions
from offbook.harness.trials.session import Session
from tests.tiny import save_tiny


@pytest.fixture
def spec(tmp_path: Path) -> Callable[[int], ModelSpec]:
    def named(seed: int) -> ModelSpec:
        folder = tmp_path / f"tiny{seed}"
        if not folder.exists():
            save_tiny(folder, seed=seed)
        return ModelSpec(name=str(folder), weights_sha256=load_target(str(folder), device="cpu").weights_sha256)

    return named


def test_development_answers_are_kept_for_every_layout_until_another_model_comes(spec, tmp_path, monkeypatch):
    asked: list[tuple[str, float]] = []

    def answered(target: Any, temperature: float, progress: Any) -> list[Any]:
        asked.append((target.backbone.layout.name, temperature))
        return []

    monkeypatch.setattr(sessions, "development_answers", answered)
    monkeypatch.setattr(sessions, "measure_costs", lambda backbone: backbone.layout.name)
    session = Session(tmp_path / "run", device="cpu")

    def development(seed: int, layout: str) -> tuple[Any, ...]:
        return session.development(spec(seed), layout, (0.0, 1.0), Silent())

    first = development(0, "prepacked")
    assert [target.backbone.layout.name for target, *_ in (first, development(0, "transformers"))] == [
        "prepacked",
        "transformers",
    ]
    assert development(0, "prepacked") is first
    assert asked == [("prepacked", 0.0), ("prepacked", 1.0), ("transformers", 0.0), ("transformers", 1.0)]
    development(1, "prepacked")
    assert development(0, "prepacked") is not first

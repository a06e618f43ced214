"""Drafters that learn from the same answers read the same features, which nobody keeps longer than they are needed."""

from pathlib import Path
from typing import Any

import pytest

from offbook.engine.drafters import features as module
from offbook.engine.progress import Silent
from offbook.harness.artifacts.manifest import artifact_folder, complete
from offbook.harness.matrix.executors.in_process import InProcess
from offbook.harness.matrix.executors.schedule import run_graph
from offbook.harness.matrix.features import drop_features, features_folder
from offbook.harness.matrix.graph import Graph, Stage
from offbook.harness.matrix.plan import plan
from offbook.harness.settings.matrix import Matrix
from offbook.harness.settings.strict import validated

ANSWERS, ONE, OTHER = ("a" * 64, "b" * 64, "c" * 64)


def drafters(*keys: str) -> Graph:
    answers = Stage(key=ANSWERS, kind="answers", title="answers", spec={})
    made = [Stage(key=key, kind="drafter", title=key, spec={}, needs=(ANSWERS,)) for key in keys]
    return Graph(stages=(answers, *made))


def made(folder: Path, key: str) -> None:
    place = artifact_folder(folder, "drafter", key)
    place.mkdir(parents=True)
    (place / "weights").write_text("there")
    complete(place, key)


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    place = features_folder(tmp_path, ANSWERS)
    place.mkdir(parents=True)
    (place / "shard").write_text("large")
    return place


def test_features_stay_while_a_drafter_of_their_answers_is_to_be_made(shard: Path, tmp_path: Path) -> None:
    graph = drafters(ONE, OTHER)
    drop_features(graph, tmp_path, made=ONE)
    assert shard.exists()
    made(tmp_path, ONE)
    drop_features(graph, tmp_path)
    assert shard.exists()
    drop_features(graph, tmp_path, made=OTHER)
    assert not shard.exists()


def test_what_no_plan_asks_for_goes(shard: Path, tmp_path: Path) -> None:
    kept = features_folder(tmp_path, "d" * 64)
    kept.mkdir()
    needed = Stage(key=ONE, kind="drafter", title="one", spec={}, needs=("d" * 64,))
    drop_features(Graph(stages=(Stage(key="d" * 64, kind="answers", title="d", spec={}), needed)), tmp_path)
    assert (shard.exists(), kept.exists()) == (False, True)
    drop_features(drafters(), tmp_path)
    assert not kept.exists()
    drop_features(drafters(), tmp_path / "no run")


def test_two_drafters_of_one_run_compute_them_once(tiny_folder: str, tmp_path: Path, monkeypatch: Any) -> None:
    matrix = validated(
        Matrix,
        {
            "schema_version": 2,
            "description": "two drafters on the same answers",
            "models": {tiny_folder: {}},
            "decoders": {
                "autoregressive": {},
                "eagle2": {"options": {"total_tokens": 6}},
                "narrow": {"decoder": "eagle2", "training": {"variant": {"width": 16}}},
            },
            "drafters": {"answers": 6, "epochs": 1, "batch_size": 4, "draft_vocab_size": 64, "max_length": 128,
                         "source": "regenerate"},
            "suites": {"qa": {"max_new_tokens": 4, "limit": 1}},
        }
    )  # fmt: skip
    whole = plan(matrix)
    graph = Graph(stages=tuple(whole.of_kind("answers", "drafter")))
    assert len(graph.of_kind("drafter")) == 2
    graph.write(tmp_path)
    computed, compute = [], module.compute_features

    def counted(backbone: Any, sequences: Any, **settings: Any) -> Any:
        computed.append(len(sequences))
        return compute(backbone, sequences, **settings)

    monkeypatch.setattr(module, "compute_features", counted)
    pool = InProcess(graph, tmp_path, Silent(), device="cpu")
    tally = run_graph(graph, tmp_path, pool, progress=Silent(), attempts=1)
    assert (tally.done, pool.errors) == (3, {})
    assert [count for count in computed if count] == [6]
    assert not [*(tmp_path / "artifacts").glob("features-*")]

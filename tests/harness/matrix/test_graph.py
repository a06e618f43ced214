import hashlib
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offbook.harness.matrix.graph import Graph, Stage


def key(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def stage(name: object, *needs: object, kind: str = "exam") -> Stage:
    return Stage(key=key(name), kind=kind, title=str(name), spec={"of": str(name)}, needs=tuple(map(key, needs)))


def titles(graph: Graph) -> list[str]:
    return [stage.title for stage in graph.stages]


def test_a_stage_stands_behind_what_it_needs_and_else_where_it_was_put() -> None:
    graph = Graph(stages=(stage("heat", "drafter"), stage("exam"), stage("drafter", "answers"), stage("answers")))
    assert titles(graph) == ["answers", "drafter", "heat", "exam"]


@given(st.integers(0, 40), st.integers(0, 2**32))
def test_every_order_of_the_same_stages_can_be_done(n: int, seed: int) -> None:
    draw = random.Random(seed)
    stages = [stage(i, *(j for j in range(i) if draw.random() < 0.2)) for i in range(n)]
    draw.shuffle(stages)
    graph, behind = Graph(stages=tuple(stages)), set[str]()
    for one in graph.stages:
        assert behind.issuperset(one.needs)
        behind.add(one.key)
    assert len(graph) == n
    assert Graph(stages=graph.stages) == graph  # an order that can be done stays


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    graph = Graph(stages=(stage("b", "a"), stage("a", kind="drafter")))
    graph.write(tmp_path)
    assert Graph.read(tmp_path) == graph
    assert titles(Graph.read(tmp_path)) == ["a", "b"]
    assert graph.stage(key("a")[:12]).title == "a"
    assert graph.needed_by([key("b")]) == {key("a"), key("b")}


def test_a_circle_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="circle: 'a' -> 'c' -> 'b' -> 'a'; cut it"):
        Graph(stages=(stage("a", "c"), stage("b", "a"), stage("c", "b")))
    with pytest.raises(ValueError, match="circle: 'a' -> 'a'"):
        Graph(stages=(stage("a", "a"),))


def test_a_missing_need_and_a_key_twice_are_refused() -> None:
    with pytest.raises(ValueError, match=f"found no stage {key('a')[:12]}"):
        Graph(stages=(stage("b", "a"),))
    with pytest.raises(ValueError, match=f"got {key('a')[:12]} for 'a' and 'a'"):
        Graph(stages=(stage("a"), stage("a")))


def test_a_broken_plan_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found none"):
        Graph.read(tmp_path)
    path = Graph(stages=(stage("a"),)).write(tmp_path)
    path.write_text(path.read_text().replace('"exam"', '"heat"'))
    with pytest.raises(ValueError, match=r"plan\.json: expected a plan as it was written, got one that was changed"):
        Graph.read(tmp_path)
    path.write_text("{")
    with pytest.raises(ValueError, match=r"plan\.json"):
        Graph.read(tmp_path)
    with pytest.raises(ValueError, match="expected the key of one of 1 stages"):
        Graph(stages=(stage("a"),)).stage("nothing")

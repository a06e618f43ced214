"""The table of what rows cost: interpolated, measured, refused where it is none."""

import dataclasses

import pytest
from pydantic import TypeAdapter

from offbook.engine.decoding import costs
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.costs import RowCosts, measure_costs
from tests.tiny import tiny_model

TABLE = RowCosts(contexts=(100, 200), rows=(1, 2, 4), seconds=((1.0, 2.0, 3.0), (2.0, 4.0, 6.0)))


@pytest.mark.parametrize(
    ("rows", "context", "seconds"),
    [(1, 100, 1.0), (3, 100, 2.5), (2, 150, 3.0), (1, 7, 1.0), (4, 9000, 6.0), (6, 100, 4.0), (3, 150, 3.75)],
)
def test_costs_are_interpolated_between_rows_and_contexts(rows, context, seconds):
    assert TABLE.of(rows, context) == seconds


def test_a_table_survives_json():
    adapter = TypeAdapter(RowCosts)
    assert adapter.validate_json(adapter.dump_json(TABLE)) == TABLE


@pytest.mark.parametrize(
    "change",
    [
        {"contexts": ()},
        {"contexts": (200, 100)},
        {"rows": (2, 3, 4)},
        {"seconds": ((1.0, 2.0, 3.0),)},
        {"seconds": ((1.0, 2.0, 3.0), (1.0, 0.0, 2.0))},
        {"seconds": ((1.0, 2.0, 3.0), (1.0, float("nan"), 2.0))},
    ],
)
def test_what_is_no_table_is_refused(change):
    with pytest.raises(ValueError, match="measure it anew"):
        dataclasses.replace(TABLE, **change)


def test_every_entry_is_measured_within_the_models_context():
    backbone = Backbone(tiny_model("llama", max_position_embeddings=64))
    measured = measure_costs(backbone, contexts=(16, 40, 2048), rows=(1, 4, 8), rounds=2)
    assert (measured.contexts, measured.rows) == ((16, 40), (1, 4, 8))
    assert measure_costs(backbone, contexts=(2048,), rows=(1, 8), rounds=1).contexts == (56,)
    assert all(0 < second < 1 for line in measured.seconds for second in line)


def test_measured_steps_are_counted_and_leave_other_caches_alone(monkeypatch):
    monkeypatch.setattr(costs, "SETTLE_S", 0.0)
    backbone = Backbone(tiny_model("llama", max_position_embeddings=64))
    with backbone.counted() as calls:
        measure_costs(backbone, contexts=(16,), rows=(1, 2), rounds=3)
    assert calls.number == 1 + 4 * 2  # two rows, each time behind a step of one


def test_longer_contexts_are_measured_every_third_round(monkeypatch):
    monkeypatch.setattr(costs, "SETTLE_S", 0.0)
    backbone = Backbone(tiny_model("llama", max_position_embeddings=64))
    with backbone.counted() as calls:
        measure_costs(backbone, contexts=(16, 32), rows=(1, 2), rounds=3)
    assert calls.number == 2 + (4 + 2) * 2

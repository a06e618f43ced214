"""The table of what rows cost, with a tiny model and few rounds."""

from offbook.harness.trials import layouts_benchmark
from tests.tiny import tiny_model


def test_every_layout_of_this_machine_has_a_line_for_each_number_of_rows(monkeypatch):
    monkeypatch.setattr(layouts_benchmark, "read_bandwidth", lambda repeats: 1e10)
    lines = layouts_benchmark.measure(tiny_model(), ["transformers"], [1, 3], 8, 2)
    assert [(line["layout"], line["rows"]) for line in lines] == [
        ("generate", "1"),
        ("transformers", "1"),
        ("transformers", "3"),
    ]
    assert [line["over_one_row"] for line in lines[:2]] == ["1.000", "1.000"]
    assert lines[1]["over_best_one_row"] == "1.000"
    assert float(lines[2]["over_one_row"]) == float(lines[2]["over_best_one_row"])


def test_a_layout_that_is_not_here_is_left_out(capsys, monkeypatch):
    monkeypatch.setattr("offbook.engine.decoding.layouts.packed.native_available", lambda: (False, "not built"))
    monkeypatch.setattr(layouts_benchmark, "read_bandwidth", lambda repeats: 1e10)
    lines = layouts_benchmark.measure(tiny_model(), ["transformers", "packed"], [1], 8, 1)
    assert {line["layout"] for line in lines} == {"generate", "transformers"}
    assert "left out: layout packed: not built" in capsys.readouterr().out

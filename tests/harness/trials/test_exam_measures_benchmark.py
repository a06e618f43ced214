"""The benchmark of what exams measure: a line for each layout and kind of measure, seconds beside seconds."""

from offbook.harness.trials.exam_measures_benchmark import table
from offbook.kernels.native_library import native_available
from offbook.tasks.generic_text import TEXTS
from tests.tiny import save_tiny


def test_every_layout_has_a_line_for_each_group_and_one_for_the_divergence(tmp_path):
    model = str(save_tiny(tmp_path / "tiny"))
    found = table(model, {"id": "procedural_shopping", "form": "procedural_dates"}, limit=2, cap=3)
    layouts = ["transformers", "prepacked", *(["packed"] if native_available()[0] else [])]
    assert [(line["layout"], line["what"]) for line in found] == [
        (layout, what) for layout in layouts for what in ("id", "form", "divergence")
    ]
    for line in found:
        assert float(line["measure_s"]) >= 0
        if line["what"] == "divergence":
            assert (line["documents"], line["answer_s"]) == (str(len(TEXTS)), "")
        else:
            assert line["documents"] == "2"
            assert 2 <= int(line["tokens"]) <= 6

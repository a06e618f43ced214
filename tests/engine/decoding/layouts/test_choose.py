"""Which layout is taken where nobody names one: for one sequence, for many answers, in the middle of a training."""

import pytest
import torch

from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.layouts import choose
from offbook.engine.decoding.layouts.choose import choose_for_answers, choose_layout, layout_in_training
from offbook.kernels import native_library
from tests.tiny import tiny_model

needs_native = pytest.mark.skipif(not native_library.native_available()[0], reason=native_library.native_available()[1])


def without_native(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (choose, choose.PackedLayout.__init__.__globals__):
        name, missing = "native_available", lambda: (False, "no C code here")
        if isinstance(module, dict):
            monkeypatch.setitem(module, name, missing)
        else:
            monkeypatch.setattr(module, name, missing)


@needs_native
def test_many_answers_are_packed_and_one_sequence_is_prepacked() -> None:
    backbone = Backbone(tiny_model())
    assert backbone.for_answers().layout.name == "packed"
    assert backbone.under("auto").layout.name == "prepacked"
    assert backbone.for_answers().layout is backbone.under("packed").layout, "made once"
    assert layout_in_training(backbone.model).name == "packed"  # type: ignore[union-attr]


def test_without_c_code_answers_are_prepacked_and_the_facts_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    without_native(monkeypatch)
    backbone = Backbone(tiny_model())
    chosen = choose_for_answers(backbone.model, backbone.plain)
    assert chosen.layout.name == chosen.facts["layout"] == "prepacked"
    assert "no C code here" in str(chosen.facts["not_packed"])
    assert layout_in_training(backbone.model).name == "prepacked"  # type: ignore[union-attr]


def test_where_a_copy_has_no_room_the_model_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "available_bytes", lambda: 1)
    backbone = Backbone(tiny_model())
    for chosen, names in (
        (choose_for_answers(backbone.model, backbone.plain), {"not_packed", "not_prepacked"}),
        (choose_layout("auto", backbone.model, backbone.plain), {"not_prepacked"}),
    ):
        assert chosen.layout is backbone.plain
        assert {name for name in chosen.facts if name.startswith("not_")} == names


def test_weights_in_double_are_nobodys_but_the_models_own() -> None:
    backbone = Backbone(tiny_model().double())
    assert choose_for_answers(backbone.model, backbone.plain).layout is backbone.plain
    assert layout_in_training(backbone.model) is None


@needs_native
def test_the_layout_of_a_training_has_the_weights_of_this_moment() -> None:
    model = tiny_model()
    before = layout_in_training(model)
    with torch.no_grad():
        model.lm_head.weight.mul_(2)
    after = layout_in_training(model)
    tokens = torch.tensor([1, 2, 3])
    caches = [Backbone(tiny_model()).new_cache(8) for _ in range(2)]
    block = torch.arange(3), torch.ones(3, 3, dtype=torch.bool).tril()
    first, second = (
        layout.step(tokens, *block, cache).logits_NV  # type: ignore[union-attr]
        for layout, cache in zip((before, after), caches, strict=True)
    )
    assert not torch.allclose(first, second, rtol=1e-2)

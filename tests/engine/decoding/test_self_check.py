"""What a model says at load under our attention is what it says under its own, or it is refused in one line."""

import pytest
import torch

from offbook.engine.decoding import attention, self_check
from offbook.engine.decoding.backbone import Backbone
from tests.engine.architectures import tiny
from tests.tiny import ARCHITECTURES, tiny_model

WINDOWED = [name for name, (_, _, window) in ARCHITECTURES.items() if window]
LONG = 4096  # a window of the size that models have


def refusal(model):
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (callers compare the message)
        Backbone(model)
    message = str(refused.value)
    assert "\n" not in message
    assert type(model).__name__ in message
    assert message.endswith("choose another --model") or "--dtype" in message
    return message


@pytest.fixture
def rows(monkeypatch):
    """Rows that the check runs through models, all forwards together."""
    seen = []
    compare, native = Backbone.forward, self_check._native

    def forward(self, tokens_BT, *arguments, **options):
        seen.append(tokens_BT.numel())
        return compare(self, tokens_BT, *arguments, **options)

    def counted(backbone, paths):
        seen.append(paths.numel())
        return native(backbone, paths)

    monkeypatch.setattr(Backbone, "forward", forward)
    monkeypatch.setattr(self_check, "_native", counted)
    return seen


@pytest.fixture
def without_windows(monkeypatch):
    """Our attention forgets what lies behind a window."""
    whole = attention.tree_attention

    def forgetful(*arguments, window=None, **options):
        return whole(*arguments, **options)

    monkeypatch.setattr(attention, "tree_attention", forgetful)


@pytest.mark.parametrize("model_type", ["llama4_text", "doge"])
def test_a_window_or_chunk_in_the_models_own_mask_is_refused(model_type):
    assert "got logits that differ by" in refusal(tiny(model_type))


def test_a_model_whose_generate_says_otherwise_than_its_forward_is_refused():
    """Moshi's cache has a window that its mask has not."""
    assert "got logits that differ by" in refusal(tiny("moshi"))


@pytest.mark.parametrize(("model_type", "error"), [("nemotron", "TypeError"), ("recurrent_gemma", "Error")])
def test_a_model_that_raises_on_our_path_is_refused(model_type, error):
    assert error in refusal(tiny(model_type))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_models_whose_windows_the_attention_call_names_pass_in_every_dtype(architecture, dtype, rows):
    Backbone(tiny_model(architecture, dtype, sliding_window=LONG, max_position_embeddings=2 * LONG))
    assert 0 < sum(rows) < 250, "also where the window is long"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("architecture", WINDOWED)
def test_a_long_window_that_is_forgotten_is_noticed_with_a_short_prompt(architecture, dtype, rows, without_windows):
    refusal(tiny_model(architecture, dtype, sliding_window=LONG, max_position_embeddings=2 * LONG))
    assert sum(rows) < 250


def test_windows_are_put_back_where_they_were():
    model = tiny_model("gemma2", sliding_window=LONG, max_position_embeddings=2 * LONG)
    before = [(id(f.place), f.name, f.value) for f in self_check._windows(model)]
    assert len({place for place, _, _ in before}) > 1, "in the configuration and on the layers"
    assert {value for _, _, value in before} == {LONG}
    Backbone(model)
    assert [(id(f.place), f.name, f.value) for f in self_check._windows(model)] == before


def test_a_window_that_lives_elsewhere_is_reached_by_a_prompt_longer_than_it(rows, without_windows, monkeypatch):
    elsewhere = self_check._Field({"sliding_window": 40}, "sliding_window", 40)
    monkeypatch.setattr(self_check, "_windows", lambda model: [elsewhere])
    refusal(tiny_model("mistral", sliding_window=40))
    assert max(rows) > 2 * 40


def test_a_window_that_no_layer_has_costs_no_long_prompt(rows):
    model = tiny_model(
        "qwen2", sliding_window=LONG, max_position_embeddings=2 * LONG, layer_types=["full_attention"] * 2
    )
    Backbone(model)
    assert sum(rows) < 250


def test_trees_are_part_of_the_check(monkeypatch):
    """A backbone that lets a branch see its siblings is right about every prompt, and wrong about trees."""
    step = Backbone.step

    def indulgent(self, tokens_M, positions_M, visible_MM, cache, **options):
        return step(self, tokens_M, positions_M, visible_MM.new_ones(visible_MM.shape).tril(), cache, **options)

    monkeypatch.setattr(Backbone, "step", indulgent)
    assert "differ" in refusal(tiny_model())


def test_positions_are_part_of_the_check(monkeypatch):
    step = Backbone.step

    def in_row_order(self, tokens_M, positions_M, visible_MM, cache, **options):
        rows = torch.arange(len(tokens_M)) + positions_M[0]
        return step(self, tokens_M, rows, visible_MM, cache, **options)

    monkeypatch.setattr(Backbone, "step", in_row_order)
    assert "differ" in refusal(tiny_model())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_logits_that_are_not_finite_are_said_to_be_so(dtype):
    model = tiny_model(dtype=dtype)
    with torch.no_grad():
        model.model.layers[1].mlp.down_proj.weight[3, 5] = float("nan")
    assert "expected finite logits" in refusal(model)


def test_a_context_shorter_than_the_checks_prompt_is_no_obstacle():
    Backbone(tiny_model("mistral", sliding_window=9, max_position_embeddings=12))


def test_the_tree_attention_is_selected_behind_the_check():
    model = tiny_model()
    Backbone(model)
    assert model.config._attn_implementation == attention.NAME

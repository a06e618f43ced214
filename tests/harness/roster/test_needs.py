"""What a contender needs is told by what it declares."""

from importlib import metadata

import pytest

from offbook.harness.roster import needs
from offbook.harness.roster.decoders import contender, contenders
from offbook.harness.roster.distillers import distiller
from offbook.harness.roster.needs import extras, is_installed, of_decoder, of_method


def test_who_has_a_drafter_says_how_it_is_made() -> None:
    assert of_decoder(contender("eagle2")).told("eagle2") == ["a trained drafter (`offbook train-drafter eagle2`)"]
    assert of_decoder(contender("ngram_table")).drafter == "counted"
    assert of_decoder(contender("eagle")).told("eagle") == ["eagle2's drafter (`offbook train-drafter eagle2`)"]
    assert of_decoder(contender("autoregressive")).told("autoregressive") == []


def test_another_model_is_told() -> None:
    assert "a smaller model" in of_decoder(contender("speculative_sampling")).model
    assert of_method(distiller("logit_kd")).told("logit_kd") == ["a model as its teacher"]
    assert of_method(distiller("mind")).told("mind") == ["a text encoder"]
    assert of_method(distiller("single_rationale")).told("single_rationale") == []


def test_an_extra_is_told_with_whether_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(needs, "extras", lambda: {"llama-cpp": ("xllamacpp",)})
    monkeypatch.setattr(needs.metadata, "version", nothing)
    found = of_decoder(contender("llama_cpp"))
    assert found.told("llama_cpp") == ["pip install 'offbook[llama-cpp]', which is not installed"]
    monkeypatch.setattr(needs.metadata, "version", lambda name: "1")
    assert of_decoder(contender("llama_cpp")).is_installed


def test_every_extra_that_a_contender_names_is_one_of_offbooks(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["torch>=2", "triton>=3; sys_platform == 'linux'", 'xllamacpp>=1; extra == "llama-cpp"']
    monkeypatch.setattr(needs.metadata, "requires", lambda name: wanted)
    assert extras() == {"llama-cpp": ("xllamacpp",)}
    assert {each.extra for each in contenders().values() if each.extra} <= {"llama-cpp"}
    assert not is_installed("no such extra")

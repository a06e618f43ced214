"""`offbook show`: accepted candidates stand between marks, and nothing of the answer is lost."""

import pytest

from offbook.engine.decoding.generation import Generation, Round, RoundTime
from offbook.harness.cli.main import main
from offbook.harness.cli.marked import account_of, marked, round_lines
from offbook.harness.records.store import Store
from tests.tiny import save_tiny


def generation(tokens, rounds, times=()):
    return Generation(
        prompt_tokens=1,
        tokens=tuple(tokens),
        prefill_committed=1,
        finish_reason="length",
        rounds=tuple(rounds),
        draft_forwards=0,
        prefill_s=0.5,
        decode_s=1.0,
        draft_s=None,
        target_s=None,
        peak_bytes=0,
        times=times,
    )


def spell(tokens):
    return bytes(tokens).decode("utf-8", errors="replace")


def test_what_was_drafted_and_accepted_stands_between_marks():
    answer = generation(b"abcdefg", [Round(3, 3, 2, 3), Round(2, 1, 0, 1), Round(4, 2, 2, 2)])
    assert marked(answer, spell) == "a\u00abbc\u00bbde\u00abfg\u00bb"


def test_a_character_cut_in_two_stands_behind_the_mark():
    answer = generation("x\u00e9y".encode(), [Round(1, 1, 1, 2), Round(0, 0, 0, 1)])
    assert marked(answer, spell) == "x\u00e9y"


def test_acceptance_is_told_by_level_of_the_tree():
    answer = generation(b"abcdefg", [Round(3, 3, 2, 3), Round(2, 1, 0, 1), Round(4, 2, 2, 2)])
    assert "; accepted at level 1 to 3: 67% / 100% / 0%; rounds that accepted k" in account_of(answer)
    assert "level" not in account_of(generation(b"ab", [Round(0, 0, 0, 1)]))


def test_rounds_are_told_with_their_times():
    answer = generation(b"abcd", [Round(3, 3, 2, 3)], (RoundTime(draft_s=0.25, target_s=0.5, wall_s=1.0),))
    assert account_of(answer).endswith("1 x 2; drafting 25%, target 50%, loop 25% of the rounds' time")
    assert list(round_lines(answer)) == ["   1  drafted   3  accepted   2  committed   3   1000.00 ms"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a heat of a tiny model."""
    model, out = save_tiny(tmp_path_factory.mktemp("show") / "tiny"), tmp_path_factory.mktemp("run")
    asked = ["--suite", "offbook_qa", "--limit", "2", "--max-new-tokens", "8", "--model", str(model)]
    assert run("evaluate", *asked, "--decoders", "autoregressive,prompt_lookup", "--output", str(out)) == 0
    return model, out


def run(*arguments):
    with pytest.raises(SystemExit) as end:
        main([*arguments])
    return end.value.code or 0


def test_a_record_shows_its_answer(folder, capsys):
    model, out = folder
    (record,) = (r for r in Store(out).records("cell") if r.spec.decoder == "prompt_lookup")
    path = next(out.glob("records/*prompt-lookup*.json"))
    capsys.readouterr()
    assert run("show", str(path), "--document", "1", "--model", str(model), "--rounds") == 0
    told = capsys.readouterr()
    row = Store(out).rows(record)[1]
    assert told.out.replace("\u00ab", "").replace("\u00bb", "").startswith(row.text)
    assert told.out.count("drafted") == len(row.rounds)
    assert "document 1" in told.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--document", "7"), "expected one of its documents, 0, 1, got 7; name it with --document"),
        (("--model", "nowhere/at-all"), "nowhere/at-all"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_a_line(folder, arguments, complaint, capsys):
    path = next(folder[1].glob("records/*prompt-lookup*.json"))
    capsys.readouterr()
    assert run("show", str(path), *arguments) == 2
    assert complaint in capsys.readouterr().err


def test_a_file_that_is_no_record_is_refused(tmp_path, capsys):
    (tmp_path / "x.json").write_text("{}")
    assert run("show", str(tmp_path / "x.json")) == 2
    assert "expected a record of a heat" in capsys.readouterr().err

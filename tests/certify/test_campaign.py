"""The campaign goes on where it was stopped, and its page tells what was found."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.engine.decoding.sampling import Sampling
from offbook.harness.certificates import contender_tests
from offbook.harness.certificates.report import Part, Report, read_report
from offbook.harness.matrix.certify import SAMPLINGS
from offbook.harness.roster.decoders import BASELINE, DECODERS, contender
from tests.campaign_lines import origin
from tests.certify.campaign import known, only, run
from tests.certify.contenders import SHARED, contenders, drafter_for, file_of, joined, left_out, once, told
from tests.certify.page import page
from tests.certify.samplers import OF_LOOPS, SETTINGS, draws, faults, laws, loops

SUBJECT = {"decoder": "suffix", "options": {}, "model": "m", "dtype": "float32", "layout": "packed"}


def report(outcome: str) -> Report:
    greedy = {"kind": "greedy_identity", "n": 4, "identical": 3, "ties": 1, "p_value": None, "tv_bound": None}
    drawn = {"kind": "sampling_distribution", "p_value": 0.25, "tv_bound": 0.004}
    cells = {"p_value": 0.5, "found_move": 0.06}
    named = {"greedy identity": greedy, "draws": drawn}
    parts = [Part(name=name, outcome="lossless", told="t", facts=facts) for name, facts in named.items()]
    return Report(subject=SUBJECT, parts=[*parts, Part(name="c", outcome=outcome, told="t", facts=cells)], manifest={})


def test_what_is_known_of_this_code_is_not_run_again(tmp_path: Path):
    file, certificates = tmp_path / "lines", tmp_path / "certificates"
    old = [
        {"code": "a", "part": "laws", "case": "x", "right": True},
        {"code": "b", "part": "laws", "case": "y", "right": True},
        {"code": "a", "part": "contenders", "case": "suffix", "decoder": "suffix", "right": True},
        {"code": "a", "part": "contenders", "case": "eagle", "decoder": "eagle", "right": True},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in old))
    file_of(certificates, "suffix").write_text("{}")
    lines = known(file, {"code": "a"}, certificates)
    assert [line["case"] for line in lines] == ["x", "suffix"], "of the other contender the certificate is gone"
    kept = []
    cases = [(name, lambda: {"right": True}) for name in ("x", "y")]
    run(iter(cases), "laws", lines, kept.append)
    assert kept == [{"part": "laws", "case": "y", "right": True}]


def test_every_contender_takes_part_or_is_said_to_lack_a_drafter(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tests.certify.contenders.unavailable", lambda chosen: "not here")
    there = {case.split()[0] for case, _ in contenders({}, tmp_path, tmp_path)}
    missing = {each.split()[0] for each in left_out({})}
    outside = {name for name, chosen in DECODERS.items() if chosen.outside}
    assert there | missing | outside | {BASELINE} == {*DECODERS}
    assert not there & missing


def test_one_drafter_serves_all_who_take_it():
    folder = Path("somewhere")
    for name in ("eagle", "eagle2", "lookup_else_eagle2"):
        assert drafter_for(contender(name), {"eagle2": folder}) == folder
    assert drafter_for(contender("jakiro"), {"eagle2": folder}) is None
    assert not any(each.startswith("eagle ") for each in left_out({"eagle2": folder}))


@pytest.mark.parametrize(
    ("name", "outcome", "right"),
    [("suffix", "lossless", True), ("suffix", "differs", False), ("medusa_typical", "differs", True),
     ("medusa_typical", "lossless", False), ("suffix", "not tested", False), ("llama_cpp", "not tested", True),
     ("llama_cpp", "differs", True), ("llama_cpp", "lossless", False)],
)  # fmt: skip
def test_a_line_says_whether_a_verdict_is_as_it_should_be(name, outcome, right):
    line = told(report(outcome), contender(name))
    assert line["right"] is right
    assert (line["identical"], line["ties"], line["p_value"], line["tv_bound"], line["found_move"]) == (
        "3/4", 1, 0.25, 0.004, 0.06,
    )  # fmt: skip


def test_the_page_tells_all_parts_and_every_contender_once():
    found = told(report("lossless"), contender("suffix"))
    line = {"part": "contenders", "case": "c", "commit": "abcdef" * 6, "machine": "two cores", **found}
    lines = [
        {"part": "laws", "case": "l", "right": True, "deviation": 2e-16, "machine": "one core"},
        {"part": "draws", "case": "d", "right": True, "n": 1_000_000, "p_value": 0.125, "tv_bound": 0.0035},
        {"part": "faults", "case": "f", "right": False, "deviation": 0.0001, "power": 0.25, "source": "a slip"},
        line | {"verdict": "differs"}, line,
    ]  # fmt: skip
    text = page(lines, "0123456789abcdef", ["eagle (--drafter eagle2=FOLDER)"])
    assert "| laws | 1 of 24 | 1 | largest deviation 2.0e-16 (at most 1e-12) |" in text
    assert "1,000,000 each; smallest p 0.12, largest bound on TV 0.0035" in text
    assert "| seeds | 0 of 2 | 0 | not run |  |" in text
    assert "| f | a slip | 0.000 | 0.2500 | NO |" in text
    assert text.count("[suffix](certificates/suffix.json)") == 1
    assert "| lossless | identical 3/4, 1 ties | 0.25 | 0.004 | 0.060 | abcdefabcdef |" in text
    assert "Left out for want of something: eagle (--drafter eagle2=FOLDER)." in text
    assert text.count("Verdict: LOSSLESS.") == 1
    assert "- one core: laws.\n" in text
    assert "- two cores: suffix.\n" in text


def test_there_is_a_case_for_each_rule_and_setting():
    assert len([*laws()]) == len([*draws()]) == 2 * len(SETTINGS) == 24
    assert len({case for case, _ in loops()}) == 3 * len(OF_LOOPS), "coupled candidates are given ones too"
    assert len({case for case, _ in faults()}) > 32
    assert {s.temperature for s in SETTINGS} == {s.temperature for s in OF_LOOPS} == {0.5, 1.0, 1.5}


def test_what_all_contenders_share_is_found_once(monkeypatch):
    asked = []
    monkeypatch.setattr(contender_tests, "law_deviation", lambda *what: asked.append(what) or 0.0)
    from tests.certify import contenders as module

    module._once.cache_clear()
    for _ in range(2):
        with once():
            assert contender_tests.law_deviation("given", SETTINGS[0]) == 0.0
    module._once.cache_clear()
    assert asked == [("given", SETTINGS[0])]
    assert all(callable(getattr(contender_tests, name)) for name in SHARED)


def test_what_another_commit_proved_is_kept_where_that_is_asked_for(tmp_path: Path):
    file, certificates = tmp_path / "lines", tmp_path / "certificates"
    old = [
        {"code": "a", "commit": "1", "part": "laws", "case": "x", "right": True},
        {"code": "b", "commit": "2", "part": "laws", "case": "x", "right": False},
        {"code": "a", "commit": "1", "part": "laws", "case": "y", "right": True},
        {"code": "a", "commit": "1", "part": "laws", "case": "z", "right": False},
        {"code": "b", "commit": "2", "part": "laws", "case": "z", "right": True},
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in old))
    found = known(file, {"code": "c"}, certificates, keep=True)
    assert [(line["case"], line["commit"]) for line in found] == [("y", "1"), ("z", "2")], "of each the last, if right"
    assert known(file, {"code": "c"}, certificates) == []
    assert [line["case"] for line in known(file, {"code": "b"}, certificates)] == ["x", "z"], "of this code all"


def test_code_that_is_no_commits_is_refused(monkeypatch):
    monkeypatch.setattr("tests.campaign_lines.changed", lambda paths: " M engine/text.py")
    with pytest.raises(SystemExit, match="got changes, commit them first"):
        origin(("engine",), "a machine")


def test_a_certificate_is_joined_of_what_was_found_at_each_of_the_settings():
    pieces = [report("lossless"), report("differs")]
    whole = joined(pieces)
    assert (whole.verdict, len(whole.parts)) == ("differs", 5)
    assert [part.name for part in whole.parts].count("greedy identity") == 1
    assert joined(pieces[:1]).parts == pieces[0].parts


def test_pieces_that_are_there_are_not_found_again(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tests.certify.contenders.embedded", lambda: None)
    monkeypatch.setattr("tests.certify.contenders.process_manifest", dict)
    monkeypatch.setattr("tests.certify.contenders.unavailable", lambda chosen: "not here")
    asked = []

    def certified(*_: object, samplings: list[Sampling], **__: object) -> Report:
        asked.extend(samplings)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return report("lossless")

    monkeypatch.setattr("tests.certify.contenders.certify", certified)

    def prove() -> dict[str, Any]:
        cases = {case: prove for case, prove in contenders({}, tmp_path / "certificates", tmp_path / "pieces")}
        return cases["suffix"]()

    with pytest.raises(KeyboardInterrupt):
        prove()
    assert prove()["verdict"] == "lossless"
    assert asked == [SAMPLINGS[0], SAMPLINGS[1], *SAMPLINGS[1:]]
    assert read_report(file_of(tmp_path / "certificates", "suffix")).verdict == "lossless"


def test_some_contenders_may_be_chosen():
    cases = [(name, lambda: {"right": True}) for name in ("suffix", "eagle2 with drafter 0123", "eagle")]
    assert [case for case, _ in only(iter(cases), ["eagle2"])] == ["eagle2 with drafter 0123"]
    assert [case for case, _ in only(iter(cases), [])] == [case for case, _ in cases]

"""Of an unknown name of 5,000 letters the ends are repeated, and the rest of the line can be read."""

import pytest

from offbook.harness.cli.main import main

LONG = "x" * 5_000
PHRASE = " ".join(["word"] * 1_000)
COMMANDS = {
    "a suite": ["evaluate", "--tasks", "LONG"],
    "a decoder": ["generate", "hi", "--decoder", "LONG"],
    "one of the decoders": ["evaluate", "--tasks", "qa", "--decoders", "autoregressive,LONG", "--model", "TINY"],
    "a profile": ["reproduce", "--profile", "LONG"],
    "a model": ["generate", "hi", "--model", "LONG"],
    "a number format": ["generate", "hi", "--model", "TINY", "--dtype", "LONG"],
    "a device": ["generate", "hi", "--model", "TINY", "--device", "LONG"],
    "a method": ["train-student", "LONG"],
    "a setting of a method": ["train-student", "single_rationale", "--model", "TINY", "--option", "LONG=1"],
    "a value of a setting": ["train-student", "mind", "--model", "TINY", "--option", "rho=LONG"],
    "a setting of a decoder": ["generate", "hi", "--model", "TINY", "--option", "LONG=3"],
    "a setting of no decoder": ["evaluate", "--tasks", "qa", "--model", "TINY", "--option", "LONG.n=3"],
    "a setting of no form": ["evaluate", "--tasks", "qa", "--option", "LONG"],
    "a drafter of no form": ["evaluate", "--tasks", "qa", "--drafter", "LONG"],
    "a drafter of nobody": ["evaluate", "--tasks", "qa", "--model", "TINY", "--drafter", "LONG=here"],
    "a decoder to train": ["train-drafter", "LONG"],
    "a draft model": ["import-drafter", "LONG", "--model", "TINY"],
    "an operation": ["export", "kernel", "LONG"],
    "a corpus": ["train-student", "single_rationale", "--model", "TINY", "--corpus", "LONG"],
    "a form of corpora": ["train-student", "mind", "--model", "TINY", "--corpus-format", "LONG"],
    "a command": ["LONG"],
    "an option": ["ls", "--LONG"],
    "a number": ["generate", "hi", "--max-new-tokens", "LONG"],
}


@pytest.mark.parametrize("name", [LONG, PHRASE], ids=["one word", "many words"])
@pytest.mark.parametrize("what", COMMANDS)
def test_a_name_of_thousands_of_letters_does_not_flood_the_line(what, name, tiny_folder, capsys):
    replaced = {"LONG": name, "TINY": tiny_folder}
    arguments = [_filled(word, replaced) for word in COMMANDS[what]]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("offbook: error: ")
    assert len(line) < 1_400, line
    assert name[:400] not in line
    assert not line.endswith("..."), "the end of the line, where it says what to do, is there"


def _filled(word: str, replaced: dict[str, str]) -> str:
    for sign, text in replaced.items():
        word = word.replace(sign, text)
    return word

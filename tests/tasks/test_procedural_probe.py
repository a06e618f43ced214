"""The probe counts right answers, by family and by number of steps, and keeps away from test."""

from typing import Any

import pytest

from offbook.engine.students.corpus import ANSWER_LINE, instruct
from offbook.tasks.procedural import FAMILIES, ood, probe, problems


class Characters:
    """A tokenizer of characters, without chat template and special tokens."""

    chat_template = bos_token = eos_token_id = sep_token_id = None
    name_or_path = "characters"

    def __call__(self, text: str, *, add_special_tokens: bool) -> dict[str, list[int]]:
        return {"input_ids": [ord(character) for character in text]}

    def decode(self, tokens: list[int], **_: bool) -> str:
        return "".join(map(chr, tokens))


def run(
    asked: list[probe.Asked], texts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[bool], list[int]]:
    """Which are right when the model answers with these texts, by prompt; and the sizes of its batches."""
    tokenizer: Any = Characters()
    sizes = []

    def answered(model: Any, tokenizer: Any, prompts: list[list[int]], max_new_tokens: int) -> list[str]:
        sizes.append(len(prompts))
        return [texts[tokenizer.decode(prompt)] for prompt in prompts]

    monkeypatch.setattr(probe, "greedy_texts", answered)
    model: Any = None
    return probe.solved(model, tokenizer, asked, 128), sizes


def test_one_step_problems_alone_solved_are_counted_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    few = [problem for family in FAMILIES for problem in problems("dev", family)[:5]]
    texts = {instruct(p.question): ANSWER_LINE.format(answer=p.answer if len(p.steps) == 1 else "none") for p in few}
    asked = probe.in_distribution("dev", 5)
    right, sizes = run(asked, texts, monkeypatch)
    assert right == [len(p.steps) == 1 for p in few]
    assert sizes == [probe.BATCH, len(few) - probe.BATCH]
    lines = [line.split() for line in probe.table(asked, right).splitlines()]
    assert [(line[0], *line[-4:]) for line in lines] == [
        *((family, "3", "of", "5", "60.0%") for family in FAMILIES),
        ("1", "21", "of", "21", "100.0%"),
        ("2", "0", "of", "14", "0.0%"),
        ("all", "21", "of", "35", "60.0%"),
    ]


def test_out_of_distribution_a_choice_is_scored_as_the_suites_do(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {family: ood.questions("dev", family)[:4] for family in ood.FAMILIES}
    texts = {
        instruct(q.question): ANSWER_LINE.format(answer=q.answer if i < 3 else "none of these")
        for questions in few.values()
        for i, q in enumerate(questions)
    }
    asked = probe.out_of_distribution("dev", 4)
    right, _ = run(asked, texts, monkeypatch)
    assert right == [True, True, True, False] * len(few)
    assert probe.table(asked, right).splitlines()[-1].split() == ["all", "18", "of", "24", "75.0%"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--split", "test"], "invalid choice: 'test'"),
        (["--split", "train", "--group", "ood"], "expected dev for --group ood, got train"),
    ],
)
def test_the_probe_refuses_what_no_setting_is_chosen_on(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        probe.main(arguments)
    assert expected in capsys.readouterr().err

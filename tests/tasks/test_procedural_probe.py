"""The probe counts right answers, by family and by number of steps, and keeps away from test."""

from typing import Any

import pytest

from offbook.engine.training.corpus import ANSWER_LINE, instruct
from offbook.tasks.procedural import FAMILIES, generate, probe


class Characters:
    """A tokenizer of characters, without chat template."""

    chat_template = None

    def __call__(self, text: str) -> dict[str, list[int]]:
        return {"input_ids": [ord(character) for character in text]}

    def decode(self, tokens: list[int], **_: bool) -> str:
        return "".join(map(chr, tokens))


def test_one_step_problems_alone_solved_are_counted_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [problem for family in FAMILIES for problem in generate("dev", family, 5)]
    texts = {
        instruct(p.question): ANSWER_LINE.format(answer=p.answer if len(p.steps) == 1 else "none") for p in problems
    }
    tokenizer: Any = Characters()
    sizes = []

    def answered(model: Any, tokenizer: Any, prompts: list[list[int]], max_new_tokens: int) -> list[list[int]]:
        sizes.append(len(prompts))
        return [[ord(c) for c in texts[tokenizer.decode(prompt)]] for prompt in prompts]

    monkeypatch.setattr(probe, "greedy_batch", answered)
    model: Any = None
    right = probe.solved(model, tokenizer, problems)
    assert right == {p.id: len(p.steps) == 1 for p in problems}
    assert sizes == [probe.BATCH, len(problems) - probe.BATCH]
    lines = [line.split() for line in probe.table(problems, right).splitlines()]
    assert [(line[0], *line[-4:]) for line in lines] == [
        *((family, "3", "of", "5", "60.0%") for family in FAMILIES),
        ("1", "21", "of", "21", "100.0%"),
        ("2", "0", "of", "14", "0.0%"),
        ("all", "21", "of", "35", "60.0%"),
    ]


def test_the_probe_refuses_the_test_split(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        probe.main(["--split", "test"])
    assert "invalid choice: 'test'" in capsys.readouterr().err

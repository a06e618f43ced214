"""Generic texts are short, plain and no part of what anything is trained or tested on."""

from offbook.engine.ngrams import ngrams
from offbook.engine.students.corpus import instruct
from offbook.tasks.choice_question import LEAD
from offbook.tasks.generic_text import TEXTS
from offbook.tasks.procedural import FAMILIES, problems
from offbook.tasks.procedural.documents import OOD_FAMILIES, documents
from offbook.tasks.prompts import load_prompts


def test_there_are_two_dozen_paragraphs_of_about_eighty_words() -> None:
    assert len(TEXTS) == len(set(TEXTS.values())) == 24
    assert all(60 <= len(text.split()) <= 100 for text in TEXTS.values()), {
        name: len(text.split()) for name, text in TEXTS.items()
    }
    assert all(len(text.encode()) < 512 for text in TEXTS.values()), "also where a byte is a token"
    assert all("\n" not in text and "  " not in text for text in TEXTS.values())


def test_none_of_them_closes_like_an_answer_or_asks_like_a_task() -> None:
    assert not [name for name, text in TEXTS.items() if LEAD.lower() in text.lower() or "step by step" in text]
    assert not ngrams(instruct("")) & set().union(*map(ngrams, TEXTS.values()))


def test_they_share_no_eight_words_with_training_or_test_questions() -> None:
    asked = [prompt.prompt for split in ("train", "test") for prompt in load_prompts(split)]
    asked += [p.question for family in FAMILIES for split in ("train", "dev", "test") for p in problems(split, family)]
    asked += [
        doc["question"] for family in OOD_FAMILIES for split in ("dev", "test") for doc in documents(family, split)
    ]
    others = set().union(*map(ngrams, asked))
    assert {name: shared for name, text in TEXTS.items() if (shared := ngrams(text) & others)} == {}

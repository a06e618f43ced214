"""A prompt is to be continued: an end token that the tokenizer appends to whatever it encodes is left out."""

import pytest
from tokenizers import AddedToken
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.prompt_tokens import prompt_tokens
from tests.tiny import SPECIAL, tiny_tokenizer

BOS, EOS, OTHER = 256, 257, 258


def tokenizer(template: str, *, chat: bool = False) -> PreTrainedTokenizerFast:
    fast = tiny_tokenizer(chat=chat)
    fast.add_tokens([AddedToken("<other>", special=True)])
    fast.backend_tokenizer.post_processor = TemplateProcessing(
        single=template,
        pair=template + " $B",
        special_tokens=[(SPECIAL[0], BOS), (SPECIAL[1], EOS), ("<other>", OTHER)],
    )
    return fast


BARE = list(tiny_tokenizer()("Hi there")["input_ids"])


@pytest.mark.parametrize(
    ("template", "before", "behind"),
    [
        (f"$A {SPECIAL[1]}", [], []),
        (f"{SPECIAL[0]} $A {SPECIAL[1]}", [BOS], []),
        (f"{SPECIAL[0]} $A {SPECIAL[1]} {SPECIAL[1]}", [BOS], []),
        (f"{SPECIAL[0]} $A", [BOS], []),
        (f"{SPECIAL[1]} $A", [EOS], []),
        (f"{SPECIAL[1]} $A {SPECIAL[1]}", [EOS], []),
        (f"$A <other> {SPECIAL[0]}", [], [OTHER, BOS]),  # ChatGLM's begin what is to be written
        ("$A", [], []),
    ],
)
def test_only_an_appended_end_token_is_left_out(template, before, behind):
    fast = tokenizer(template)
    assert prompt_tokens(fast, "Hi there") == before + BARE + behind
    assert prompt_tokens(fast, "Hi there" + SPECIAL[1]) == [*before, *BARE, EOS, *behind], "this one was typed"
    assert prompt_tokens(fast, SPECIAL[1]) == [*before, EOS, *behind]
    assert prompt_tokens(fast, "") == before + behind
    assert chat_tokens(fast, "Hi there") == before + BARE + behind


def test_a_text_that_brings_its_special_tokens_gets_no_others():
    fast = tokenizer(f"{SPECIAL[0]} $A {SPECIAL[1]}", chat=True)
    assert prompt_tokens(fast, SPECIAL[0] + "Hi there") == [BOS, *BARE]
    assert prompt_tokens(fast, "Hi there", templated=True) == BARE
    assert chat_tokens(fast, "Hi there").count(EOS) == 1, "the end of the user's turn"


def test_a_tokenizer_told_to_append_its_end_token_is_not_heeded_in_prompts(tmp_path):
    tiny_tokenizer(chat=False).save_pretrained(tmp_path)
    fast = PreTrainedTokenizerFast.from_pretrained(tmp_path, add_bos_token=True, add_eos_token=True)
    fast.update_post_processor()
    assert list(fast("Hi there")["input_ids"]) == [BOS, *BARE, EOS]
    assert prompt_tokens(fast, "Hi there") == [BOS, *BARE]

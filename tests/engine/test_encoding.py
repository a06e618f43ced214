"""Where text becomes token ids: templates that raise, tokens without a row, half characters; one line each."""

import pytest
import torch

from offbook.engine.chat_answers import chat_tokens
from offbook.engine.drafters.answers import answer_prompts, load_answers
from offbook.engine.encoding import EncodingError, check_text, render_turns, token_ids
from offbook.engine.pretrained import load
from offbook.engine.students.paths import encode_text
from offbook.tasks.prompts import Prompt
from tests.engine.students.test_text_encoder import tiny_encoder
from tests.tiny import save_tiny, tiny_model, tiny_tokenizer

USER = [{"role": "user", "content": "hello"}]
SYSTEM = [{"role": "system", "content": "be brief"}, *USER]
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{{ m['content'] }}{% endfor %}"
)


def prompt(text: str) -> Prompt:
    return Prompt(id="q1", category="", split="test", prompt=text, answer="")


@pytest.mark.parametrize(
    ("template", "turns", "complaint"),
    [
        (
            NO_SYSTEM,
            SYSTEM,
            "mine: expected a chat template that renders turns of system, user, got TemplateError: "
            "System role not supported; mend the template",
        ),
        ("{% for m in messages %}", USER, "got TemplateSyntaxError in its line 1: "),
        ("{{ messages[0].content.nothing.more }}", USER, "got UndefinedError: "),
        ("{{ messages[5]['content'] + 1 }}", USER, "got UndefinedError: "),
        ("{{ 1 / 0 }}", USER, "got ZeroDivisionError: division by zero"),
        ({"rag": "x"}, USER, "got ValueError: "),
    ],
)
def test_a_template_that_raises_is_told_with_the_models_name_and_its_own_words(template, turns, complaint):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(EncodingError) as error:
        render_turns(tokenizer, turns, name="mine")
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)


def test_a_template_that_raises_is_told_wherever_a_prompt_becomes_tokens(tmp_path):
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('no users here') }}"
    with pytest.raises(EncodingError, match="got TemplateError: no users here"):
        chat_tokens(tokenizer, "hello")
    with pytest.raises(EncodingError, match="no users here"):
        answer_prompts(tiny_model(), tokenizer, [prompt("hello")], tmp_path / "answers.jsonl")
    with pytest.raises(EncodingError, match="no users here"):
        load_answers(tmp_path / "answers.jsonl", tokenizer, [prompt("hello")])


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """A model whose tokenizer has learned a word that the embedding was not resized for."""
    folder = save_tiny(tmp_path_factory.mktemp("models") / "grown")
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["zebra"])
    tokenizer.save_pretrained(folder)
    return load(str(folder))


def test_a_token_without_a_row_in_the_embedding_is_named(grown):
    _, tokenizer = grown
    assert token_ids(tokenizer, "horse") == token_ids(tiny_tokenizer(), "horse"), "other words are fine"
    for encode in (token_ids, chat_tokens):
        with pytest.raises(EncodingError) as error:
            encode(tokenizer, "a zebra")
        assert str(error.value).startswith(
            "grown: expected token ids below 258, the rows of the model's embedding, got"
        )
        assert "258 ('zebra')" in str(error.value)
    with pytest.raises(EncodingError, match="'zebra'"):
        encode_text("a zebra. The answer is 1.", (23, 24), tokenizer)


def test_the_largest_id_that_has_a_row_is_taken():
    tokenizer = tiny_tokenizer()
    assert max(token_ids(tokenizer, "<|im_end|>", rows=258)) == 257
    with pytest.raises(EncodingError, match="expected token ids below 257"):
        token_ids(tokenizer, "<|im_end|>", rows=257)


def test_an_encoders_token_without_a_row_is_named():
    encoder = tiny_encoder()
    rows = encoder.model.get_input_embeddings().weight
    with torch.no_grad():
        encoder.model.set_input_embeddings(torch.nn.Embedding.from_pretrained(rows[:-1].clone()))
    with pytest.raises(EncodingError, match=f"expected token ids below {len(rows) - 1}"):
        encoder.vector(str(encoder.tokenizer.convert_ids_to_tokens(len(rows) - 1)), "one")


@pytest.mark.parametrize("text", ["\ud800", "caf\udce9", "ab\udfffcd"])
def test_half_a_character_is_told_with_its_place(text):
    place = next(i for i, c in enumerate(text, start=1) if 0xD800 <= ord(c) < 0xE000)
    with pytest.raises(EncodingError, match=f"the prompt: expected Unicode text, got the lone surrogate U.* {place};"):
        check_text(text, "the prompt")
    for tokens in (token_ids, chat_tokens):
        with pytest.raises(EncodingError, match="lone surrogate"):
            tokens(tiny_tokenizer(), text)
    with pytest.raises(EncodingError, match="lone surrogate"):
        tiny_encoder().vector(text, "one")


def test_whole_characters_beyond_the_first_plane_are_text():
    check_text("\U0001f600 \uffff é", "the prompt")

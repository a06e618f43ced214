"""Vectors of rationales: windows that all hold the question, a cache, and the embedded sentence encoder."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from offbook.engine.students.corpus import Corpus, Question, Rationale, close
from offbook.engine.students.text_encoder import TextEncoder, load_encoder, path_vectors

WORDS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "how", "many", "one", "two", "three", "The", "answer", "is", ".")


def tiny_encoder(positions: int = 16, layers: int = 1) -> TextEncoder:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=positions,
    )
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )
    return TextEncoder(weights_sha256="tiny", model=BertModel(config).eval(), tokenizer=fast)


def rows(encoder: TextEncoder, *texts: str) -> torch.Tensor:
    """Mean of each [CLS] how many [SEP] text [SEP], by hand."""
    means = []
    for text in texts:
        words = ["[CLS]", "how", "many", "[SEP]", *text.split(), "[SEP]"]
        ids = torch.tensor([[WORDS.index(w) for w in words]])
        kinds = torch.tensor([[0] * 4 + [1] * (len(words) - 4)])
        with torch.inference_mode():
            means.append(encoder.model(input_ids=ids, token_type_ids=kinds).last_hidden_state[0].mean(dim=0))
    return torch.stack(means)


def test_a_vector_is_the_mean_over_question_and_text() -> None:
    encoder = tiny_encoder()
    torch.testing.assert_close(encoder.vector("how many", "one two"), rows(encoder, "one two")[0])


def test_every_window_of_a_long_text_holds_the_question() -> None:
    encoder = tiny_encoder(positions=8)  # three words of text a window
    expected = rows(encoder, "one two three", "three two one", "two").mean(dim=0)
    torch.testing.assert_close(encoder.vector("how many", "one two three three two one two"), expected)


def test_a_long_question_is_cut_to_half_a_window() -> None:
    encoder = tiny_encoder(positions=8)
    vector = encoder.vector("how many one two", "one")
    for longer in ("how many one two three", "how many one two " + "three " * 20):
        torch.testing.assert_close(encoder.vector(longer, "one"), vector)


def corpus(text: str = "one two") -> Corpus:
    questions = []
    for name, perspectives in (("a", ("planning", "analogy")), ("b", ("analogy",))):
        whole, span = close(text, "three")
        rationales = tuple(
            Rationale(perspective=p, text=whole, answer_span=span, provenance="test", licence="Apache-2.0")
            for p in perspectives
        )
        questions.append(Question(id=name, question="how many", answer="three", rationales=rationales))
    return Corpus.of(questions)


def test_vectors_are_zero_where_a_rationale_is_missing(tmp_path: Path) -> None:
    vectors = path_vectors(corpus(), tiny_encoder(64), tmp_path).values
    assert vectors.shape == (2, 2, 16)
    assert (vectors.norm(dim=-1) > 0).tolist() == [[True, True], [False, True]]


def test_vectors_are_computed_once_for_a_corpus(tmp_path: Path) -> None:
    counted: list[int] = []
    first = path_vectors(corpus(), tiny_encoder(64), tmp_path, lambda done, total: counted.append(done))
    again = path_vectors(corpus(), tiny_encoder(64), tmp_path, lambda done, total: counted.append(done))
    assert counted == [1, 2]
    assert torch.equal(first.values, again.values)
    assert first.wall_s == again.wall_s > 0, "whoever reads it is told what it cost"
    path_vectors(corpus("two one"), tiny_encoder(64), tmp_path, lambda done, total: counted.append(done))
    assert counted == [1, 2, 1, 2]


def test_an_unknown_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a text encoder"):
        load_encoder(str(tmp_path))


@pytest.mark.slow
def test_the_embedded_encoder_finds_paraphrases_closer_than_strangers() -> None:
    encoder = load_encoder()
    one, same, other = (
        encoder.vector("How many apples are left?", text)
        for text in ("Seven minus two leaves five.", "Take two from seven: five remain.", "The train departs at noon.")
    )
    cosine = torch.nn.functional.cosine_similarity
    assert encoder.width == 384
    assert cosine(one, same, dim=0) > cosine(one, other, dim=0) + 0.05


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"num_hidden_layers": 2}, r"got none for encoder\.layer\.1\..*, which would be random numbers"),
        ({"hidden_act": "zork"}, r"got '.*': 'zork'; check the name and its files$"),
    ],
)
def test_an_encoder_whose_configuration_is_not_its_weights_is_refused(
    change: dict[str, object], complaint: str, tmp_path: Path
) -> None:
    encoder = tiny_encoder()
    encoder.model.save_pretrained(tmp_path)
    encoder.tokenizer.save_pretrained(tmp_path)
    assert load_encoder(str(tmp_path)).model.config.num_hidden_layers == 1
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | change))
    with pytest.raises(ValueError, match=complaint):
        load_encoder(str(tmp_path))

"""NaN and infinity end the work in one line: in logits, in weights, in draft scores, in training."""

import json
import math

import pytest
import torch
from safetensors.torch import load_file, save_file

from offbook.baselines.decoding.autoregressive import Autoregressive
from offbook.baselines.decoding.prompt_lookup import PromptLookup
from offbook.baselines.decoding.transformers_generate import TransformersGenerate
from offbook.engine import pretrained
from offbook.engine.chat_answers import greedy_tokens
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.decode import SpeculativeDecoder
from offbook.engine.decoding.decoder import Limits
from offbook.engine.decoding.feature_draft import TreeConfig
from offbook.engine.decoding.sampling import Sampling
from offbook.engine.decoding.static_draft import RankTree
from offbook.engine.decoding.tree import Tree, rerank
from offbook.engine.decoding.verify import verifier_for
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.train import train_drafter
from offbook.engine.finite import NotFiniteError, check_logits, check_weights
from offbook.engine.students.distiller import Job
from offbook.engine.students.record import RECORD
from offbook.engine.students.train import train_student
from tests.engine import decoupled_drafters
from tests.engine.drafters import test_training as drafters
from tests.engine.students import test_student_training as students
from tests.engine.targets import feature_drafter, static_drafter, target
from tests.tiny import save_tiny, tiny_model, tiny_tokenizer

GREEDY, SAMPLED = Sampling(), Sampling(temperature=0.8, top_k=20, top_p=0.9)
DECODERS = {
    "autoregressive": lambda backbone: SpeculativeDecoder(backbone, Autoregressive()),
    "prompt_lookup": lambda backbone: SpeculativeDecoder(backbone, PromptLookup()),
    "hf_generate": TransformersGenerate,
    "hf_prompt_lookup": lambda backbone: TransformersGenerate(backbone, prompt_lookup_num_tokens=4),
}


def spoiled(value):
    """A target that breaks after it was loaded."""
    backbone = Backbone(tiny_model(tie_word_embeddings=False))
    with torch.no_grad():
        backbone.head_VH[7, 3] = value
    return backbone


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


# --- logits ---


@pytest.mark.parametrize("value", [math.nan, math.inf], ids=str)
@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("decoder", DECODERS)
def test_no_decoder_chooses_from_logits_that_are_not_finite(decoder, sampling, value):
    with pytest.raises(NotFiniteError) as refused:
        DECODERS[decoder](spoiled(value)).generate(
            torch.tensor([[1, 2, 3, 1, 2]]),
            sampling=sampling,
            limits=Limits(max_new_tokens=60),  # an infinite weight gives minus infinity at times: a token left out
            generator=torch.Generator().manual_seed(0),
        )
    assert one_line(refused).startswith("expected finite logits, got NaN or infinite ones from the model; choose")


def test_batched_answers_are_not_made_of_them_either():
    model = spoiled(math.nan)
    model.use_native_attention()
    with pytest.raises(NotFiniteError, match="expected finite logits"):
        greedy_tokens(model.model, tiny_tokenizer(), [[1, 2, 3], [4]], 4)
    assert not model.model._forward_hooks, "what watches the logits is gone"


@pytest.mark.parametrize("sampling", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_a_candidate_that_is_not_taken_may_have_any_logits(sampling):
    logits_NV = torch.full((3, 8), -9.0)
    logits_NV[0, 5] = logits_NV[1, 6] = 9.0
    logits_NV[2] = math.nan  # behind the sibling that is refused
    tree = Tree((1, 5, 4), (-1, 0, 0)).tensors()
    verdict = verifier_for(sampling)(logits_NV, tree, torch.Generator().manual_seed(0))
    assert (verdict.path, verdict.bonus) == ((0, 1), 6)
    logits_NV[1, 2] = math.nan
    with pytest.raises(NotFiniteError):
        verifier_for(sampling)(logits_NV, tree, torch.Generator().manual_seed(0))


def test_tokens_left_out_by_minus_infinity_are_no_fault():
    logits = torch.full((2, 6), -math.inf)
    logits[:, 2] = 1.0
    check_logits(logits)
    verdict = verifier_for(GREEDY)(logits, Tree.chain([0, 2]).tensors(), torch.Generator())
    assert verdict.bonus == 2
    with pytest.raises(NotFiniteError):
        verifier_for(GREEDY)(torch.full((1, 6), -math.inf), Tree((0,), (-1,)).tensors(), torch.Generator())


# --- weights ---


@pytest.mark.parametrize("value", [math.nan, -math.inf], ids=str)
def test_a_model_whose_weights_are_not_finite_is_not_loaded(tmp_path, value):
    folder = save_tiny(tmp_path / "tiny")
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.1.mlp.up_proj.weight"][0, 1] = value
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"NaN or infinity in model\.layers\.1\.mlp\.up_proj\.weight; ") as refused:
        pretrained.load(str(folder))
    one_line(refused)


def test_weights_of_every_kind_are_looked_at():
    good = {"whole": torch.tensor([1, 2]), "empty": torch.empty(0), "eight": torch.ones(3).to(torch.float8_e4m3fn)}
    check_weights(good.items(), "model", "train it anew")
    for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn):
        with pytest.raises(NotFiniteError, match="model: expected finite weights, got NaN or infinity in last; train"):
            check_weights([*good.items(), ("last", torch.tensor([1.0, math.nan]).to(dtype))], "model", "train it anew")


# --- draft scores ---


def test_candidates_without_an_order_are_not_made_a_tree():
    scores = torch.tensor([-0.1, -0.2, math.nan, -0.4])
    with pytest.raises(NotFiniteError, match="got NaN from the draft network; train the drafter anew"):
        rerank(scores=scores, tokens=torch.arange(4), parents=torch.tensor([-1, -1, 0, 0]), root=0, keep=2)


@pytest.mark.parametrize("name", ["eagle2", "jakiro"])
def test_a_draft_network_whose_numbers_run_over_says_so(name):
    """Finite weights, as behind one flipped bit of an exponent or a far too large learning rate."""
    backbone = target()
    drafter = feature_drafter(name, backbone, TreeConfig(total_tokens=8, depth=2, top_k=3))
    with torch.no_grad():
        drafter.network.fc.weight.fill_(1e300)
    with pytest.raises(NotFiniteError) as refused:
        SpeculativeDecoder(backbone, drafter).generate(
            torch.tensor([[1, 2, 3]]), sampling=GREEDY, limits=Limits(max_new_tokens=8), generator=torch.Generator()
        )
    assert "draft network" in one_line(refused)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("scheme", [None, "mixture", "first", "turns"], ids=str)
def test_a_static_tree_of_a_network_whose_numbers_run_over_says_so(scheme, temperature):
    backbone, shape = target(), RankTree(((0,), (1,), (0, 0)))
    if scheme is None:
        drafter = static_drafter(backbone, shape)
    else:
        drafter = decoupled_drafters.drafter(backbone, shape, scheme=scheme)
    with torch.no_grad():
        drafter.network.fc.weight.fill_(1e300)
    with pytest.raises(NotFiniteError, match="got NaN from the draft network; train the drafter anew"):
        SpeculativeDecoder(backbone, drafter).generate(
            torch.tensor([[1, 2, 3]]),
            sampling=Sampling(temperature=temperature),
            limits=Limits(max_new_tokens=8),
            generator=torch.Generator(),
        )


# --- training ---


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    questions = [drafters.Asked(id=f"q{n}", prompt=text) for n, text in enumerate(drafters.TEXTS)]
    path = tmp_path_factory.mktemp("answers") / "answers.jsonl"
    return drafters.answer_prompts(tiny_model(), tiny_tokenizer(), questions, path, max_new_tokens=16)


def no_nan_in(folder):
    for path in folder.rglob("*.json"):
        json.loads(path.read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("name", drafters.ARCHITECTURES)
@pytest.mark.parametrize("epochs", [1, 3])
def test_a_diverging_drafter_is_stopped_in_one_line_and_not_saved(answers, tmp_path, name, epochs):
    config = TrainingConfig(
        learning_rate=1e30, warmup_steps=0, epochs=epochs, batch_size=6, draft_vocab_size=99, dev_fraction=0.4
    )
    with pytest.raises(NotFiniteError) as stopped:
        train_drafter(
            Backbone(tiny_model()), drafters.ARCHITECTURES[name], answers, config, tmp_path, target=drafters.TARGET
        )
    assert "the training diverges: lower --learning-rate" in one_line(stopped)
    assert not (tmp_path / "config.json").exists()
    assert not (tmp_path / "model.safetensors").exists()
    no_nan_in(tmp_path)


@pytest.mark.parametrize("lora_rank", [0, 4])
def test_a_diverging_student_is_stopped_in_one_line_and_not_saved(tmp_path, lora_rank):
    job = students.job(tmp_path, learning_rate=1e30, lora_rank=lora_rank)
    with pytest.raises(NotFiniteError) as stopped:
        train_student(job, "method", students.objective())
    assert "the training diverges: lower --learning-rate" in one_line(stopped)
    assert str(tmp_path) in one_line(stopped)
    assert not (tmp_path / RECORD).exists()
    no_nan_in(tmp_path)


def answered(backbone):
    backbone.use_native_attention()
    greedy_tokens(backbone.model, tiny_tokenizer(), [[1, 2, 3]], 4)
    return 0.0


@pytest.mark.parametrize(
    "score", [lambda model: math.nan, lambda model: answered(spoiled(math.nan))], ids=["number", "answers"]
)
def test_a_development_score_that_is_no_number_is_not_the_best(tmp_path, score):
    with pytest.raises(NotFiniteError, match="got development score nan"):
        train_student(students.job(tmp_path, score=score), "method", students.objective())
    assert not (tmp_path / RECORD).exists()


def spoil(question_loss, **changes):
    def loss(student, question, done):
        return students.replace(question_loss(student, question, done), **changes)

    return loss


def test_a_gradient_that_is_not_finite_moves_nothing(tmp_path):
    """The loss itself may be finite: the root of zero has an infinite slope."""
    objective = students.objective()

    def loss(student, question, done):
        found = objective.loss(student, question, done)
        return students.replace(found, loss=(found.loss * 0.0).sqrt())

    job: Job = students.job(tmp_path)
    before = {name: p.detach().clone() for name, p in job.student.named_parameters()}
    with pytest.raises(NotFiniteError, match="got a gradient of norm nan"):
        train_student(job, "method", students.replace(objective, loss=loss))
    assert all(torch.equal(before[name], p) for name, p in job.student.named_parameters())


def test_what_a_method_logs_is_finite_too(tmp_path):
    objective = students.objective()
    with pytest.raises(NotFiniteError, match="got share nan"):
        train_student(
            students.job(tmp_path / "loss"),
            "method",
            students.replace(objective, loss=spoil(objective.loss, log={"share": math.nan})),
        )
    with pytest.raises(NotFiniteError, match="got meta_loss inf"):
        train_student(
            students.job(tmp_path / "step"),
            "method",
            students.replace(objective, after_step=lambda memories: {"meta_loss": math.inf}),
        )

"""Drafter training: the shifts row by row, what is learned, what survives an interruption, what a checkpoint holds."""

import dataclasses
import functools
import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional

from offbook.baselines.decoding import eagle2
from offbook.engine.decoding.backbone import Backbone
from offbook.engine.decoding.draft_head import DraftHead
from offbook.engine.decoding.draft_layer import SwiGLU
from offbook.engine.drafters import train as drafter_training
from offbook.engine.drafters.answers import Answer, answer_prompts
from offbook.engine.drafters.batch import DraftData
from offbook.engine.drafters.checkpoint import TargetName, draft_config, load_drafter, save_drafter
from offbook.engine.drafters.config import TrainingConfig
from offbook.engine.drafters.feature_objective import feature_architecture
from offbook.engine.drafters.features import SHARD, Features, compute_features
from offbook.engine.drafters.loss import branch_loss
from offbook.engine.drafters.train import agreement, train_drafter
from offbook.engine.drafters.vocabulary import draft_vocabulary, share_outside
from offbook.engine.resuming import state as resumption
from offbook.engine.tensor_file import write_tensors
from offbook.methods.jakiro import drafter as jakiro
from tests.tiny import tiny_model, tiny_tokenizer

ARCHITECTURES = {"eagle2": eagle2.ARCHITECTURE, "jakiro": jakiro.ARCHITECTURE}
TARGET = TargetName(name="tiny", weights_sha256="0" * 64)
QUICK = TrainingConfig(
    epochs=3,
    batch_size=2,
    learning_rate=3e-3,
    warmup_steps=2,
    draft_vocab_size=200,
    max_length=64,
    dev_fraction=0.0,
    noise=0.02,
)
TEXTS = ("one", "a second prompt", "the third", "and 4", "fifth, of many words", "6")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    id: str
    prompt: str


@functools.cache
def backbone(dtype=torch.float32):
    return Backbone(tiny_model(dtype=dtype))


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """The tiny target's own greedy answers."""
    questions = [Asked(id=f"q{n}", prompt=text) for n, text in enumerate(TEXTS)]
    path = tmp_path_factory.mktemp("answers") / "answers.jsonl"
    return answer_prompts(tiny_model(), tiny_tokenizer(), questions, path, max_new_tokens=16)


def train(answers, folder, config=QUICK, name="eagle2", **options):
    return train_drafter(backbone(), ARCHITECTURES[name], answers, config, folder, target=TARGET, **options)


def weights(folder):
    return load_drafter(folder, backbone(), ARCHITECTURES).network.state_dict()


def history(folder):
    return json.loads((folder / "config.json").read_text())["training"]["history"]


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


# --- the shifts ---

WIDTH, VOCABULARY = 6, 12
ANSWERS = (
    Answer(id="long", prompt_tokens=(1, 2, 3, 4), answer_tokens=(5, 6, 7, 0, 9)),
    Answer(id="short", prompt_tokens=(9, 8), answer_tokens=(7, 6, 5)),
    Answer(id="cut", prompt_tokens=(2, 2, 2, 2, 2), answer_tokens=(10, 11, 5, 4, 3, 2, 1)),
)
IDS = torch.tensor([0, 3, 4, 5, 6, 9, 10, 11])  # a draft vocabulary without 1, 2, 7 and 8


class Known:
    """Features that cannot be mistaken for one another; see `Features`."""

    def __init__(self, sequences):
        generator = torch.Generator().manual_seed(5)
        self.rows = [torch.randn(len(s), WIDTH, generator=generator) for s in sequences]

    def batch(self, indices):
        return [self.rows[i] for i in indices]


class Replies(torch.nn.Module):
    """A network with prepared predictions; it keeps what it was asked."""

    def __init__(self, following, later=None):
        super().__init__()
        self.following, self.later = following, later
        self.asked = None

    def forward(self, *asked, contrast):
        self.asked = asked
        return self.following, self.later if contrast else None


def known_data(config):
    sequences = [drafter_training._sequence(a, config) for a in ANSWERS]
    generator = torch.Generator().manual_seed(6)
    embedding = torch.randn(VOCABULARY, WIDTH, generator=generator)
    return DraftData(ANSWERS, sequences, Known(sequences), IDS, embedding)


CONFIG = TrainingConfig(max_length=10)


def counted(answer, ahead):
    """Rows i of a sequence that count for the token at i + `ahead`, by the module's words."""
    sequence = [*answer.prompt_tokens, *answer.answer_tokens][: CONFIG.max_length]
    return {
        i
        for i in range(len(sequence) - 1)
        if len(answer.prompt_tokens) <= i + ahead < len(sequence) and sequence[i + ahead] in IDS.tolist()
    }


def test_row_i_sees_the_next_token_and_the_feature_before_it():
    data = known_data(CONFIG)
    batch = data.batch([0, 1, 2], CONFIG, None)
    for row, sequence in enumerate(data.sequences):
        for i in range(len(sequence) - 1):
            assert torch.equal(batch.embeds_BTH[row, i], data.embedding_VH[sequence[i + 1]])
            assert torch.equal(batch.inputs_BTF[row, i], data.features.rows[row][i])


def test_a_row_counts_where_the_token_it_predicts_is_the_answers_and_in_the_draft_vocabulary():
    batch = known_data(CONFIG).batch([0, 1, 2], CONFIG, None)
    for row, answer in enumerate(ANSWERS):
        assert set(batch.following_BT[row].nonzero().flatten().tolist()) == counted(answer, 2)
        assert set(batch.later_BT[row].nonzero().flatten().tolist()) == counted(answer, 3)
    assert counted(ANSWERS[0], 2) == {2, 3, 5, 6}  # by hand: t_6 = 7 is not in the draft vocabulary
    assert counted(ANSWERS[0], 3) == {1, 2, 4, 5}
    assert max(counted(ANSWERS[2], 2)) + 2 == 9  # the last token that the cut leaves


def test_sequences_are_cut_to_the_maximal_length():
    assert [len(s) for s in known_data(CONFIG).sequences] == [9, 5, 10]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_loss_is_the_mean_over_rows_of_the_equations(name):
    """Every row by itself, in plain arithmetic, against what the objective computes from the padded batch."""
    data = known_data(CONFIG)
    batch = data.batch([0, 1, 2], CONFIG, None)
    generator = torch.Generator().manual_seed(7)
    shape = batch.inputs_BTF.shape
    predicted = [torch.randn(shape, generator=generator) for _ in range(2)]
    head_VH = torch.randn(VOCABULARY, WIDTH, generator=generator)
    architecture = ARCHITECTURES[name]

    def branch(prediction, ahead):
        regression, classification = [], []
        for row, answer in enumerate(ANSWERS):
            for i in sorted(counted(answer, ahead)):
                fhat, f = prediction[row, i].double(), data.features.rows[row][i + ahead - 1].double()
                error = (fhat - f).abs()
                regression.append(torch.where(error < 1, error**2 / 2, error - 0.5).mean())
                p, q = (torch.softmax(head_VH[IDS].double() @ x, dim=0) for x in (f, fhat))
                classification.append(-(p * q.log()).sum())
        return sum(regression) / len(regression), sum(classification) / len(classification)

    (reg_1, cls_1), (reg_2, cls_2) = branch(predicted[0], 2), branch(predicted[1], 3)
    expected = reg_1 + 0.1 * cls_1 if name == "eagle2" else reg_1 + 0.5 * reg_2 + 0.1 * (cls_1 + 0.5 * cls_2)
    network = Replies(*predicted)
    head = DraftHead(head_VH, IDS)
    loss = architecture.objective(network, batch, head)
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=0)  # the loss is summed in fp32
    embeds, inputs, positions, visible = network.asked
    assert embeds is batch.embeds_BTH
    assert inputs is batch.inputs_BTF
    assert positions.tolist() == [list(range(shape[1]))] * 3
    assert torch.equal(visible[1], torch.ones(shape[1], shape[1], dtype=torch.bool).tril())


def test_a_network_that_knows_the_next_feature_has_nothing_to_regress():
    data = known_data(CONFIG)
    batch = data.batch([0, 1, 2], CONFIG, None)
    f = batch.features_BSH
    network = Replies(f[:, 1:], functional.pad(f[:, 2:], (0, 0, 0, 1)))
    seen = []
    architecture = feature_architecture(
        name="watched",
        feed_forward_name="mlp",
        feed_forward=SwiGLU,
        contrast=True,
        loss=lambda first, second: seen.append((first, second)) or first.regression,
        schedule="linear",
        weight_decay=0.0,
    )
    head = DraftHead(torch.randn(VOCABULARY, WIDTH, generator=torch.Generator().manual_seed(8)), IDS)
    architecture.objective(network, batch, head)
    ((first, second),) = seen
    assert float(first.regression) == float(second.regression) == 0.0
    for classification, ahead in ((first.classification, 2), (second.classification, 3)):
        rows = [data.features.rows[r][i + ahead - 1] for r, a in enumerate(ANSWERS) for i in sorted(counted(a, ahead))]
        logits = torch.stack(rows) @ head.weight_DH.T
        entropy = torch.distributions.Categorical(logits=logits).entropy().mean()  # no cross-entropy is lower
        torch.testing.assert_close(classification, entropy, rtol=1e-5, atol=0)


@pytest.mark.parametrize("noise_from", [1, 6, 2048])  # the sequences have 9, 5 and 10 tokens
def test_noise_is_uniform_in_the_length_of_the_sequence_and_on_the_input_alone(noise_from):
    data, config = known_data(CONFIG), dataclasses.replace(CONFIG, noise_from=noise_from)
    generator = torch.Generator().manual_seed(0)
    draws = [[], [], []]
    for _ in range(200):
        batch = data.batch([0, 1, 2], config, generator)
        for row, sequence in enumerate(data.sequences):
            n = len(sequence)
            clean = data.features.rows[row]
            assert torch.equal(batch.features_BSH[row, :n], clean)
            assert not batch.features_BSH[row, n:].any()
            assert not batch.inputs_BTF[row, n:].any()
            draws[row].append(batch.inputs_BTF[row, : n - 1] - clean[: n - 1])
    for row, sequence in enumerate(data.sequences):
        bound = 0.1 * 512 / max(len(sequence), noise_from)
        noise = torch.cat([d.flatten() for d in draws[row]])
        assert float(noise.abs().max()) <= bound * (1 + 1e-6) + 1e-6  # a difference of numbers near 1
        assert float(noise.abs().max()) > 0.99 * bound
        assert abs(float(noise.mean())) < 0.03 * bound
        assert float(noise.std()) == pytest.approx(bound / 3**0.5, rel=0.03)


def test_gradients_reach_the_prediction_and_not_the_target():
    generator = torch.Generator().manual_seed(1)
    predicted, feature, head = (torch.randn(4, WIDTH, generator=generator).requires_grad_() for _ in range(3))
    branch_loss(predicted, feature.detach(), head.detach()).classification.backward()
    assert predicted.grad.abs().sum() > 0
    branch = branch_loss(predicted.detach(), feature, head.detach())
    assert not branch.classification.requires_grad


# --- agreement ---


class TrueFeatures(torch.nn.Module):
    """A network that knows the target: row i predicts f_{i+1}, or the feature `late` rows later."""

    def __init__(self, data, *, late=0):
        super().__init__()
        self.data, self.late = data, late

    def forward(self, embeds, inputs, positions, visible, *, contrast):
        following = torch.zeros_like(inputs)
        for row, features in enumerate(self.data.features.rows):
            shifted = features[1 + self.late :]
            following[row, : len(shifted)] = shifted[: inputs.shape[1]]
        return following, None


def greedy_data(answers, config):
    sequences = [drafter_training._sequence(a, config) for a in answers]
    features = Features(backbone(), sequences, None, target="tiny")
    features.rows = features.batch(range(len(sequences)))
    ids = torch.arange(258)
    data = DraftData(answers, sequences, features, ids, backbone().embedding_VH)
    return data, DraftHead(backbone().head_VH, ids)


def test_the_targets_own_features_agree_with_its_greedy_answers_everywhere(answers):
    """This ties the shifts to the model: f_{i+1} chooses t_{i+2}."""
    config = dataclasses.replace(QUICK, batch_size=len(answers))
    data, head = greedy_data(answers, config)
    rows = range(len(answers))
    assert agreement(TrueFeatures(data), eagle2.ARCHITECTURE, data, rows, head, config) == (1.0, 1.0)
    assert agreement(TrueFeatures(data, late=1), eagle2.ARCHITECTURE, data, rows, head, config)[0] < 0.5


def test_tokens_outside_the_draft_vocabulary_are_missed(answers):
    config = dataclasses.replace(QUICK, batch_size=len(answers))
    data, _ = greedy_data(answers, config)
    wanted = [t for a in answers for t in a.answer_tokens[1:]]
    ids = torch.tensor(sorted(set(range(258)) - {wanted[0]}))
    top1, _ = agreement(
        TrueFeatures(data), eagle2.ARCHITECTURE, data, range(len(answers)), DraftHead(backbone().head_VH, ids), config
    )
    assert top1 == pytest.approx(1 - wanted.count(wanted[0]) / len(wanted))


def test_the_share_outside_the_draft_vocabulary_is_of_answer_tokens_however_often_they_come():
    ids = draft_vocabulary(ANSWERS, size=8, vocab_size=VOCABULARY)
    said = [token for answer in ANSWERS for token in answer.answer_tokens]
    assert ids.tolist() == [1, 2, 3, 4, 5, 6, 7, 9]  # 0, 10 and 11 come once, and in no prompt
    assert share_outside(ANSWERS, ids) == len([t for t in said if t in {0, 10, 11}]) / len(said) == 3 / 15
    assert share_outside([], ids) is None


def test_a_checkpoint_says_what_its_drafter_can_never_propose(answers, tmp_path):
    config = dataclasses.replace(QUICK, epochs=1, draft_vocab_size=5, dev_fraction=0.5)
    folder = train(answers, tmp_path / "drafter", config)
    told = json.loads((folder / "config.json").read_text())["training"]["outside_draft_vocabulary"]
    ids = load_drafter(folder, backbone(), ARCHITECTURES).head.token_ids
    rows = dict(zip(("training", "dev"), drafter_training._split(answers, config), strict=True))
    assert told == {name: share_outside([answers[i] for i in rows[name]], ids) for name in rows}
    assert 0 < told["training"] < 1


def test_without_an_answer_token_there_is_nothing_to_agree_on(answers):
    data, head = greedy_data(answers, QUICK)
    assert agreement(TrueFeatures(data), eagle2.ARCHITECTURE, data, [], head, QUICK) is None


# --- what is learned ---


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_training_learns_a_few_answers_by_heart(answers, tmp_path, name):
    config = dataclasses.replace(QUICK, epochs=60, batch_size=3, learning_rate=1e-2, warmup_steps=10)
    folder = train(answers, tmp_path / "drafter", config, name)
    losses = [epoch["loss"] for epoch in history(folder)]
    assert len(losses) == 60
    assert losses[-1] < 0.7 * losses[0]  # the entropy of the target's own distribution remains
    loaded = load_drafter(folder, backbone(), ARCHITECTURES)
    data, _ = greedy_data(answers, config)
    top1, top3 = agreement(loaded.network, eagle2.ARCHITECTURE, data, range(len(answers)), loaded.head, config)
    assert top1 > 0.5
    assert top3 >= top1


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_development_loss_is_that_of_the_saved_network_without_noise(answers, tmp_path, name):
    config = dataclasses.replace(QUICK, epochs=2, dev_fraction=0.5)
    folder = train_drafter(backbone(), ARCHITECTURES[name], answers, config, tmp_path / "drafter", target=TARGET)
    loaded = load_drafter(folder, backbone(), ARCHITECTURES)
    _, rows = drafter_training._split(answers, config)
    data = dataclasses.replace(greedy_data(answers, config)[0], token_ids=loaded.head.token_ids)
    expected = drafter_training.development_loss(loaded.network, ARCHITECTURES[name], data, rows, loaded.head, config)
    assert expected is not None
    assert history(folder)[-1]["dev_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_target_of_another_dtype_is_learned_from_in_fp32(answers, tmp_path, name, dtype):
    config = dataclasses.replace(QUICK, epochs=10, learning_rate=1e-2, dev_fraction=0.5)
    other = backbone(dtype)
    folder = train_drafter(other, ARCHITECTURES[name], answers, config, tmp_path / "drafter", target=TARGET)
    saved = load_file(folder / "model.safetensors")
    assert {tensor.dtype for tensor in saved.values()} == {torch.float32, torch.int64}  # the latter are the token ids
    losses = [epoch["loss"] for epoch in history(folder)]
    assert losses[-1] < losses[0]
    assert 0 <= history(folder)[-1]["dev_top1"] <= 1
    assert {p.dtype for p in load_drafter(folder, other, ARCHITECTURES).network.parameters()} == {dtype}


def test_without_development_prompts_their_agreement_is_null(answers, tmp_path):
    messages = []
    with pytest.raises(KeyboardInterrupt):
        train(answers, tmp_path / "drafter", progress=interrupting(1))
    folder = train(answers, tmp_path / "drafter", progress=lambda p: messages.append(p.message))  # read back once

    def refuse(constant):
        pytest.fail(f"{constant} is no JSON")

    config = json.loads((folder / "config.json").read_text(), parse_constant=refuse)
    assert config["training"]["dev_prompts"] == 0
    kept = [(e["dev_loss"], e["dev_top1"], e["dev_top3"]) for e in config["training"]["history"]]
    assert kept == [(None, None, None)] * 3
    assert load_drafter(folder, backbone(), ARCHITECTURES).config == config
    assert "epoch 3/3 dev answers: none" in messages


def test_a_finished_folder_is_returned_as_it_is(answers, tmp_path):
    folder = train(answers, tmp_path / "drafter")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert set(before) == {"config.json", "model.safetensors", "trained_on.json"}  # the state of the training is gone
    assert train(answers, folder, progress=lambda _: pytest.fail("it was trained again")) == folder
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_finished_folder_of_another_training_is_refused(answers, tmp_path):
    folder = train(answers, tmp_path / "drafter")
    for rows, config, name in others(answers):
        with pytest.raises(ValueError, match="a new folder or this training finished, got something else") as refused:
            train(rows, folder, config, name)
        assert "\n" not in str(refused.value)


def others(answers):
    """Trainings that differ from the usual one."""
    return [
        (answers, dataclasses.replace(QUICK, seed=1), "eagle2"),
        (answers, QUICK, "jakiro"),
        (answers[:-1], QUICK, "eagle2"),
    ]


def test_development_prompts_are_kept_out_of_training_and_of_the_draft_vocabulary(answers, tmp_path):
    config = dataclasses.replace(QUICK, epochs=1, dev_fraction=0.5)
    train_rows, dev_rows = drafter_training._split(answers, config)
    assert dev_rows
    assert sorted([*train_rows, *dev_rows]) == list(range(len(answers)))
    renamed = [answers[i] for i in reversed(range(len(answers)))]
    assert {renamed[i].id for i in drafter_training._split(renamed, config)[1]} == {answers[i].id for i in dev_rows}
    folder = train(answers, tmp_path / "drafter", config)
    training = json.loads((folder / "config.json").read_text())["training"]
    assert (training["prompts"], training["dev_prompts"]) == (len(train_rows), len(dev_rows))
    assert training["answer_tokens"] == sum(len(answers[i].answer_tokens) for i in train_rows)
    ids = load_drafter(folder, backbone(), ARCHITECTURES).head.token_ids
    assert torch.equal(ids, draft_vocabulary([answers[i] for i in train_rows], size=200, vocab_size=258))


def test_one_answer_is_too_few(answers, tmp_path):
    with pytest.raises(ValueError, match="at least two answers to train on, got 1"):
        train(answers[:1], tmp_path / "drafter")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_prompts_that_leave_no_room_for_an_answer_do_no_harm(answers, tmp_path, name):
    """A batch of nothing but such prompts has no row that counts, and a mean over nothing is nan."""
    config = dataclasses.replace(QUICK, epochs=1, batch_size=1)
    long = Answer(id="long", prompt_tokens=tuple(range(70)), answer_tokens=(1, 2, 3))
    folder = train([*answers, long], tmp_path / "drafter", config, name)
    assert all(torch.isfinite(tensor).all() for tensor in weights(folder).values())
    assert history(folder)[0]["loss"] < float("inf")


# --- interrupt and resume ---


def interrupting(epoch, steps=3):
    """A progress callback that interrupts in the first step after `epoch` epochs."""

    def progress(p):
        if p.stage == "training" and p.done == epoch * steps + 1:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("name", ARCHITECTURES)
@pytest.mark.parametrize("epoch", [0, 1, 2])
def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(answers, tmp_path, name, epoch):
    whole = train(answers, tmp_path / "whole", name=name)
    with pytest.raises(KeyboardInterrupt):
        train(answers, tmp_path / "broken", name=name, progress=interrupting(epoch))
    assert not (tmp_path / "broken" / "config.json").exists()
    reports = []
    torch.manual_seed(1234 + epoch)  # whatever the new process has drawn before
    resumed = train(answers, tmp_path / "broken", name=name, progress=reports.append)
    assert min(p.done for p in reports if p.stage == "training") == epoch * 3 + 1  # what was done is not done again
    assert same(weights(whole), weights(resumed))
    assert [e["loss"] for e in history(whole)] == [e["loss"] for e in history(resumed)]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interruption_while_the_state_is_saved_loses_at_most_that_epoch(answers, tmp_path, monkeypatch, moment):
    whole = train(answers, tmp_path / "whole")
    rename_folder, calls = resumption.rename_folder, []

    def interrupted(written, path):
        calls.append(None)
        if len(calls) == 2 and moment == "before":
            raise KeyboardInterrupt
        rename_folder(written, path)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(resumption, "rename_folder", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(answers, tmp_path / "broken")
    monkeypatch.undo()
    resumed = train(answers, tmp_path / "broken")
    assert same(weights(whole), weights(resumed))
    assert [e["epoch"] for e in history(resumed)] == [1, 2, 3]


def test_an_unfinished_folder_of_another_training_is_refused(answers, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(answers, tmp_path / "broken", progress=interrupting(1))
    for rows, config, name in others(answers):
        with pytest.raises(ValueError, match="holds an unfinished training with other settings") as refused:
            train(rows, tmp_path / "broken", config, name)
        assert "\n" not in str(refused.value)


# --- features ---


def test_cached_features_are_those_computed_online(tmp_path, answers):
    target = backbone(torch.float64)
    sequences = [[*a.prompt_tokens, *a.answer_tokens] for a in answers]
    alone = [compute_features(target, [s])[0] for s in sequences]
    online = Features(target, sequences, None, target="tiny")
    online.prepare(lambda *_: None)
    cached = Features(target, sequences, tmp_path / "features", target="tiny")
    cached.prepare(lambda *_: None)
    for i, sequence in enumerate(sequences):
        assert online[i].shape == (len(sequence), 32)
        torch.testing.assert_close(online[i], alone[i], rtol=0, atol=1e-10)
        torch.testing.assert_close(cached[i], alone[i], rtol=0, atol=1e-10)
        hidden = target.model(torch.tensor([sequence]), output_hidden_states=True, **_visible(len(sequence)))
        torch.testing.assert_close(alone[i], hidden.hidden_states[-1][0].detach(), rtol=0, atol=1e-10)
    shuffled = online.batch([3, 0, 5])
    assert [len(f) for f in shuffled] == [len(sequences[i]) for i in (3, 0, 5)]


def test_features_on_disk_are_computed_once_and_belong_to_their_sequences(tmp_path, monkeypatch):
    sequences = [[n % 7, n % 5, n % 3] for n in range(SHARD + 3)]
    first = Features(backbone(), sequences, tmp_path, target="tiny")
    done = []
    first.prepare(lambda *p: done.append(p))
    assert done == [(SHARD, SHARD + 3), (SHARD + 3, SHARD + 3)]
    assert len(list(tmp_path.iterdir())) == 2
    computed = []
    monkeypatch.setattr(
        "offbook.engine.drafters.features.compute_features",
        lambda target, missing, **more: computed.append(len(missing)) or compute_features(target, missing, **more),
    )
    again = Features(backbone(), sequences, tmp_path, target="tiny")
    again.prepare(lambda *_: None)
    assert all(torch.equal(again[i], first[i]) for i in range(len(sequences)))
    assert not any(computed)
    changed = Features(backbone(), [*sequences[:-1], [6, 6, 6]], tmp_path, target="tiny")
    changed.prepare(lambda *_: None)
    assert [n for n in computed if n] == [3]  # the second shard alone
    torch.testing.assert_close(changed[SHARD + 2], compute_features(backbone(), [[6, 6, 6]])[0], rtol=0, atol=1e-5)
    computed.clear()
    other = Features(backbone(), sequences, tmp_path, target="another model")
    other.prepare(lambda *_: None)
    assert sorted(n for n in computed if n) == [3, SHARD]


def test_states_of_several_taps_lie_side_by_side_and_apart_from_those_of_others(tmp_path, answers):
    target, taps = backbone(torch.float64), (1, 0, -1)
    sequences = [[*a.prompt_tokens, *a.answer_tokens] for a in answers]
    several = Features(target, sequences, tmp_path, target="tiny", taps=taps)
    last = Features(target, sequences, tmp_path, target="tiny")
    for features in (several, last):
        features.prepare(lambda *_: None)
    for i, sequence in enumerate(sequences):
        output = target.model(torch.tensor([sequence]), output_hidden_states=True, **_visible(len(sequence)))
        states = [output.hidden_states[tap][0].detach() for tap in taps]
        torch.testing.assert_close(several[i], torch.cat(states, dim=-1), rtol=0, atol=1e-10)
        torch.testing.assert_close(last[i], states[-1], rtol=0, atol=1e-10)
    one, other = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_size)
    other.write_bytes(one.read_bytes())  # as if the name said nothing of taps
    with pytest.raises(ValueError, match=f"expected features of sequences 0 to {len(sequences) - 1}, got others"):
        Features(target, sequences, tmp_path, target="tiny", taps=taps).prepare(lambda *_: None)


def test_a_damaged_shard_of_features_is_named_with_what_to_do(tmp_path):
    sequences = [[1, 2, 3], [4, 5]]

    def prepare(sequences):
        Features(backbone(), sequences, tmp_path, target="tiny").prepare(lambda *_: None)

    prepare(sequences)
    (shard,) = tmp_path.iterdir()
    for spoil in (b"", shard.read_bytes()[:-9]):
        shard.write_bytes(spoil)
        with pytest.raises(ValueError, match="delete it, and it is made anew") as refused:
            prepare(sequences)
        assert str(refused.value).startswith(f"{shard}: expected")
    write_tensors(shard, {"0": torch.zeros(3, 32), "1": torch.zeros(3, 32)}, sealed=True)
    with pytest.raises(ValueError, match="expected features of sequences 0 to 1, got others"):
        prepare(sequences)
    shard.unlink()
    prepare(sequences)


def test_training_from_cached_features_is_training_online(answers, tmp_path):
    online = weights(train(answers, tmp_path / "online"))
    cached = weights(train(answers, tmp_path / "cached", features_dir=tmp_path / "features"))
    for name, tensor in online.items():
        torch.testing.assert_close(cached[name], tensor, rtol=0, atol=5e-3)  # fp32 sums of other shapes, through AdamW


def _visible(rows):
    """What the tree attention function asks of a caller who drives the model alone."""
    positions = torch.arange(rows)[None]
    causal = torch.ones(rows, rows, dtype=torch.bool).tril()[None, None]
    return {"attention_mask": causal, "tree_positions": positions, "tree_key_positions": positions}


# --- the draft vocabulary ---


def test_the_draft_vocabulary_holds_the_most_frequent_tokens_in_order_of_id():
    rows = [
        Answer(id="a", prompt_tokens=(1, 1, 1, 2), answer_tokens=(9, 9, 9, 5)),
        Answer(id="b", prompt_tokens=(2, 3), answer_tokens=(9, 5, 7)),
    ]
    # in answers: 9 four times, 5 twice, 7 once; then in prompts: 1 three times, 2 twice, 3 once; then the lowest id
    order = [9, 5, 7, 1, 2, 3, 0, 4, 6, 8]
    for size in range(1, 11):
        ids = draft_vocabulary(rows, size=size, vocab_size=10)
        assert ids.dtype == torch.int64
        assert ids.tolist() == sorted(order[:size])


@pytest.mark.parametrize("size", [0, -1, 11])
def test_a_draft_vocabulary_larger_than_the_targets_or_empty_is_refused(size):
    with pytest.raises(ValueError, match=f"draft vocabulary of 1 to 10 tokens, got {size}; change draft_vocab_size"):
        draft_vocabulary([Answer(id="a", prompt_tokens=(1,), answer_tokens=(2,))], size=size, vocab_size=10)


# --- checkpoints ---


@pytest.fixture
def saved(tmp_path):
    """A random network as a checkpoint."""

    def save(name="eagle2"):
        torch.manual_seed(3)
        network = ARCHITECTURES[name].build(draft_config(backbone())).eval()
        folder = tmp_path / name
        save_drafter(
            folder,
            network,
            torch.arange(0, 258, 2),
            layer=network.config,
            architecture=name,
            target=TARGET,
            vocab_size=258,
            training={},
        )
        return folder, network

    return save


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_checkpoint_computes_what_the_saved_network_computed(saved, name):
    folder, network = saved(name)
    loaded = load_drafter(folder, backbone(), ARCHITECTURES, target=TARGET)
    rows = 7
    generator = torch.Generator().manual_seed(0)
    embeds, features = (torch.randn(2, rows, 32, generator=generator) for _ in range(2))
    visible = torch.ones(rows, rows, dtype=torch.bool).tril().expand(2, rows, rows)
    arguments = (embeds, features, torch.arange(rows).expand(2, rows), visible)
    with torch.inference_mode():
        expected = network(*arguments, contrast=True)
        found = loaded.network(*arguments, contrast=True)
    assert torch.equal(found[0], expected[0])
    assert (found[1] is None) == (expected[1] is None) == (not ARCHITECTURES[name].contrast)
    if expected[1] is not None:
        assert torch.equal(found[1], expected[1])
    assert loaded.head.token_ids.tolist() == list(range(0, 258, 2))
    assert torch.equal(loaded.head.weight_DH, backbone().head_VH[::2])
    assert loaded.parameters == sum(p.numel() for p in network.parameters())
    assert not loaded.network.training
    assert not any(p.requires_grad for p in loaded.network.parameters())


def edit(**changes):
    return lambda config: config | changes


def without(key):
    return lambda config: {k: v for k, v in config.items() if k != key}


OTHER_CONFIGS = {
    "a newer schema": (edit(schema_version=99), "expected checkpoint schema 1, got 99"),
    "an unknown architecture": (edit(architecture="medusa"), "one of eagle2, jakiro, got a drafter 'medusa'"),
    "another vocabulary": (edit(vocab_size=300), "for vocabulary 258 and width 32, got one for 300 and 32"),
    "another width": (lambda c: c | {"layer": c["layer"] | {"hidden_size": 64}}, "got one for 258 and 64"),
    "a layer with more to it": (lambda c: c | {"layer": c["layer"] | {"depth": 2}}, "expected a drafter's config"),
    "no layer": (edit(layer=None), "expected a drafter's config"),
    "a target without a hash": (edit(target={"name": "tiny"}), "expected a drafter's config"),
    "no target": (without("target"), "expected a drafter's config, got KeyError('target')"),
    "no schema": (without("schema_version"), "expected a drafter's config"),
    "a list": (lambda _: [], "expected a drafter's config"),
    "nothing": (lambda _: None, "expected a drafter's config"),
}


@pytest.mark.parametrize("what", OTHER_CONFIGS)
def test_a_config_of_something_else_is_refused_in_one_line(saved, what):
    change, complaint = OTHER_CONFIGS[what]
    folder, _ = saved()
    path = folder / "config.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(ValueError) as refused:  # noqa: PT011 (the message is compared below)
        load_drafter(folder, backbone(), ARCHITECTURES, target=TARGET)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "{", "not json at all"])
def test_a_config_that_is_no_json_is_refused_in_one_line(saved, text):
    folder, _ = saved()
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"expected a drafter's config, got JSONDecodeError.*; train it anew$"):
        load_drafter(folder, backbone(), ARCHITECTURES)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "everything"])
def test_a_folder_without_a_drafter_is_refused_in_one_line(saved, tmp_path, missing):
    folder, _ = saved()
    if missing == "everything":
        folder = tmp_path / "nowhere"
    else:
        (folder / missing).unlink()
    with pytest.raises(ValueError, match=r"expected a drafter \(config.json and model.safetensors\), found none; make"):
        load_drafter(folder, backbone(), ARCHITECTURES)


def torn(path):
    path.write_bytes(path.read_bytes()[:200])


def of_another_network(path):
    tensors = load_file(path)
    save_file({name: tensor for name, tensor in tensors.items() if "fc" not in name}, path)


def without_ids(path):
    tensors = load_file(path)
    tensors.pop("draft_token_ids")
    save_file(tensors, path)


@pytest.mark.parametrize("spoil", [torn, of_another_network, without_ids])
def test_weights_of_something_else_are_refused_in_one_line(saved, spoil):
    folder, _ = saved()
    spoil(folder / "model.safetensors")
    with pytest.raises(ValueError, match=r"expected the tensors of 'eagle2', got .*; train it anew$") as refused:
        load_drafter(folder, backbone(), ARCHITECTURES)
    assert "\n" not in str(refused.value)


def test_a_drafter_of_another_target_is_refused_unless_hashes_are_left_out(saved):
    folder, _ = saved()
    other = TargetName(name="other", weights_sha256="f" * 64)
    with pytest.raises(
        ValueError, match=r"for other \(ffffffffffff\), got one trained for tiny \(000000000000\); train"
    ):
        load_drafter(folder, backbone(), ARCHITECTURES, target=other)
    assert load_drafter(folder, backbone(), ARCHITECTURES).config["target"]["name"] == "tiny"

"""A teacher behind a server: a real one on loopback, with the failures that servers have."""

import json
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from offbook.tasks.rationales.synthesis.ask import Ask
from offbook.tasks.rationales.synthesis.journal import Journal
from offbook.tasks.rationales.synthesis.server import ServerModel, openai_library
from tests.tasks.rationales.chat_server import ChatServer

HANG_S = 600.0

pytest.importorskip("openai", reason="the library openai is not installed")


def asks(n: int) -> list[Ask]:
    return [Ask(question=f"q{i}", perspective="planning", attempt=0, prompt=f"What is {i}?") for i in range(n)]


def model(server: ChatServer, **changes: object) -> ServerModel:
    return ServerModel(name="m", base_url=server.url, **{"workers": 4, "retries": 3, **changes})  # type: ignore[arg-type]


def texts(server: ChatServer, path: Path, n: int, **changes: object) -> list[str]:
    return list(Journal(model(server, **changes), path).answers(asks(n)).values())


def test_requests_run_side_by_side_but_no_more_than_the_workers(tmp_path):
    three = threading.Barrier(3, timeout=HANG_S)  # each request waits for two others
    with ChatServer(lambda body, n: (200, body["messages"][0]["content"][::-1]), hold=three.wait) as server:
        found = texts(server, tmp_path / "j.jsonl", 12, workers=3)
    assert found == [f"What is {i}?"[::-1] for i in range(12)]
    assert server.busiest == 3


def test_a_request_carries_model_settings_and_key(tmp_path, monkeypatch):
    seen = []
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with ChatServer(lambda body, n: (seen.append(body), (200, "x"))[1]) as server:
        texts(server, tmp_path / "a.jsonl", 1, temperature=0.25, max_new_tokens=7)
        monkeypatch.setenv("OPENAI_API_KEY", "secret")
        texts(server, tmp_path / "b.jsonl", 1)
    assert (seen[0]["model"], seen[0]["temperature"], seen[0]["max_tokens"]) == ("m", 0.25, 7)
    assert server.keys == {"Bearer none", "Bearer secret"}
    assert "secret" not in (tmp_path / "b.jsonl").read_text()


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_what_may_pass_is_tried_again(status, tmp_path):
    with ChatServer(lambda body, n: (status, {"error": {"message": "busy"}}) if n < 2 else (200, "fine")) as server:
        assert texts(server, tmp_path / "j.jsonl", 3) == ["fine"] * 3
    assert set(server.requests.values()) == {3}


def test_a_timeout_is_tried_again(tmp_path):
    tried_again = threading.Event()

    def reply(body, n):
        if n == 0:
            tried_again.wait(HANG_S)
        else:
            tried_again.set()
        return 200, "fine"

    with ChatServer(reply) as server:
        assert texts(server, tmp_path / "j.jsonl", 1, timeout_s=1.0, retries=20) == ["fine"]
        assert min(server.requests.values()) >= 2  # more where a busy machine takes a second to answer


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": []},
        {"choices": None},
        {"choices": [{"message": {"content": None}}]},
        {"choices": [{"message": None}]},
        b"{not json",
        b"[]",
        b"null",
    ],
)
def test_a_malformed_answer_is_an_empty_text(body, tmp_path):
    with ChatServer(lambda request, n: (200, body)) as server:
        assert texts(server, tmp_path / "j.jsonl", 1) == [""]


def test_a_server_that_never_recovers_ends_the_run_and_keeps_what_came(tmp_path):
    def reply(body, n):
        return (500, {"error": {"message": "down"}}) if "2" in body["messages"][0]["content"] else (200, "fine")

    with ChatServer(reply) as server, pytest.raises(ValueError, match=r"q2, planning: .*'m'.*InternalServerError"):
        texts(server, tmp_path / "j.jsonl", 3, workers=1)
    assert [json.loads(line)["question"] for line in (tmp_path / "j.jsonl").read_text().splitlines()] == ["q0", "q1"]
    assert server.requests[asks(3)[2].prompt, asks(3)[2].seed] == 4


def test_a_refusal_is_not_tried_again(tmp_path):
    with (
        ChatServer(lambda body, n: (401, {"error": {"message": "who are you"}})) as server,
        pytest.raises(ValueError, match="AuthenticationError"),
    ):
        texts(server, tmp_path / "j.jsonl", 1)
    assert sum(server.requests.values()) == 1


def test_no_server_is_told_with_its_address(tmp_path):
    gone = ServerModel(name="m", base_url="http://127.0.0.1:9/v1", retries=0)
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:9/v1, got APIConnectionError"):
        Journal(gone, tmp_path / "j.jsonl").answers(asks(1))


@pytest.fixture
def interrupted() -> Iterator[threading.Event]:
    """Is set when SIGINT has come, before it is raised."""
    came = threading.Event()

    def handle(*_: object) -> None:
        came.set()
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    yield came
    signal.signal(signal.SIGINT, before)


def test_after_an_interruption_no_request_is_repeated(tmp_path, interrupted):
    path, entered = tmp_path / "j.jsonl", threading.Event()

    def hold():
        entered.set()
        interrupted.wait(HANG_S)

    def interrupt():
        entered.wait(HANG_S)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    with ChatServer(lambda body, n: (200, body["messages"][0]["content"]), hold=hold) as server:
        threading.Thread(target=interrupt, daemon=True).start()
        with pytest.raises(KeyboardInterrupt):
            texts(server, path, 40)
        before = sum(server.requests.values())
        assert 1 <= before < 40
        assert len(path.read_text().splitlines()) == before
        assert texts(server, path, 40) == [f"What is {i}?" for i in range(40)]
    assert len(server.requests) == 40
    assert set(server.requests.values()) == {1}


def test_a_thread_that_is_being_started_when_the_interruption_comes_is_waited_for_too(tmp_path, monkeypatch):
    path, release, entered, started = tmp_path / "j.jsonl", threading.Event(), threading.Semaphore(0), []
    start = threading.Thread.start

    def hold():
        entered.release()
        release.wait(HANG_S)

    def interrupted_start(thread):
        start(thread)
        if thread.name.startswith("ThreadPoolExecutor"):
            started.append(thread)
            if len(started) == 2:
                assert entered.acquire(timeout=HANG_S)
                assert entered.acquire(timeout=HANG_S)
                threading.Timer(0.3, release.set).start()
                raise KeyboardInterrupt  # before the pool knows of the thread

    def reply(body, n):
        if body["messages"][0]["content"] == asks(2)[1].prompt:
            started[1].join(0.3)  # the other is answered long before
        return 200, "fine"

    monkeypatch.setattr(threading.Thread, "start", interrupted_start)
    with ChatServer(reply, hold=hold) as server:
        with pytest.raises(KeyboardInterrupt):
            texts(server, path, 2)
        assert len(path.read_text().splitlines()) == sum(server.requests.values()) == 2
        assert texts(server, path, 2) == ["fine", "fine"]
    assert set(server.requests.values()) == {1}


def test_an_unfinished_last_line_is_dropped_and_asked_again(tmp_path):
    path = tmp_path / "j.jsonl"
    with ChatServer(lambda body, n: (200, "fine")) as server:
        texts(server, path, 2)
        path.write_bytes(path.read_bytes()[:-9])
        assert texts(server, path, 2) == ["fine"] * 2
        assert texts(server, path, 2) == ["fine"] * 2
    assert sorted(server.requests.values()) == [1, 2]
    assert len(path.read_text().splitlines()) == 2


def test_answers_under_other_settings_or_prompts_do_not_count(tmp_path):
    path = tmp_path / "j.jsonl"
    with ChatServer(lambda body, n: (200, str(body["temperature"]))) as server:
        assert texts(server, path, 1) == ["0.7"]
        assert texts(server, path, 1, temperature=0.1) == ["0.1"]
        other = Ask(question="q0", perspective="planning", attempt=0, prompt="Another?")
        Journal(model(server), path).answers([other])
        assert texts(server, path, 1) == ["0.7"]
    assert sum(server.requests.values()) == 3


def test_a_line_that_is_no_answer_is_told_with_its_place(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_text('{"question": "q"}\n')
    with pytest.raises(ValueError, match=r"j\.jsonl, line 1: expected an answer"):
        Journal(ServerModel(name="m"), path)


def test_a_missing_client_is_told_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ValueError, match=r"pip install 'offbook\[openai\]'"):
        openai_library()

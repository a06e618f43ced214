"""A server on loopback that speaks chat completions, as far as a test tells it to."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Body = dict[str, Any]
Reply = tuple[int, Any]  # status; what is sent: a text is the answer, bytes are the whole body, else JSON


class ChatServer:
    """Answers with what `reply(body, n)` says, `n` being how often the same request came before.

    Args:
        reply: see above.
        hold: is called while a request is under way, before it is answered.

    Attributes:
        requests: how often each prompt and seed came.
        busiest: the most requests that were under way at once.
    """

    def __init__(self, reply: Callable[[Body, int], Reply], hold: Callable[[], object] = int) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.keys: set[str] = set()
        self.busiest = self._busy = 0
        lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.path == "/v1/chat/completions"
                key = body["messages"][0]["content"], body["seed"]
                with lock:
                    n = server.requests[key]
                    server.requests[key] += 1
                    server.keys.add(self.headers["Authorization"])
                    server._busy += 1
                    server.busiest = max(server.busiest, server._busy)
                hold()
                with lock:
                    server._busy -= 1
                status, content = reply(body, n)
                data = content if isinstance(content, bytes) else json.dumps(_completion(content)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if status >= 400:
                    self.send_header("Retry-After-Ms", "5")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _completion(content: Any) -> Any:
    if not isinstance(content, str):
        return content
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}

"""A hub on loopback that speaks as much of the real one's protocol as the real client asks for.

It stands in for huggingface.co, which cannot be reached where this is tested; the checkpoints are made here. Standard
library only. What it was asked for is in `asked`.
"""

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

REVISION: Final = "c0ffee" + 34 * "0"


@dataclass
class Hub:
    """Repositories by name: a folder, or a word for why it is not given: `gated`."""

    repositories: dict[str, Path | str]
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a path; https://huggingface.co/docs/huggingface_hub has no page on these."""
        name, _, rest = path.strip("/").partition("/resolve/")
        repository = self.repositories.get(name)
        if repository is None:
            return 404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b""
        if isinstance(repository, str):
            return 403, {"X-Error-Code": "GatedRepo", "X-Error-Message": f"Access to {name} is restricted"}, b""
        file = repository / rest.partition("/")[2]
        if not file.is_file():
            return 404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}, b""
        body = file.read_bytes()
        tag = hashlib.sha256(body).hexdigest()
        return 200, {"X-Repo-Commit": REVISION, "ETag": f'"{tag}"', "Content-Type": "application/octet-stream"}, body


@contextlib.contextmanager
def serving(repositories: dict[str, Path | str]) -> Iterator[Hub]:
    """A hub with these repositories, as long as the block lasts."""
    hub = Hub(repositories)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.give(with_body=True)

        def do_HEAD(self) -> None:
            self.give(with_body=False)

        def give(self, *, with_body: bool) -> None:
            hub.asked.append(f"{self.command} {self.path}")
            status, headers, body = hub.answer(self.path.partition("?")[0])
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: what was asked is kept."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

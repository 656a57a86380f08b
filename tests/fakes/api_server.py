"""The API server's REST surface for the objects that installing touches, over real HTTP.

Objects lie at their paths. Versions, conflicts, merge patches and Status bodies are as
kube-apiserver makes them.
"""

import copy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

Object = dict[str, Any]
_REASONS = {403: "Forbidden", 404: "NotFound", 409: "Conflict", 500: "InternalError"}


class ApiServer:
    """Attributes: ``objects`` by path; ``refusals`` by method and path, each used once;
    ``allowed`` the rights (group, resource, verb) of Katib's controller; ``before`` is called with
    method and path before each request; ``requests`` holds those that change something."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.refusals: dict[tuple[str, str], int] = {}
        self.allowed: set[tuple[str, str, str]] = set()
        self.before: Callable[[str, str], None] = lambda _method, _path: None
        self.requests: list[tuple[str, str]] = []
        self._version = 0

    def put(self, path: str, **fields: Any) -> Object:
        """Puts an object in, or a new version of it."""
        self._version += 1
        stored = copy.deepcopy(fields)
        metadata = stored.setdefault("metadata", {})
        metadata.setdefault("name", path.rsplit("/", 1)[-1])
        metadata["resourceVersion"] = str(self._version)
        self.objects[path] = stored
        return stored

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Object]:
        """Status code and body of the answer to a request."""
        self.before(method, path)
        if (code := self.refusals.pop((method, path), 0)) != 0:
            return code, _status(code, "as told")
        if method != "GET" and "subjectaccessreviews" not in path:
            self.requests.append((method, path))
        if path.endswith("/subjectaccessreviews"):
            asked = body["spec"]["resourceAttributes"]
            right = (asked["group"], asked["resource"], asked["verb"])
            return 201, {**body, "status": {"allowed": right in self.allowed}}
        if method == "POST":
            item = f"{path}/{body['metadata']['name']}"
            if item in self.objects:
                return 409, _status(409, "already exists")
            return 201, self.put(item, **body)
        if path not in self.objects:
            items = [one for at, one in self.objects.items() if at.rsplit("/", 1)[0] == path]
            if method == "GET" and path.rsplit("/", 1)[-1] in ("nodes", "pods"):
                return 200, {"kind": "List", "items": items}
            return 404, _status(404, f"{path} not found")
        return self._change(method, path, body)

    def _change(self, method: str, path: str, body: Any) -> tuple[int, Object]:
        current = self.objects[path]
        if method == "DELETE":
            del self.objects[path]
            return 200, _status(200, "deleted")
        if method == "PATCH":
            return 200, self.put(path, **_merged(current, body))
        if method == "PUT":
            if body["metadata"].get("resourceVersion") != current["metadata"]["resourceVersion"]:
                return 409, _status(409, "the object has been modified")
            return 200, self.put(path, **body)
        return 200, current


def _merged(old: Any, patch: Any) -> Any:
    """RFC 7386, which a strategic merge patch of maps comes to."""
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged(result.get(key), value)
    return result


def _status(code: int, message: str) -> Object:
    return {
        "kind": "Status", "apiVersion": "v1", "code": code, "message": message,
        "status": "Success" if code < 400 else "Failure", "reason": _REASONS.get(code, ""),
    }  # fmt: skip


@contextmanager
def serving(server: ApiServer, folder: Path) -> Iterator[Path]:
    """Serves on a free port; gives a kubeconfig that leads there."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            code, answer = server.answer(self.command, urlsplit(self.path).path, body)
            payload = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,))
    thread.start()
    path = folder / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {"name": "c", "cluster": {"server": f"http://127.0.0.1:{http.server_port}"}}
                ],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "users": [{"name": "u", "user": {}}],
                "current-context": "x",
            }
        )
    )
    try:
        yield path
    finally:
        http.shutdown()
        thread.join()
        http.server_close()

"""The API server's part for Experiments, Trials and Suggestions, over real HTTP.

Answers as kube-apiserver does for custom resources: status codes, Status bodies, label selectors,
namespaces. Tests put objects in, and may change them before any request.
"""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import yaml

_ROOT = ["apis", "kubeflow.org", "v1beta1", "namespaces"]
_KINDS = {"experiments": "Experiment", "trials": "Trial", "suggestions": "Suggestion"}
_REASONS = {400: "BadRequest", 403: "Forbidden", 404: "NotFound", 409: "AlreadyExists"}


class KatibApi:
    """A server on a free port; use as a context manager.

    Attributes:
        objects: By namespace, plural and name.
        refusals: Answers to the next requests, each (status, message), before anything else.
        deny: What Katib's validating webhook says to a new Experiment; None admits it.
        has_katib: Whether the custom resources are known.
        before_request: Called before each request, with the number of requests before it.
        requests: Method and path of each request.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, dict[str, Any]]] = {
            "team": {plural: {} for plural in _KINDS}
        }
        self.refusals: list[tuple[int, str]] = []
        self.deny: Callable[[dict[str, Any]], str | None] = lambda _experiment: None
        self.has_katib = True
        self.before_request: Callable[[int], None] = lambda _number: None
        self.requests: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stops answering; later requests find the port closed."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def put(self, plural: str, *items: dict[str, Any]) -> None:
        """Stores objects, each in the namespace that it names."""
        for item in items:
            metadata = item["metadata"]
            self.objects[metadata["namespace"]][plural][metadata["name"]] = item

    def write_kubeconfig(self, path: Path, namespace: str = "team") -> Path:
        """Writes a kubeconfig that leads here."""
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [
                {
                    "name": "test",
                    "context": {"cluster": "test", "user": "test", "namespace": namespace},
                }
            ],
            "clusters": [
                {
                    "name": "test",
                    "cluster": {"server": f"http://127.0.0.1:{self._server.server_port}"},
                }
            ],
            "users": [{"name": "test", "user": {"token": "secret"}}],
        }
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def answer(self, method: str, url: str, body: bytes) -> tuple[int, Any]:
        """Status code and body of a request."""
        self.before_request(len(self.requests))
        self.requests.append(f"{method} {url}")
        parts = urlsplit(url)
        path = parts.path.strip("/").split("/")
        if self.refusals:
            return _status(*self.refusals.pop(0))
        if path[:4] != _ROOT or path[5] not in _KINDS or not self.has_katib:
            return 404, "404 page not found\n"
        namespace, plural = path[4], path[5]
        if method == "POST":
            return self._create(namespace, plural, json.loads(body))
        items = self.objects.get(namespace, {}).get(plural, {})
        if len(path) == 7:
            found = items.get(path[6])
            return (200, found) if found else _not_found(f"{plural}.kubeflow.org", path[6])
        selectors = parse_qs(parts.query).get("labelSelector", [])
        wanted = dict(selector.split("=") for selector in selectors)
        chosen = [i for i in items.values() if wanted.items() <= i["metadata"]["labels"].items()]
        return 200, {"kind": f"{_KINDS[plural]}List", "metadata": {}, "items": chosen}

    def _create(self, namespace: str, plural: str, item: dict[str, Any]) -> tuple[int, Any]:
        if namespace not in self.objects:
            return _not_found("namespaces", namespace)
        name = item["metadata"]["name"]
        if item["metadata"].get("namespace", namespace) != namespace:
            return _status(400, "the namespace of the provided object does not match the request")
        if name in self.objects[namespace][plural]:
            message = f'{plural}.kubeflow.org "{name}" already exists'
            return _status(409, message, {"name": name, "kind": plural})
        denial = self.deny(item)
        if denial:
            webhook = "validator.experiment.katib.kubeflow.org"
            return _status(400, f'admission webhook "{webhook}" denied the request: {denial}')
        item["metadata"]["creationTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.put(plural, item)
        return 201, item


def _not_found(kind: str, name: str) -> tuple[int, Any]:
    details = {"name": name, "kind": kind.split(".")[0]}
    return _status(404, f'{kind} "{name}" not found', details)


def _status(code: int, message: str, details: dict[str, str] | None = None) -> tuple[int, Any]:
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": _REASONS.get(code, "InternalError"),
        "details": details or {},
        "code": code,
    }


def _handler(api: KatibApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self._reply()

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            code, answer = api.answer(self.command, self.path, body)
            is_text = isinstance(answer, str)
            payload = (answer if is_text else json.dumps(answer)).encode()
            self.send_response(code)
            self.send_header("Content-Type", "text/plain" if is_text else "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *arguments: object) -> None:
            """Tests read ``requests`` instead."""

    return Handler

"""Requests to an API server that is restarted meanwhile, over a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from hooks.kube.client import ClusterError, KubeClient
from hooks.kube.release import Release


@dataclass
class ApiServer:
    """Answers each request with the next of `answers`: a status, or 0 for a connection that is closed at once."""

    answers: list[int] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    address: str = ""


@pytest.fixture
def server() -> Iterator[ApiServer]:
    api = ApiServer()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            api.asked.append(self.command)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if status := api.answers.pop(0):
                body = json.dumps({"data": {"is": "read"}, "message": "etcdserver: request timed out"}).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            else:
                self.close_connection = True

        do_GET = do_PATCH = answer

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listener:
        api.address = f"http://127.0.0.1:{listener.server_port}"
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        yield api
        listener.shutdown()
        thread.join()


def pod(monkeypatch: pytest.MonkeyPatch, server: ApiServer) -> Release:
    """The release as a hook's pod finds it."""

    def load(configuration: client.Configuration) -> None:
        configuration.host = server.address

    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setattr(config, "load_incluster_config", load)
    return Release(KubeClient("storage"), "gluster")


def test_a_hook_waits_for_an_api_server_that_is_restarted(monkeypatch: pytest.MonkeyPatch, server: ApiServer) -> None:
    release = pod(monkeypatch, server)
    server.answers = [0, 503, 200]
    release.write_record("gluster-report", {"is": "written"})
    server.answers = [500, 0, 200]
    assert release.record("gluster-report") == {"is": "read"}
    assert server.asked == ["PATCH"] * 3 + ["GET"] * 3


def test_what_an_api_server_refuses_is_not_asked_again(monkeypatch: pytest.MonkeyPatch, server: ApiServer) -> None:
    server.answers = [403]
    with pytest.raises(ApiException, match="403"):
        pod(monkeypatch, server).write_record("gluster-report", {})
    assert server.asked == ["PATCH"]


def test_on_a_laptop_an_api_server_that_is_not_there_is_said_at_once(
    monkeypatch: pytest.MonkeyPatch, server: ApiServer
) -> None:
    def load(*_: object, client_configuration: client.Configuration) -> None:
        client_configuration.host = server.address

    monkeypatch.setattr(config, "load_kube_config", load)
    server.answers = [0] * 10
    with pytest.raises(ClusterError, match="The API server cannot be reached"):
        Release(KubeClient("storage"), "gluster").write_record("gluster-report", {})
    assert len(server.asked) == 1

"""A mutating webhook of somebody else, which the API server calls after the admission policies."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from cluster.world import Raw
from control_plane.plane import ControlPlane


class Hooking(BaseHTTPRequestHandler):
    """Adds a preStop handler of its own to the first container, beside what is there."""

    def do_POST(self) -> None:
        """Answer a review with a patch."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        first = request["object"]["spec"]["template"]["spec"]["containers"][0]
        hook = {"httpGet": {"path": "/drain", "port": 8080}}
        handlers = {**first.get("lifecycle", {}).get("preStop", {}), **hook}
        lifecycle = {**first.get("lifecycle", {}), "preStop": handlers}
        patch = [{"op": "add", "path": "/spec/template/spec/containers/0/lifecycle", "value": lifecycle}]
        answer = {
            "uid": request["uid"],
            "allowed": True,
            "patchType": "JSONPatch",
            "patch": base64.b64encode(json.dumps(patch).encode()).decode(),
        }
        review = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(review)))
        self.end_headers()
        self.wfile.write(review.encode())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing on the console of the tests."""


@contextmanager
def hooking(plane: ControlPlane, labels: Raw) -> Iterator[None]:
    """Hook Deployments with these labels until the end of the block, with the certificate of the API server."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(plane.site.certificate_authority, plane.site.certificate_authority.with_name("apiserver.key"))
    with ThreadingHTTPServer(("127.0.0.1", 0), Hooking) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        authority = base64.b64encode(plane.site.certificate_authority.read_bytes()).decode()
        rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["deployments"]}
        webhook = {
            "name": "hooking.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "clientConfig": {"url": f"https://127.0.0.1:{server.server_port}/", "caBundle": authority},
            "rules": [rule],
            "objectSelector": {"matchLabels": labels},
        }
        configuration = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "hooking"},
            "webhooks": [webhook],
        }
        plane.kubectl("apply", "-f", "-", stdin=json.dumps(configuration))
        yield
        plane.kubectl("delete", "mutatingwebhookconfiguration", "hooking")
        server.shutdown()

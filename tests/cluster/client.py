"""Calls to a rig's API server as its administrator."""

import http.client
import json
import ssl
from contextlib import closing
from typing import Any

from cluster.layout import Layout


class RefusedError(Exception):
    """The API server's answer to a call that it refuses."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Client:
    """A caller that keeps nothing open between calls, so any thread may use it."""

    def __init__(self, layout: Layout) -> None:
        self._address = layout.node_ip
        self._tls = ssl.create_default_context(cafile=layout.keys / "ca.crt")
        self._tls.load_cert_chain(layout.keys / "admin.crt", layout.keys / "admin.key")

    def text(
        self, method: str, path: str, document: object = None, form: str = "application/json"
    ) -> str:
        """The body of the answer.

        Args:
            form: the media type of ``document``, such as ``application/apply-patch+yaml``.

        Raises:
            RefusedError: the answer is an error.
            OSError: there is no answer.
        """
        body = None if document is None else json.dumps(document)
        server = http.client.HTTPSConnection(self._address, 6443, timeout=60, context=self._tls)
        with closing(server):
            server.request(method, path, body, {"Content-Type": form})
            answer = server.getresponse()
            said = answer.read().decode()
        if answer.status >= http.client.MULTIPLE_CHOICES:
            raise RefusedError(answer.status, said)
        return said

    def call(
        self, method: str, path: str, document: object = None, form: str = "application/json"
    ) -> Any:
        """The object in the answer; errors as of ``text``."""
        return json.loads(self.text(method, path, document, form))

    def ready(self) -> bool:
        """Whether the API server says that it is ready."""
        try:
            return self.text("GET", "/readyz") == "ok"
        except (RefusedError, OSError, http.client.HTTPException):
            return False

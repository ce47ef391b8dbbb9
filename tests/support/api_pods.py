"""The playbook's API as a Deployment: HTTPS under its own name, pages behind a bearer token."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trustme

from cluster.base_root import base_layer
from cluster.images import Image
from cluster.rig import Rig
from support.linked_domain import linked_pages

API_HOST = "api.example.invalid"
_PROGRAM = Path(__file__).with_name("api_program.py")
_IMAGE = "localhost/chartly-practice-api:rig"
_SPACE = "api"


def serve_api(rig: Rig, cacert: Path, pages: Sequence[bytes], token: str) -> str:
    """Serves pages under ``API_HOST``; the address of its Service.

    Args:
        cacert: where the throw-away CA of its certificate is written.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(cacert))
    rig.load(Image(_IMAGE, (base_layer(),), ("/usr/bin/python3", "/srv/program/api_program.py")))
    rig.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _SPACE}})
    rig.apply(*_documents(authority.issue_cert(API_HOST), pages, token), namespace=_SPACE)
    rig.kubectl("-n", _SPACE, "rollout", "status", "deployment/api", "--timeout=120s")
    address = str(rig.get("service", "api", _SPACE)["spec"]["clusterIP"])
    rig.set_name(API_HOST, address)
    return address


def _documents(issued: Any, pages: Sequence[bytes], token: str) -> list[dict[str, Any]]:
    labels = {"app": "api"}
    secret = {
        "pages.json": json.dumps([page.decode() for page in pages]),
        "links.json": json.dumps(linked_pages()),
        "token": token,
        "tls.crt": issued.cert_chain_pems[0].bytes().decode(),
        "tls.key": issued.private_key_pem.bytes().decode(),
    }
    template = {"metadata": {"labels": labels}, "spec": _pod()}
    deployment = {"selector": {"matchLabels": labels}, "template": template}
    service = {"selector": labels, "ports": [{"port": 443, "targetPort": 8443}]}
    program = _PROGRAM.read_text(encoding="utf-8")
    return [
        _object("v1", "ConfigMap", "program", data={_PROGRAM.name: program}),
        _object("v1", "Secret", "files", stringData=secret),
        _object("v1", "Service", "api", spec=service),
        _object("apps/v1", "Deployment", "api", spec=deployment),
    ]


def _pod() -> dict[str, Any]:
    container = {
        "name": "api",
        "image": _IMAGE,
        "imagePullPolicy": "Never",
        "args": ["/srv/files"],
        "volumeMounts": [
            {"name": "program", "mountPath": "/srv/program"},
            {"name": "files", "mountPath": "/srv/files"},
        ],
        "readinessProbe": {"tcpSocket": {"port": 8443}, "periodSeconds": 1},
    }
    volumes = [
        {"name": "program", "configMap": {"name": "program"}},
        {"name": "files", "secret": {"secretName": "files"}},
    ]
    return {"containers": [container], "volumes": volumes}


def _object(version: str, kind: str, name: str, **fields: object) -> dict[str, Any]:
    metadata = {"name": name, "namespace": _SPACE}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}

"""Runs `flask doctor` through a real nginx with TLS, in a network where its ports are free.

``python -m tests.cluster.behind_tls FOLDER`` prints the findings of each case as JSON.
"""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import create_app
from tests.cluster.installation import _MAIN, Nginx
from tests.conftest import Content, Site
from tests.live_servers import serving
from tests.programs import need

HOST = "127.0.0.1"
SITE_URL = f"https://{HOST}"

#: The configuration of nginx; as root of a namespace, it may not change its user.
_FRONT = """
server {{
    listen {host}:443{ssl};
    ssl_certificate {folder}/{certificate}.pem;
    ssl_certificate_key {folder}/{certificate}.key;
    {https}
    location / {{ proxy_pass {node}; proxy_http_version 1.1; }}
}}
server {{
    listen {host}:80;
    {http}
}}
"""

LEADS_TO_HTTPS = "return 301 https://$host$request_uri;"


@dataclass(frozen=True)
class Case:
    """A configuration of nginx, and the address that is requested."""

    certificate: str = "right"
    #: Lines of the https server before its proxy_pass, and lines of the http server.
    https: str = ""
    http: str = LEADS_TO_HTTPS
    ssl: str = " ssl"
    requested: str = ""


CASES = {
    "right": Case(),
    "named by http": Case(requested=f"http://{HOST}/all.rss"),
    "of another host": Case("other"),
    "expired": Case("expired"),
    "of an unknown authority": Case("unknown"),
    "without its chain": Case("chainless"),
    "without TLS": Case(ssl=""),
    "old TLS": Case(https="ssl_protocols TLSv1.1;"),
    "http answers too": Case(http="location / { proxy_pass NODE; }"),
    "http leads there for now": Case(http="return 302 https://$host$request_uri;"),
    "http leads to the home page": Case(http="return 301 https://$host/;"),
    "http leads elsewhere": Case(http="return 301 https://other.example$request_uri;"),
    "a loop": Case(https="location = /all.rss { return 301 /all.rss; }"),
    "to and fro": Case(
        https="return 301 http://$host$request_uri;", requested=f"http://{HOST}/all.rss"
    ),
    "back to http": Case(https="location = /all.rss { return 301 http://$host/secret; }"),
    "to another port": Case(
        https="location = /all.rss { return 301 https://$host:8443/secret; }"
        f"}} server {{ listen {HOST}:8443; return 200;"
    ),
}


def main(folder: Path) -> dict[str, Any]:
    """Return the findings of each case by name and check, and the requests that nginx got."""
    _start_loopback()
    _make_certificates(folder)
    os.environ["SSL_CERT_FILE"] = str(folder / "authority.pem")
    content = Content(folder / "content")
    content.folder.mkdir()
    content.write("a.md", "Text. " * 200)
    instance = folder / "instance"
    environ = {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }
    with serving(content.folder, instance, FEEDS_URL=SITE_URL) as node:
        found: dict[str, Any] = {}
        for name, case in CASES.items():
            with _fronted(folder, node, case):
                site = Site(create_app(environ))
                done = site.runner.invoke(
                    args=["doctor", "--json", *filter(None, [case.requested])]
                )
            found[name] = {one["check"]: one for one in json.loads(done.stdout)}
    return {"findings": found, "log": (folder / "nginx" / "access.log").read_text()}


@contextmanager
def _fronted(folder: Path, node: str, case: Case) -> Iterator[None]:
    nginx = Nginx(folder / "nginx", 443)
    (nginx.folder / "conf.d").mkdir(parents=True, exist_ok=True)
    text = _MAIN.format(folder=nginx.folder).replace("worker_processes 1;", "master_process off;")
    (nginx.folder / "nginx.conf").write_text(text)
    front = _FRONT.format(
        host=HOST, folder=folder, node=node, certificate=case.certificate, ssl=case.ssl,
        https=case.https, http=case.http.replace("NODE", node),
    )  # fmt: skip
    (nginx.folder / "conf.d" / "front.conf").write_text(front)
    with nginx.running():
        yield


def _start_loopback() -> None:
    """Bring up the interface of this network (netdevice(7): SIOCSIFFLAGS, IFF_UP)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))


def _make_certificates(folder: Path) -> None:
    """Make three certificate authorities, one below the first, and a certificate for each case."""
    for name in ("authority", "stranger"):
        _openssl(folder, "req", "-x509", *_new(name), "-out", f"{name}.pem")
    _certify(folder, "lower", "authority", "basicConstraints=CA:TRUE")
    for name, authority, days, host in (
        ("right", "authority", 2, f"IP:{HOST}"),
        ("other", "authority", 2, "DNS:other.example"),
        ("expired", "authority", -1, f"IP:{HOST}"),
        ("unknown", "stranger", 2, f"IP:{HOST}"),
        ("chainless", "lower", 2, f"IP:{HOST}"),
    ):
        _certify(folder, name, authority, f"subjectAltName={host}", days)


def _certify(folder: Path, name: str, authority: str, extension: str, days: int = 2) -> None:
    _openssl(folder, "req", *_new(name), "-addext", extension, "-out", f"{name}.csr")
    _openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem",
        "-CAkey", f"{authority}.key", "-copy_extensions", "copy", "-days", str(days),
        "-out", f"{name}.pem",
    )  # fmt: skip


def _new(name: str) -> tuple[str, ...]:
    return ("-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", f"{name}.key")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run([need("openssl"), *arguments], cwd=folder, check=True, capture_output=True)


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))

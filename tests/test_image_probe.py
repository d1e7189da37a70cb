"""Tests of the probes of images on other hosts, and of the addresses that are never requested."""

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from feeds.cli.command_setup import Tools
from feeds.http_client import Address, Request, send_request
from feeds.image_probe import ProbeResult, is_public, probe, probe_all
from tests.conftest import SITE_URL, Clock, Content, Site
from tests.hosts import Host, running
from tests.programs import need


def allow_any(address: Address) -> bool:
    return True


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with running("tests.picture_host", tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("12345.jpg", ProbeResult(12345, "image/webp")),
        ("to/678.jpg", ProbeResult(678, "image/webp")),
        ("to/to/to/9.jpg", ProbeResult(9, "image/webp")),
        ("to/to/to/to/9.jpg", ProbeResult()),
        ("page/sorry.jpg", ProbeResult()),
        ("packed/9.png", ProbeResult()),
        ("silent/9.png", ProbeResult(None, "image/png")),
        ("-5.jpg", ProbeResult(None, "image/webp")),
        ("99999999999.jpg", ProbeResult(None, "image/webp")),
        ("0.jpg", ProbeResult(None, "image/webp")),
        ("status/404.jpg", ProbeResult()),
        ("status/429.jpg", ProbeResult(is_busy=True)),
        ("loop/x", ProbeResult()),
        ("elsewhere/127.0.0.1:1/x.jpg", ProbeResult()),
    ],
)
def test_plausible_lengths_from_a_host_are_accepted(
    host: Host, path: str, head: ProbeResult
) -> None:
    assert probe(host.url(path), allow_any) == head


def test_probes_send_only_head_requests(host: Host) -> None:
    probe(host.url("5.jpg"), allow_any)

    assert host.requests() == ["HEAD /5.jpg"]


def test_this_machine_is_never_probed(host: Host) -> None:
    for url in (host.url("5.jpg"), f"http://localhost:{host.port}/5.jpg"):
        assert probe(url) == ProbeResult()

    assert host.requests() == []


def test_a_redirect_to_a_forbidden_address_is_not_followed(host: Host) -> None:
    def loopback_by_one_name(address: Address) -> bool:
        return str(address) == "127.0.0.1"

    answer = probe(host.url(f"elsewhere/127.0.0.2:{host.port}/5.jpg"), loopback_by_one_name)

    assert answer == ProbeResult()
    assert len(host.requests()) == 1


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
     "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::",
     "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1",
     "2002:7f00:1::", "2001::1", "2001:db8::1"],
)  # fmt: skip
def test_no_address_of_a_private_network_is_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://", "http://[::1", "http://u@127.0.0.1/x",
     "http://127.0.0.1:99999/x", "http://nowhere.invalid/x.jpg", "https://127.0.0.1:1/x"],
)  # fmt: skip
def test_an_address_that_cannot_be_probed_has_no_length(url: str) -> None:
    assert probe(url, allow_any, deadline=3) == ProbeResult()


def test_a_slow_host_takes_no_more_than_the_deadline(host: Host) -> None:
    """The host sends for ten seconds; the deadline is earlier, also on a busy machine."""
    begun = time.monotonic()

    answer = probe(host.url("drip/x.jpg"), allow_any, deadline=0.5)

    assert answer == ProbeResult()
    assert time.monotonic() - begun < 5


def test_all_hosts_are_probed_within_one_deadline(host: Host) -> None:
    urls = [host.url(f"drip/{number}.jpg") for number in range(20)]
    begun = time.monotonic()

    answers = list(probe_all(urls, allow_any, total=0.5))

    assert answers == []
    assert time.monotonic() - begun < 5


def test_a_busy_host_gets_no_further_request(host: Host) -> None:
    urls = [host.url("1.jpg"), host.url("status/503.jpg"), host.url("2.jpg")]

    answers = dict(probe_all(urls, allow_any))

    assert answers == {urls[0]: ProbeResult(1, "image/webp")}
    assert host.requests() == ["HEAD /1.jpg", "HEAD /status/503.jpg"]


# The command.


def allow_this_machine(site: Site) -> None:
    tools: Tools = site.app.extensions["tributary.tools"]
    site.app.extensions["tributary.tools"] = replace(tools, is_allowed=allow_any)


def enclosure(site: Site, path: str = "/all.json") -> list[tuple[object, object]]:
    items = site.get(path).json["items"]
    return [
        (each.get("size_in_bytes"), each["mime_type"])
        for item in items
        for each in item["attachments"]
    ]


def test_lengths_and_types_appear_in_the_feeds_and_change_them_once(
    content: Content, site: Site, host: Host
) -> None:
    content.write("a.md", images=[{"url": host.url("41000.jpg")}, {"url": host.url("7.jpg")}])
    site.sync.refresh()
    allow_this_machine(site)
    before = site.get("/all.json").headers["ETag"]

    first = site.runner.invoke(args=["images"])
    after = site.get("/all.json").headers["ETag"]
    second = site.runner.invoke(args=["images"])

    assert "2 requested, 2 with a size in bytes, 0 failed; 0 left for later" in first.output
    assert "0 requested, 0 with a size" in second.output
    assert enclosure(site) == [(41000, "image/webp"), (7, "image/webp")]
    assert before != after == site.get("/all.json").headers["ETag"]
    assert sorted(host.requests()) == ["HEAD /41000.jpg", "HEAD /7.jpg"]


def test_an_unresponsive_host_is_probed_again_only_after_a_week(
    content: Content, site: Site, host: Host, clock: Clock
) -> None:
    content.write("a.md", images=[{"url": host.url("status/404.jpg")}])
    site.sync.refresh()
    allow_this_machine(site)

    outputs = []
    for days in (0, 1, 8):
        clock.now += days * 86_400
        outputs.append(site.runner.invoke(args=["images"]).output)

    assert len(host.requests()) == 2
    assert "1 requested, 0 with a size in bytes, 1 failed; 0 left for later" in outputs[0]


def test_lengths_survive_the_index(
    content: Content, site: Site, host: Host, tmp_path: Path
) -> None:
    content.write("a.md", images=[{"url": host.url("41000.jpg")}])
    site.sync.refresh()
    allow_this_machine(site)
    site.runner.invoke(args=["images"])

    for file in (tmp_path / "instance").glob("index.sqlite*"):
        file.unlink()
    site.sync.refresh()

    assert enclosure(site) == [(41000, "image/webp")]
    assert len(host.requests()) == 1


def test_an_interrupted_run_is_continued(content: Content, site: Site, host: Host) -> None:
    urls = [host.url("1.jpg"), host.url("status/503.jpg")]
    content.write("a.md", images=[{"url": url} for url in urls])
    site.sync.refresh()
    allow_this_machine(site)

    first = site.runner.invoke(args=["images"])
    second = site.runner.invoke(args=["images"])

    assert "1 requested, 1 with a size in bytes, 0 failed; 1 left for later" in first.output
    assert "0 requested, 0 with a size in bytes, 0 failed; 1 left for later" in second.output
    assert host.requests().count("HEAD /1.jpg") == 1


def test_one_host_can_be_chosen(content: Content, site: Site, host: Host) -> None:
    content.write("a.md", images=[{"url": host.url("1.jpg")}])
    site.sync.refresh()
    allow_this_machine(site)

    site.runner.invoke(args=["images", "--host", "elsewhere.example"])

    assert host.requests() == []


# Images of the site itself.


def test_a_changed_image_changes_the_articles_that_show_it(content: Content, site: Site) -> None:
    content.raw("pictures/cat.png", b"x" * 30_000)
    content.write("a.md", images=[{"url": "/pictures/cat.png"}], topics=["Cats"])
    content.write("b.md", topics=["Dogs"])
    site.sync.refresh()
    tag = site.get("/topics/dogs.json").headers["ETag"]
    assert enclosure(site, "/topics/cats.json") == [(30_000, "image/png")]

    content.raw("pictures/cat.png", b"x" * 31_000)
    report = site.sync.refresh(["pictures/cat.png"])

    assert report.read == 1
    assert enclosure(site, "/topics/cats.json") == [(31_000, "image/png")]
    assert site.get("/topics/dogs.json").headers["ETag"] == tag
    assert site.sync.refresh().read == 0


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x20ftypavif", "image/avif"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "image/jpeg"),
        (b"\0\0\0\x20ftypmp42", "image/jpeg"),
        (b"not an image", "image/jpeg"),
        (b"", "image/jpeg"),
    ],
)
def test_the_media_type_of_an_own_image_is_that_of_its_bytes(
    content: Content, site: Site, head: bytes, kind: str
) -> None:
    content.raw("pictures/cat.jpg", head)
    content.write("a.md", images=[{"url": "/pictures/cat.jpg"}])
    site.sync.refresh()

    assert enclosure(site, "/all.json") == [(len(head) or None, kind)]
    answer = site.client.get("/pictures/cat.jpg", buffered=True)
    assert answer.headers["Content-Type"] == kind


def test_an_image_in_a_body_is_an_own_one_as_soon_as_its_file_exists(
    content: Content, site: Site
) -> None:
    content.write("a.md", "![A cat](/pictures/cat.png)", webUrl="https://cats.example/a")
    site.sync.refresh()

    assert shown(site) == "https://cats.example/pictures/cat.png"

    content.raw("pictures/cat.png", b"x" * 30_000)
    site.sync.refresh(["pictures/cat.png"])

    assert shown(site) == f"{SITE_URL}/pictures/cat.png"

    content.remove("pictures/cat.png")
    site.sync.refresh(["pictures/cat.png"])

    assert shown(site) == "https://cats.example/pictures/cat.png"


def shown(site: Site) -> str:
    """Return the address of the image in the body of the only article."""
    html = site.get("/all.json").json["items"][0]["content_html"]
    found: list[str] = re.findall('<img src="([^"]+)"', html)
    return found[0]


def test_an_image_that_is_added_later_is_measured_then(content: Content, site: Site) -> None:
    content.write("a.md", images=[{"url": "/pictures/cat.png"}])
    site.sync.refresh()
    assert enclosure(site) == [(None, "image/png")]

    content.raw("pictures/cat.png", b"x" * 30_000)
    site.sync.refresh()
    assert enclosure(site) == [(30_000, "image/png")]

    content.remove("pictures/cat.png")
    site.sync.refresh()
    assert enclosure(site) == [(None, "image/png")]


def test_no_image_is_opened_when_an_article_is_saved(content: Content, site: Site) -> None:
    content.raw("pictures/cat.png", b"x" * 30_000)
    content.write("a.md", images=[{"url": "/pictures/cat.png"}])
    site.sync.refresh()
    content.raw("pictures/cat.png", b"x" * 31_000)
    content.write("b.md")

    assert site.sync.refresh(["b.md"]).read == 1
    assert site.sync.refresh(["pictures"]).read == 1


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file with a certificate and its key, which this process trusts for a name."""
    file = tmp_path / "certificate.pem"
    subprocess.run(
        [need("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", str(file), "-out", str(tmp_path / "public.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    file.write_bytes(file.read_bytes() + (tmp_path / "public.pem").read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "public.pem"))
    return file


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost/", "localhost"),
        ("http://localhost:80/", "localhost"),
        ("http://localhost:443/", "localhost:443"),
        ("http://127.0.0.1:8000/", "127.0.0.1:8000"),
        ("http://[::1]:80/", "[::1]"),
        ("http://[::1]:8000/", "[::1]:8000"),
        ("https://localhost/", "localhost"),
        ("https://localhost:443/", "localhost"),
        ("https://localhost:80/", "localhost:80"),
        ("https://localhost:8443/", "localhost:8443"),
    ],
)
def test_host_names_the_port_unless_it_is_the_default(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, url: str, host: str
) -> None:
    """RFC 9110, 7.2, in a real request to a server at every address."""
    connect = socket.create_connection
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as server:
        listening.settimeout(20)
        here = listening.getsockname()
        monkeypatch.setattr(socket, "create_connection", lambda _, *more: connect(here, *more))
        requested = server.submit(_host_lines, listening, certificate if url[4] == "s" else None)

        answer = send_request(Request("HEAD", url, {}), time.monotonic() + 20)

        assert answer.status == 204
        assert requested.result(20) == [f"Host: {host}"]


def _host_lines(listening: socket.socket, certificate: Path | None) -> list[str]:
    """Respond to one request; return its lines that name the host."""
    accepted = listening.accept()[0]
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        accepted = context.wrap_socket(accepted, server_side=True)
    with accepted:
        lines = accepted.recv(10_000).decode().split("\r\n")
        accepted.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    return [line for line in lines if line.lower().startswith("host:")]

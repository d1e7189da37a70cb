"""Tests of the owner of an instance folder: the living servers with the same settings."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app import create_app
from feeds.errors import SettingsError
from feeds.index import check_file, connect
from feeds.locks import Claim, LeaderLock, locked
from feeds.sync import ContentSync
from tests import stores
from tests.conftest import SITE_URL, Content, Site
from tests.layouts import to_first_layout
from tests.live_servers import ROOT, Server, listener, started, workers
from tests.programs import skip_if_quick
from tests.waiting import wait_for

spawn = multiprocessing.get_context("spawn")

ROUNDS = 100

Claims = tuple[Claim, Claim]

A, B = {"FEEDS_URL": "https://a.example"}, {"FEEDS_URL": "https://b.example"}


def claim_each(folder: Path, owner: str, meet: Barrier, answer: Path) -> None:
    """Claim one file after another, each at the same moment as another process."""
    won = []
    for number in range(ROUNDS):
        # The file as the last owner left it.
        path = folder / str(number % 20)
        meet.wait(60)
        claim = Claim(path, owner)
        won.append(claim.acquire())
        meet.wait(60)
        claim.release()
    answer.write_text("".join("01"[each] for each in won))


@pytest.mark.parametrize(("owners", "winners"), [(("a", "b"), 1), (("a", "a"), 2)])
def test_of_two_owners_at_once_one_wins_every_time_and_one_owner_shares(
    tmp_path: Path, owners: tuple[str, str], winners: int
) -> None:
    skip_if_quick()
    meet = spawn.Barrier(2)
    answers = [tmp_path / "first", tmp_path / "second"]
    (tmp_path / "claims").mkdir()
    processes = [
        spawn.Process(target=claim_each, args=(tmp_path / "claims", owner, meet, answer))
        for owner, answer in zip(owners, answers, strict=True)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)

    won = zip(*[answer.read_text() for answer in answers], strict=True)
    assert [pair.count("1") for pair in won] == [winners] * ROUNDS


def in_child(work: Callable[[], object]) -> int:
    """Start a process that does some work and then waits to be killed; return after the work."""
    done, finished = os.pipe()
    child = os.fork()
    if child == 0:
        work()
        os.write(finished, b"1")
        signal.pause()
        os._exit(0)
    assert os.read(done, 1) == b"1"
    os.close(done)
    os.close(finished)
    return child


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_claim_lasts_as_long_as_any_process_of_its_owner(tmp_path: Path) -> None:
    first = in_child(Claim(tmp_path / "owner", "a").acquire)
    second = in_child(Claim(tmp_path / "owner", "a").acquire)
    other = Claim(tmp_path / "owner", "b")

    kill(first)
    assert other.acquire() is False
    kill(second)
    assert other.acquire() is True
    other.release()


@pytest.fixture
def claims(tmp_path: Path) -> Iterator[Claims]:
    """Return the claims of two owners on one folder."""
    one, other = Claim(tmp_path / "owner", "a"), Claim(tmp_path / "owner", "b")
    yield one, other
    one.release()
    other.release()


def test_a_child_by_fork_keeps_the_claim_of_its_parent(claims: Claims) -> None:
    parent, other = claims
    parent.acquire()
    child = in_child(lambda: None)

    parent.release()

    assert other.acquire() is False
    kill(child)
    assert other.acquire() is True


def test_a_claim_calls_back_for_the_first_process_of_an_owner_alone(tmp_path: Path) -> None:
    firsts: list[str] = []
    one, other = (
        Claim(tmp_path / "owner", "a", partial(firsts.append, name)) for name in ("one", "other")
    )

    one.acquire()
    other.acquire()
    one.release()
    one.acquire()
    assert firsts == ["one"]

    one.release()
    other.release()
    other.acquire()
    assert firsts == ["one", "other"]
    other.release()


def test_a_claim_that_fails_is_free_for_others(tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space left"):
        Claim(tmp_path / "owner", "a", fail).acquire()

    other = Claim(tmp_path / "owner", "b")
    assert other.acquire() is True
    other.release()


def test_a_claim_is_renewed_when_its_file_is_gone(claims: Claims, tmp_path: Path) -> None:
    one, other = claims
    one.acquire()
    (tmp_path / "owner").unlink()
    assert one.is_held is False

    one.acquire()

    assert (one.is_held, other.acquire()) == (True, False)


def test_a_claim_made_on_a_full_disk_is_written_when_there_is_room(
    claims: Claims, tmp_path: Path
) -> None:
    one, other = claims
    one.acquire()
    os.truncate(tmp_path / "owner", 0)

    one.acquire()

    assert (tmp_path / "owner").read_bytes() == b"a"
    assert (one.is_held, other.acquire()) == (True, False)


def test_of_two_claims_made_on_a_full_disk_the_first_that_is_written_stays(
    claims: Claims, tmp_path: Path
) -> None:
    one, other = claims
    one.acquire()
    os.truncate(tmp_path / "owner", 0)

    other.acquire()

    assert (one.acquire(), other.acquire()) == (False, True)
    assert (tmp_path / "owner").read_bytes() == b"b"


def test_a_server_of_a_version_that_claimed_nothing_keeps_its_folder(
    content: Content, open_site: Callable[..., Site], tmp_path: Path
) -> None:
    skip_if_quick()
    content.write("one.md")
    site = open_site()
    index, before = tmp_path / "instance" / "index.sqlite", site.get("/all.rss").data
    older = LeaderLock(tmp_path / "instance" / "watch.lock")
    older.try_acquire()
    content.write("two.md")

    refused = open_site_without_refresh(content, tmp_path).runner.invoke(args=["refresh"])
    with pytest.raises(SettingsError, match="in use by a server of another version: stop it first"):
        open_site_without_refresh(content, tmp_path).sync.ensure_sole_owner()

    assert refused.exit_code == 1
    assert "in use by a server of another version: stop it first" in refused.output
    assert site.get("/all.rss").data == before
    with closing(connect(index, read_only=True)) as connection:
        assert connection.execute("SELECT count(*) FROM article").fetchone() == (1,)
    older.release()
    open_site_without_refresh(content, tmp_path).sync.ensure_sole_owner()


def open_site_without_refresh(content: Content, tmp_path: Path) -> Site:
    return Site(
        create_app(
            {
                "FEEDS_CONTENT_DIR": str(content.folder),
                "FEEDS_INSTANCE_DIR": str(tmp_path / "instance"),
                "FEEDS_URL": SITE_URL,
            }
        )
    )


def test_a_worker_of_newer_code_reads_an_index_of_an_older_layout(
    content: Content, open_site: Callable[..., Site], tmp_path: Path
) -> None:
    content.write("one.md")
    site = open_site()
    before = site.get("/all.rss").data
    to_first_layout(site.sync.index.path)
    worker = open_site_without_refresh(content, tmp_path)

    worker.sync.ensure_sole_owner()
    answer = worker.get("/all.rss")

    assert (answer.status_code, answer.data) == (200, before)
    worker.sync.stop()


def test_a_process_that_opens_the_index_waits_while_its_file_is_replaced(
    content: Content, site: Site, tmp_path: Path
) -> None:
    opening = tmp_path / "instance" / "index.open"
    readers = (
        lambda: check_file(site.sync.index.path),
        lambda: site.sync.pictures.to_probe(0),
    )
    for reader in readers:
        thread = threading.Thread(target=reader)
        with locked(opening):
            thread.start()
            assert wait_for(lambda: is_awaited(opening))
        thread.join(20)
        assert not thread.is_alive()


def is_awaited(path: Path) -> bool:
    """Return True if a process waits for the lock of a file."""
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f":{path.stat().st_ino} " in line for line in lines)


def test_a_worker_that_loads_newer_code_belongs_to_the_server_that_started_it(
    site: Site, tmp_path: Path
) -> None:
    reader, instance = site.sync.reader, tmp_path / "instance"
    server = ContentSync(reader, instance, b"by old code")
    worker = ContentSync(reader, instance, b"by new code", owner=server.ownership.name)
    another = ContentSync(reader, instance, b"by new code")
    server.ensure_sole_owner()

    worker.ensure_sole_owner()
    server.stop()

    with pytest.raises(SettingsError, match="in use by a server with other settings"):
        another.ensure_sole_owner()
    worker.stop()
    another.ensure_sole_owner()
    another.stop()


# Servers.


@pytest.fixture
def instance(content: Content, tmp_path: Path) -> Path:
    content.write("one.md")
    return tmp_path / "instance"


@pytest.fixture
def server(content: Content, instance: Path) -> Iterator[Server]:
    """Yield a server with the settings A that responds already."""
    with started(content.folder, instance, "serve", None, **A) as server:
        server.wait()
        yield server


def refusal(instance: Path, setting: str) -> str:
    where = f"FEEDS_INSTANCE_DIR: {instance}: in use by a server with other settings ({setting})"
    return f"Error: {where}: name another folder, or stop that server\n"


def command_refusal(instance: Path, setting: str) -> str:
    where = f"FEEDS_INSTANCE_DIR: {instance}: in use by a server with other settings ({setting})"
    return f"Error: {where}: give the command the same variables, or name another folder\n"


@pytest.mark.parametrize("number", range(3))
def test_of_two_servers_at_once_one_serves_and_the_other_prints_why_it_does_not(
    content: Content, instance: Path, tmp_path: Path, number: int
) -> None:
    # Enough articles that both servers start before the first index is made.
    text = (content.folder / "one.md").read_text()
    for each in range(3000):
        (content.folder / f"{each}.md").write_text(text)
    with ExitStack() as running:
        pair = []
        for name, settings in (("a", A), ("b", B)):
            output = running.enter_context((tmp_path / name).open("w"))
            server = started(content.folder, instance, "serve", output.fileno(), **settings)
            pair.append((running.enter_context(server), tmp_path / name))

        assert wait_for(lambda: any(server.process.poll() == 1 for server, _ in pair), 60)
        [printed] = [output for server, output in pair if server.process.poll() is not None]
        [winner] = [server for server, _ in pair if server.process.poll() is None]
        winner.wait()

        assert printed.read_text() == refusal(instance, "FEEDS_URL")


def test_servers_with_the_same_settings_share_a_folder(content: Content, instance: Path) -> None:
    with (
        started(content.folder, instance, "serve", None, **A) as one,
        started(content.folder, instance, "serve", None, **A) as other,
    ):
        one.wait()
        other.wait()

        assert [one.process.poll(), other.process.poll()] == [None, None]


def test_a_server_of_another_content_folder_is_another(
    content: Content, instance: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    with started(content.folder, instance, "serve", None, **A) as one:
        one.wait()
        assert printed(tmp_path / "elsewhere", instance, **A) == refusal(
            instance, "FEEDS_CONTENT_DIR"
        )


def printed(content: Path, instance: Path, **settings: str) -> str:
    """Return the whole output of a server that ends without a signal."""
    with started(content, instance, "serve", subprocess.PIPE, **settings) as server:
        return server.printed()


@contextmanager
def orphaned(server: Server) -> Iterator[list[int]]:
    """Kill the first process of a server; yield its workers, which live until the end."""
    left = workers(listener(server.address))
    server.process.kill()
    server.process.wait()
    try:
        yield left
    finally:
        for worker in left:
            os.kill(worker, signal.SIGKILL)


def test_a_server_whose_first_process_was_killed_owns_its_folder_by_its_workers(
    content: Content, instance: Path, server: Server
) -> None:
    with orphaned(server):
        assert printed(content.folder, instance, **B) == refusal(instance, "FEEDS_URL")

    with started(content.folder, instance, "serve", None, **B) as next_one:
        next_one.wait()


def test_the_next_server_names_the_workers_of_a_killed_one_that_hold_the_port(
    content: Content, instance: Path, server: Server
) -> None:
    with orphaned(server) as left:
        port = str(urlsplit(server.address).port)
        status, text = ran(content.folder, instance, "serve", PORT=port, **A)

    where = f"HOST, PORT: cannot listen at {server.address}: Address already in use"
    named = ", ".join(map(str, left))
    assert (status, text) == (
        1,
        f"Error: {where} by the workers of an earlier server: end processes {named}\n",
    )


def test_the_next_server_names_no_workers_of_a_living_one(
    content: Content, instance: Path, server: Server
) -> None:
    port = str(urlsplit(server.address).port)
    status, text = ran(content.folder, instance, "serve", PORT=port, **A)

    where = f"HOST, PORT: cannot listen at {server.address}: Address already in use"
    assert (status, text) == (1, f"Error: {where}: name another\n")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("owner", "serve"),
        ("index.lock", "refresh"),
        ("index.open", "refresh"),
    ],
)
def test_an_unusable_file_of_the_instance_folder_is_named_with_the_remedy(
    content: Content, instance: Path, name: str, command: str
) -> None:
    skip_if_quick()
    (instance / name).mkdir(parents=True)

    status, text = ran(content.folder, instance, command, **A)

    assert status == 1
    assert f"{instance / name}: Is a directory: let this user write it, or remove it" in text
    assert "Traceback" not in text


def answers(address: str) -> list[bytes]:
    """Return the bytes of the documents that readers request most."""
    paths = ("/all.rss", "/all.atom", "/topics/ai.json", "/feeds.opml", "/")
    return [requested(f"{address}{path}")[1] for path in paths]


def requested(address: str) -> tuple[int, bytes]:
    """Return the status and the bytes of a response, also of an error."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def ran(content: Path, instance: Path, *command: str, **settings: str) -> tuple[int, str]:
    """Run a command to its end; return its exit status and its output."""
    given = {"FEEDS_CONTENT_DIR": str(content), "FEEDS_INSTANCE_DIR": str(instance)}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", *command],
        cwd=ROOT, env=os.environ | given | settings, text=True, timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


COMMANDS = (
    ("refresh",), ("feeds",), ("explain", "one.md"), ("images",), ("announce",), ("export", "out"),
)  # fmt: skip


def test_a_command_with_another_url_is_refused_while_a_server_runs_and_changes_no_response(
    content: Content, instance: Path, server: Server, tmp_path: Path
) -> None:
    before = answers(server.address)

    checked = ran(content.folder, instance, "check", **B)
    refused = [
        ran(content.folder, instance, *(str(tmp_path / w) if w == "out" else w for w in c), **B)
        for c in COMMANDS
    ]

    assert checked[0] == 0
    assert refused == [(1, command_refusal(instance, "FEEDS_URL"))] * len(COMMANDS)
    assert answers(server.address) == before
    assert b"https://a.example/all.rss" in before[0]
    assert not (tmp_path / "out").exists()
    # The command changed nothing in the index: a later save appears as before.
    content.write("two.md", title="A second one")
    assert wait_for(lambda: b"A second one" in requested(f"{server.address}/all.rss")[1])
    assert b"b.example" not in b"".join(answers(server.address))


def test_a_command_with_another_content_folder_is_refused_while_a_server_runs(
    content: Content, instance: Path, server: Server, tmp_path: Path
) -> None:
    other = Content(tmp_path / "other")
    other.write("other.md", title="Of the other folder")
    before = answers(server.address)

    refused = [ran(other.folder, instance, command, **A) for command in ("refresh", "feeds")]

    assert refused == [(1, command_refusal(instance, "FEEDS_CONTENT_DIR"))] * 2
    assert answers(server.address) == before


def test_a_command_with_other_site_files_is_refused_while_a_server_runs(
    content: Content, instance: Path, server: Server
) -> None:
    before = answers(server.address)
    content.raw("site.yml", "title: Another title\n")

    refused = ran(content.folder, instance, "refresh", **A)

    assert refused == (1, command_refusal(instance, "the files of the site, or the version"))
    assert answers(server.address) == before


def test_a_command_with_the_settings_of_the_server_works_while_it_runs(
    content: Content, instance: Path, server: Server
) -> None:
    before = answers(server.address)

    assert ran(content.folder, instance, "refresh", **A)[0] == 0
    assert answers(server.address) == before


def test_a_wsgi_server_with_other_settings_serves_nothing_until_the_folder_is_its_own(
    content: Content, instance: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    (content.folder / "pictures").mkdir()
    (content.folder / "pictures" / "a.png").write_bytes(b"a picture")
    paths = ("/all.rss", "/", "/topics/ai.json", "/pictures/a.png", "/readyz", "/metrics")
    with (
        log.open("w") as output,
        started(content.folder, instance, "serve", None, **A) as owner,
    ):
        owner.wait()
        before = answers(owner.address)
        with started(content.folder, instance, "run", output.fileno(), **B) as other:
            stores.wait(int(other.address.rpartition(":")[2]))

            found = [requested(f"{other.address}{path}")[0] for path in paths]

            assert found == [503] * len(paths)
            assert requested(f"{other.address}/healthz")[0] == 200
            assert "in use by a server with other settings (FEEDS_URL)" in log.read_text()
            assert answers(owner.address) == before

            owner.process.terminate()
            owner.process.wait()
            assert wait_for(lambda: requested(f"{other.address}/all.rss")[0] == 200)
            assert b"https://b.example/all.rss" in requested(f"{other.address}/all.rss")[1]
            assert b"a.example" not in b"".join(answers(other.address))


def test_an_index_that_an_older_version_made_for_other_settings_is_rebuilt(
    content: Content, open_site: Callable[..., Site]
) -> None:
    """A version without ownership let a command rewrite the index of a running server."""
    content.write("one.md", title="Kept")
    site = open_site()
    site.sync.start()
    assert wait_for(lambda: site.get("/readyz").status_code == 200)
    before = site.get("/all.rss").data

    with closing(connect(site.sync.index.path)) as connection:
        connection.executescript(
            """UPDATE meta SET value = 'others' WHERE key = 'made-for';
               UPDATE meta SET value = value + 1 WHERE key = 'revision';
               DELETE FROM membership; DELETE FROM article; UPDATE file SET reason = 'draft';"""
        )
        (moved,) = connection.execute("SELECT value FROM meta WHERE key = 'revision'").fetchone()
    site.sync.shared.publish(moved, int(site.sync.clock()))

    assert wait_for(lambda: site.get("/readyz").status_code == 200)
    assert site.get("/all.rss").data == before
    site.sync.stop()

"""The installed command with --ledger: URLs in each place, secrets, and another run on the same destination."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from forkresize.ledger import LedgerStore, open_ledger
from tests.protocols import Draw, Run
from tests.servers.postgresql import PostgresServer
from tests.servers.program import find_free_port, uses

SERVER = [*uses("postgresql"), pytest.mark.slow]
WIDTH = ("in", "out", "--width", "32")


@pytest.fixture(autouse=True)
def pictures(tmp_path: Path, draw: Draw) -> None:
    for name in ("a.jpg", "sub/b.jpg", "sub/c.png"):
        draw(tmp_path / "in" / name, size=(64, 48))


@pytest.fixture
def url(postgresql: PostgresServer) -> str:
    return postgresql.new_database().replace("test@", "test:hunter2@")


def counts(done: "subprocess.CompletedProcess[str]") -> tuple[int, int]:
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    return summary["written"], summary["unchanged"]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["flag", "variable", "file"])
def test_the_ledger_is_in_the_database_of_a_url(tmp_path: Path, forkresize: Run, place: str) -> None:
    url = f"sqlite://{tmp_path}/state/ledger.db"
    flags = ["--ledger", url] if place == "flag" else []
    env = {"FORKRESIZE_LEDGER": url} if place == "variable" else {}
    if place == "file":
        (tmp_path / "forkresize.toml").write_text(f'ledger = "{url}"\n')
    assert counts(forkresize(*WIDTH, *flags, "--json", env=env)) == (3, 0)
    os.utime(tmp_path / "in/a.jpg", (1, 1))
    assert counts(forkresize(*WIDTH, *flags, "--json", env=env)) == (1, 2)
    assert (tmp_path / "state/ledger.db").exists()
    assert os.listdir(tmp_path / "out/.forkresize") == ["id"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "file"),
    [
        (["--ledger", "none"], ""),
        (["--no-ledger"], ""),
        ([], "ledger = false"),
        ([], "ledger = 'none'"),
        ([], "no-ledger = true"),
    ],
)
def test_without_a_ledger_times_alone_are_compared(
    tmp_path: Path, forkresize: Run, flags: list[str], file: str
) -> None:
    (tmp_path / "forkresize.toml").write_text(file)
    assert counts(forkresize(*WIDTH, *flags, "--json")) == (3, 0)
    os.utime(tmp_path / "in/a.jpg", (1, 1))
    assert counts(forkresize(*WIDTH, *flags, "--json")) == (0, 3)
    assert not (tmp_path / "out/.forkresize").exists()


@pytest.mark.slow
def test_a_flag_replaces_what_a_settings_file_says(tmp_path: Path, forkresize: Run) -> None:
    (tmp_path / "forkresize.toml").write_text(f"ledger = 'sqlite://{tmp_path}/l.db'")
    assert counts(forkresize(*WIDTH, "--no-ledger", "--json")) == (3, 0)
    assert not (tmp_path / "l.db").exists()
    (tmp_path / "forkresize.toml").write_text("no-ledger = true")
    assert counts(forkresize(*WIDTH, "--ledger", "auto", "--json")) == (0, 3)
    assert (tmp_path / "out/.forkresize/ledger.db").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--ledger", "mysql://u:hunter2@h/d"],
            "--ledger: invalid value 'mysql://***@h/d': use a URL such as sqlite:///",
        ),
        (["--ledger", "postgresql://u:hunter2%zz@h/d"], "--ledger: invalid URL 'postgresql://***@h/d'"),
        (["--ledger", "auto", "--no-ledger"], "--ledger cannot be combined with --no-ledger"),
        (["--no-ledger", "--retry-failed"], "--retry-failed requires --ledger"),
    ],
)
def test_an_invalid_ledger_is_a_usage_error(tmp_path: Path, forkresize: Run, flags: list[str], message: str) -> None:
    done = forkresize(*WIDTH, *flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert "hunter2" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_outputs_whose_ledger_is_elsewhere_are_not_sources(tmp_path: Path, forkresize: Run) -> None:
    url = f"sqlite://{tmp_path}/l.db"
    assert forkresize("in", "in/web", "--width", "32", "--ledger", url).returncode == 0
    done = forkresize("in", "other", "--width", "16", "-v")
    assert "skipped   in/web  directory of outputs" in done.stderr


@pytest.mark.slow
def test_nothing_shows_the_password(tmp_path: Path, forkresize: Run) -> None:
    url = f"postgresql://u:hunter2@127.0.0.1:{find_free_port()}/d"
    reports = ("--report", "r.jsonl", "--report", "r.html", "--log-file", "run.log", "--metrics-file", "m.prom")
    for arguments, env in ((("--ledger", url), {}), ((f"--ledger={url}",), {}), ((), {"FORKRESIZE_LEDGER": url})):
        done = forkresize(*WIDTH, *arguments, *reports, "-v", env=env)
        assert done.returncode == 3
        assert "Connection refused" in done.stderr
        shown = forkresize(*WIDTH, *arguments, "--show-config", env=env)
        assert "postgresql://***@127.0.0.1" in shown.stdout
        texts = [path.read_text("utf-8") for path in tmp_path.iterdir() if path.is_file()]
        assert not any("hunter2" in text for text in [done.stdout, done.stderr, shown.stdout, shown.stderr, *texts])


class TestPostgresql:
    pytestmark = SERVER

    def test_a_second_run_makes_only_what_changed(self, tmp_path: Path, forkresize: Run, url: str) -> None:
        assert counts(forkresize(*WIDTH, "--ledger", url, "--json")) == (3, 0)
        os.utime(tmp_path / "in/a.jpg", (1, 1))
        planned = forkresize(*WIDTH, "--ledger", url, "--dry-run")
        assert planned.stdout.count("planned") == 1
        assert counts(forkresize(*WIDTH, "--ledger", url, "--json")) == (1, 2)
        (tmp_path / "in/a.jpg").unlink()
        pruned = json.loads(forkresize(*WIDTH, "--ledger", url, "--prune", "--json").stdout)
        assert (pruned["pruned"], pruned["unchanged"]) == (1, 2)
        assert not (tmp_path / "out/a.jpg").exists()
        assert os.listdir(tmp_path / "out/.forkresize") == ["id"]

    @pytest.fixture
    def elsewhere(self, tmp_path: Path, url: str) -> Iterator[LedgerStore]:
        """A run on another machine."""
        (tmp_path / "out/.forkresize").mkdir(parents=True)
        with open_ledger(str(tmp_path / "out"), url) as ledger:
            ledger.hold(None, 0, list)
            yield ledger

    @pytest.mark.usefixtures("elsewhere")
    def test_another_run_makes_it_exit_with_75(self, forkresize: Run, url: str) -> None:
        done = forkresize(*WIDTH, "--ledger", url)
        assert done.returncode == 75
        assert "another run that uses the ledger 'postgresql://***@127.0.0.1" in done.stderr
        assert "use --lock-wait to wait for it" in done.stderr
        assert counts(forkresize("in", "free", "--width", "32", "--ledger", url, "--json")) == (3, 0)

    def test_it_waits_for_another_run(self, forkresize: Run, url: str, elsewhere: LedgerStore) -> None:
        ending = threading.Timer(2, elsewhere.close)
        ending.start()
        assert counts(forkresize(*WIDTH, "--ledger", url, "--lock-wait", "60s", "--json")) == (3, 0)
        ending.join()

    def test_shards_run_at_the_same_time(self, command: list[str], tmp_path: Path, url: str) -> None:
        running = [
            subprocess.Popen([*command, *WIDTH, "--ledger", url, "--shard", f"{number}/2"], cwd=tmp_path)
            for number in (1, 2)
        ]
        assert [process.wait(60) for process in running] == [0, 0]
        with open_ledger(str(tmp_path / "out"), url, read_only=True) as ledger:
            assert [record.key for record in ledger.iter_records()] == ["a.jpg", "sub/b.jpg", "sub/c.png"]
            assert list(ledger.interrupted_runs()) == []

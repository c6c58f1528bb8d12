"""The command ``forkresized``, without servers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forkresize.daemon import main
from forkresize.daemon.table import format_age, format_table
from forkresize.extras import install_command
from forkresize.gateway.access.api_keys import ApiKeys
from forkresize.gateway.access.principal import Principal, Role
from tests.servers.program import find_free_port

BROKER = "amqp://user:geheim@127.0.0.1:1//"


def run(*arguments: str, env: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    program = Path(sys.executable).with_name("forkresized")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, env=env, check=False)


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "node " in capsys.readouterr().out
    assert main(["node", "--help"]) == 0
    assert "SIGTERM" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["node"], "Missing option '--cluster'"),
        (["node", "--cluster", BROKER, "--ledger", "postgresql://x/y"], "Missing option '--allow'"),
        (["node", "--cluster", "http://x", "--ledger", "postgresql://x/y", "--allow", "s3://abc"], "--cluster: inv"),
        (["node", "--cluster", BROKER, "--ledger", "postgresql://x/y", "--allow", "/srv"], "invalid URL '/srv'"),
        (["node", "--cluster", BROKER, "--ledger", "nonsense://", "--allow", "s3://abc"], "--ledger: invalid URL"),
        (["node", "--cluster", BROKER, "--ledger", "postgresql://x/y", "--allow", "s3://abc", "--cluster-key", "/none"],
         "--cluster-key: the key file '/none' cannot be read"),
        (["serve"], "No such command 'serve'"),
        (["gateway"], "Missing option '--root'"),
        (["gateway", "--root", "photos"], "--root: invalid value 'photos': use NAME=VALUE"),
        (["gateway", "--root", "a=/tmp", "--root", "a=/"], "--root: the name 'a' is given twice"),
        (["gateway", "--root", "a b=/tmp"], "--root: invalid name 'a b'"),
        (["gateway", "--root", "a=/", "--unsigned", "--timeout", "0"], "--timeout: invalid value 0: use more than 0"),
        (["gateway", "--root", "a=/", "--unsigned", "--key-file", "x"], "--unsigned cannot be combined with --key"),
        (["gateway", "--root", "a=/tmp", "--unsigned", "--host", "192.0.2.1"], "--host: cannot listen on 192.0.2.1"),
        (["gateway", "--root", "a=/", "--trusted-proxy", "proxy"], "--trusted-proxy: invalid network 'proxy'"),
        (["gateway", "--root", "a=/", "--rate-limit", "many"], "--rate-limit: invalid rate 'many'"),
        (["gateway", "--root", "a=/", "--rate-limit-store", "redis://x"], "--rate-limit-store: has no effect"),
        (["gateway", "--root", "a=/", "--jwt-issuer", "x"], "--jwt-issuer: has no effect"),
        (["gateway", "--root", "a=/", "--jwks", "/none"], "--jwt-issuer: tokens need an issuer"),
        (["gateway", "--root", "a=/", "--jwks", "/none", "--jwt-issuer", "x"], "--jwt-audience: tokens need"),
        (["gateway", "--root", "a=/", "--api-keys", "/none"], "--api-keys: the file '/none' cannot be used"),
        (["key", "create", "--name", "web"], "Missing option '--role'"),
        (["key", "create", "--role", "admin", "--name", "a:b"], "--name: invalid name 'a:b'"),
        (["gateway", "--root", "a=/", "--unsigned", "--cluster", BROKER], "--cluster: has no effect without a dest"),
        (["gateway", "--root", "a=/", "--unsigned", "--ledger", "postgresql://x/y"], "--ledger: has no effect without"),
        (["gateway", "--root", "a=/", "--unsigned", "--cluster-key", "/none"], "--cluster-key: has no effect without"),
        (["gateway", "--root", "a=/none"], "--root: a=/none: there is no such directory"),
    ],
)  # fmt: skip
def test_a_usage_error_says_what_is_wrong(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_variable_of_a_cluster_that_has_no_effect_on_a_gateway_is_a_warning() -> None:
    variables = {**os.environ, "FORKRESIZED_GATEWAY_CLUSTER_KEY": "/none"}
    done = run("gateway", "--root", "a=/none", "--unsigned", env=variables)
    assert done.returncode == 2
    assert "the variable of --cluster-key has no effect without a destination for batches" in done.stderr


@pytest.mark.parametrize("command", [["migrate"], ["status"], ["node", "--allow", "s3://abc"]])
def test_a_database_that_is_not_there_is_fatal_and_shows_no_password(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"postgresql://user:geheim@127.0.0.1:{find_free_port()}/x"
    broker = [] if command == ["migrate"] else ["--cluster", BROKER]
    assert main([*command, *broker, "--ledger", url]) == 3
    error = capsys.readouterr().err
    assert error.startswith("forkresized: the ledger 'postgresql://***@127.0.0.1:")
    assert "geheim" not in error


def run_without_celery(*arguments: str) -> "subprocess.CompletedProcess[str]":
    program = """
import sys
sys.modules["celery"] = None
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "celery" else find(name, package)
import forkresize.daemon
sys.argv[0] = "forkresized"
forkresize.daemon.program()
"""
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
def test_without_the_extra_the_error_names_it() -> None:
    result = run_without_celery("node")
    assert result.returncode == 2
    assert result.stderr == f"forkresized: node needs celery: {install_command('cluster')}\n"


def test_the_servers_may_be_named_by_variables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"postgresql://user:geheim@127.0.0.1:{find_free_port()}/x"
    monkeypatch.setenv("FORKRESIZE_CLUSTER", BROKER)
    monkeypatch.setenv("FORKRESIZE_LEDGER", url)
    assert main(["node", "--allow", "s3://abc"]) == 3
    assert f"the ledger '{url.replace('user:geheim', '***')}'" in capsys.readouterr().err
    # An option wins.
    assert main(["node", "--allow", "s3://abc", "--ledger", "nonsense://"]) == 2
    assert "--ledger: invalid URL" in capsys.readouterr().err


@pytest.mark.slow
def test_without_the_extra_there_is_help_that_names_it() -> None:
    result = run_without_celery("node", "-h")
    assert (result.returncode, result.stderr) == (0, "")
    assert f"node needs celery: {install_command('cluster')}" in " ".join(result.stdout.split())


@pytest.mark.slow
def test_without_the_extra_other_commands_can_be_used() -> None:
    result = run_without_celery("gateway", "--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "--root NAME=URL" in result.stdout
    result = run_without_celery("--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert "node     Take work from a cluster until it is asked to stop." in result.stdout


@pytest.mark.slow
def test_the_installed_program_runs() -> None:
    result = run("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("forkresized, version ")


def test_a_table_has_columns_as_wide_as_their_cells() -> None:
    table = format_table(["NAME", "N"], [["a", "1"], ["longer\x1b[1m", "22"]], "empty")
    assert table == "NAME           N\na              1\nlonger\\x1b[1m  22\n"
    assert format_table(["NAME"], [], "no names") == "no names\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (86_400 * 3, "3 d")]
)
def test_an_age_has_its_largest_unit(seconds: float, text: str) -> None:
    assert format_age(seconds) == text


def test_a_created_key_is_printed_with_the_line_that_makes_it_valid(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["key", "create", "--role", "submitter", "--name", "web"]) == 0
    output, error = capsys.readouterr()
    line = error.splitlines()[-1]
    file = tmp_path / "keys"
    file.write_text(line)
    assert ApiKeys(str(file)).find(output.strip()) == Principal("key:web", Role.SUBMITTER)
    assert output.strip() not in error

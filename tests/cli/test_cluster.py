"""The options of runs on a cluster, against each other and against all others."""

import click
import pytest

from forkresize.cli.command import call
from forkresize.cli.conflicts import check_conflicts, check_effects
from forkresize.errors import NoEffectError
from forkresize.extras import install_command
from tests.protocols import ParseArguments

CLUSTER = ["--cluster", "amqp://broker/", "--ledger", "postgresql://db/forkresize"]
RUN = ["s3://photos/in", "s3://web/out", "--width", "8", *CLUSTER]
ATTACH = ["--attach", "17", *CLUSTER[2:]]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["in", "out", "--cluster", "amqp://broker/"], "--cluster requires --ledger with the URL of its database"),
        (["in", "out", "--cluster", "amqp://broker/", "--no-ledger"], "--cluster requires --ledger with the URL"),
        (
            [*CLUSTER, "--files-from", "-", "s3://web/out"],
            "--cluster cannot be combined with --files-from: its nodes",
        ),
        ([*RUN, "--watch"], "--cluster cannot be combined with --watch"),
        ([*RUN, "--workers", "2"], "--workers has no effect with --cluster: it is an option of a node"),
        ([*RUN, "--memory", "1G"], "--memory has no effect with --cluster"),
        ([*RUN, "--sandbox", "on"], "--sandbox has no effect with --cluster"),
        ([*RUN, "--detach", "--prune"], "--detach cannot be combined with --prune: use it with --attach"),
        ([*RUN, "--detach", "--report", "r.html"], "--detach cannot be combined with --report"),
        ([*RUN, "--detach", "--json"], "--detach cannot be combined with --json"),
        ([*RUN, "--detach", "--dry-run"], "--detach cannot be combined with --dry-run"),
        (["--attach", "17"], "--attach requires --ledger with the URL of its database"),
        ([*ATTACH, "in", "out"], "--attach takes no SOURCE and no DESTINATION"),
        ([*ATTACH, "--prune"], "--attach cannot be combined with --prune"),
        ([*ATTACH, "--dry-run"], "--attach cannot be combined with --dry-run"),
    ],
)
def test_what_makes_no_sense_is_refused(flags: list[str], message: str, arguments: ParseArguments) -> None:
    with pytest.raises(click.UsageError, match=message):
        check_conflicts(arguments(*flags))


@pytest.mark.parametrize(
    "flags",
    [
        RUN,
        [*RUN, "--detach"],
        [*RUN, "--timeout", "5s", "--retries", "3"],
        [*RUN, "--prune", "--report", "r.html", "--json", "--max-errors", "5%", "--dry-run"],
        [*RUN, "--order", "path", "--shard", "1/2"],
        ATTACH,
        [*ATTACH, "--report", "r.html", "--json", "--max-errors", "3"],
    ],
)
def test_what_makes_sense_is_accepted(flags: list[str], arguments: ParseArguments) -> None:
    parsed = arguments(*flags)
    check_effects(parsed)
    check_conflicts(parsed)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--detach"], "detach: has no effect: it requires cluster"),
        (["--cluster-key", "key"], "cluster_key: has no effect: it requires cluster or attach"),
    ],
)
def test_flags_without_a_cluster_are_refused(flags: list[str], message: str, arguments: ParseArguments) -> None:
    with pytest.raises(NoEffectError, match=message):
        check_effects(arguments("in", "out", "--width", "8", *flags))


def test_a_missing_extra_is_named_with_the_way_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("forkresize.cli.cluster.find_spec", lambda _: None)
    assert call(RUN) == 2
    assert install_command("cluster") in capsys.readouterr().err

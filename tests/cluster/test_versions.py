"""Programs of different versions on one cluster: they finish a run together, or say why not, and lose nothing."""

import json
from pathlib import Path

import psycopg
import pytest

from forkresize.batch.fingerprint import RENDER_VERSION
from forkresize.cluster.client.attendance import Attendance
from forkresize.cluster.client.connection import Connection
from forkresize.cluster.database.values import NewChunk
from forkresize.cluster.jsonlines import ManifestError
from forkresize.cluster.manifest import read_outcomes, read_plan
from forkresize.cluster.messages import decode_message
from forkresize.cluster.protocol import VERSION
from forkresize.cluster.publisher import Publisher
from forkresize.cluster.spec import decode_spec, read_header
from forkresize.errors import FieldError
from forkresize.recipe import from_bytes
from tests.cluster.lab import ON_REDIS, Lab, wait_for
from tests.cluster.record import DONE, JOB, KEY, SPEC, describe_fields

FOLDER = Path(__file__).parent / "recorded"
OTHER = Path(__file__).parent / "other_node.py"
FORMER = [path for path in sorted(FOLDER.iterdir()) if path.name != f"protocol-{VERSION}"]

CHANGE = "UPDATE forkresize.schema_version SET version = version + %s WHERE component = %s"


def test_other_fields_are_another_version() -> None:
    recorded = FOLDER / f"protocol-{VERSION}" / "fields.json"
    advice = "increase VERSION in forkresize/cluster/protocol.py, and run: python -m tests.cluster.record"
    assert describe_fields() == json.loads(recorded.read_text()), advice


def test_what_this_version_has_recorded_is_read() -> None:
    folder = FOLDER / f"protocol-{VERSION}"
    spec = decode_spec((folder / "specification.json").read_text())
    assert (spec.version, spec.sources, spec.limits, spec.shard) == (VERSION, SPEC.sources, SPEC.limits, SPEC.shard)
    assert len(from_bytes(spec.recipe.encode()).renditions) == 2
    header, jobs = read_plan((folder / "manifest.json.gz").read_bytes(), KEY)
    assert (header.run, header.chunk, header.spec, jobs) == (17, 3, spec.digest, [JOB])
    assert read_outcomes((folder / "outcomes.json.gz").read_bytes(), KEY)[1] == [DONE]


@pytest.mark.parametrize("folder", FORMER, ids=lambda folder: folder.name)
def test_what_a_former_version_has_recorded_is_refused_with_both_numbers(folder: Path) -> None:
    number = folder.name.removeprefix("protocol-")
    reason = f"has version {number} of the protocol, and this program version {VERSION}: use the same version"
    text = (folder / "specification.json").read_text()
    with pytest.raises(FieldError, match=reason):
        decode_spec(text)
    # Whose place a new run takes is known nevertheless.
    assert (read_header(text).destination, read_header(text).shard) == (SPEC.destination, SPEC.shard)
    with pytest.raises(ManifestError, match=reason):
        read_plan((folder / "manifest.json.gz").read_bytes(), KEY)
    with pytest.raises(ManifestError, match=reason):
        read_outcomes((folder / "outcomes.json.gz").read_bytes(), KEY)


@pytest.mark.parametrize("folder", sorted(FOLDER.iterdir()), ids=lambda folder: folder.name)
def test_messages_of_all_versions_are_read(folder: Path) -> None:
    message = decode_message((folder / "message.json").read_bytes(), KEY)
    assert (message.run, message.chunk) == (17, 3)


@ON_REDIS
def test_nodes_of_another_version_leave_a_run_to_those_of_its_own(lab: Lab) -> None:
    lab.add_pictures(6)
    lab.env["OTHER_PROTOCOL"] = str(VERSION + 1)
    other = lab.start_node(script=OTHER)
    notices: list[str] = []
    attendance = Attendance(Connection(lab.database, None, None, notices.append), iter(range(0, 10_000, 10)).__next__)
    lab.publish(2)
    reason = f"its specification has version {VERSION} of the protocol, and this program version {VERSION + 1}"
    wait_for(lambda: f"{other.name}: run: {reason}" in lab.status(), "the status says why")
    attendance.attend(lab.run)
    attendance.attend(lab.run)
    expected = f"no node takes run {lab.run}: {other.name} is forkresize "
    assert [notice for notice in notices if notice.startswith(expected)] == notices, notices
    assert other.log.count(reason) == 1
    lab.env.clear()
    lab.start_node()
    lab.wait_until_finished()
    assert [outcome.outcomes[0].detail.status for outcome in lab.outcomes()] == ["written"] * 6
    assert {chunk.node for chunk in lab.database.runs.finished_chunks(lab.run)} == {lab.nodes[1].name}


@ON_REDIS
def test_many_chunks_of_another_version_hold_up_no_others_and_none_is_lost(lab: Lab) -> None:
    lab.add_pictures(2)
    other, count = lab.run + 1000, 200
    lab.database.runs.create(other, lab.spec)
    lab.database.runs.add_chunks(other, [NewChunk(number, "m", 0, 1, 1) for number in range(1, count + 1)])
    lab.database.runs.close(other)
    _set_version(lab, other, VERSION + 1)
    with Publisher(lab.broker) as publisher:
        publisher.check()
        while lab.database.outbox.relay(publisher.publish):
            pass
    node = lab.start_node()
    lab.publish(1)
    lab.wait_until_finished(30)
    assert node.log.count("is left to other nodes") == 1
    _set_version(lab, other, VERSION)
    # There are no manifests: each chunk is given up once its message comes.
    wait_for(lambda: len(lab.database.runs.finished_chunks(other)) == count, "all chunks have come")


def _set_version(lab: Lab, run: int, number: int) -> None:
    with psycopg.connect(lab.ledger) as connection:
        statement = "UPDATE forkresize.batch SET spec = jsonb_set(spec::jsonb, '{version}', to_jsonb(%s::int))::text"
        connection.execute(f"{statement} WHERE run = %s", (number, run))


@ON_REDIS
def test_what_a_node_of_another_rendering_makes_is_recorded_as_its_own(lab: Lab) -> None:
    lab.add_pictures(2)
    lab.env["OTHER_RENDERING"] = str(RENDER_VERSION - 1)
    other = lab.start_node(script=OTHER)
    notices: list[str] = []
    Attendance(Connection(lab.database, None, None, notices.append)).attend(lab.run)
    difference = f"(rendering {RENDER_VERSION - 1}; here rendering {RENDER_VERSION})"
    assert [f"{other.name} makes other files than this machine {difference}" in notice for notice in notices] == [True]
    lab.publish(2)
    lab.wait_until_finished()
    assert [outcome.outcomes[0].detail.status for outcome in lab.outcomes()] == ["written"] * 2
    (former,) = {record.recipe for record in lab.records()}
    assert former.hex() != lab.spec.renditions[0]


@ON_REDIS
def test_a_node_that_renders_as_the_run_asks_records_what_the_run_asked_for(lab: Lab) -> None:
    lab.add_pictures(2)
    lab.start_node()
    lab.publish(2)
    lab.wait_until_finished()
    assert {record.recipe.hex() for record in lab.records()} == {lab.spec.renditions[0]}


@ON_REDIS
@pytest.mark.parametrize("component", ["ledger", "cluster"])
def test_a_node_ends_when_a_later_version_has_changed_the_tables(lab: Lab, component: str) -> None:
    lab.add_pictures(4)
    node = lab.start_node()
    with psycopg.connect(lab.ledger) as connection:
        connection.execute(CHANGE, (1, component))
    lab.publish(2)
    assert node.wait() == 3, node.log
    assert "a later version of forkresize has used it; upgrade, or use another database" in node.log
    assert (lab.progress.pictures_done, lab.progress.lost) == (0, 0)
    with psycopg.connect(lab.ledger) as connection:
        connection.execute(CHANGE, (-1, component))
    lab.start_node()
    lab.wait_until_finished()
    assert [outcome.outcomes[0].detail.status for outcome in lab.outcomes()] == ["written"] * 4

"""A destination made by version 0.1.0: its ledger is read and upgraded, and its outputs are recognized as unchanged."""

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
from PIL import Image

from forkresize import Outcome, Recipe, Settings, run
from forkresize.batch.fingerprint import fingerprint_recipe
from forkresize.errors import LedgerError
from forkresize.ledger.sqlite import SqliteLedger, ledger_path, schema

SQL = Path(__file__).with_name("ledger-0.1.0.sql")
RECIPE = Recipe.of(width=[16, 100, 200])
PICTURES = ["a.jpg", "sub/b.png", "caf\udce9.jpg"]
FORMER_FINGERPRINTS = ("58116DD37AACDFA7", "95102C90E09F7A06", "DCBC6569AF70D84F")
FORMER_COMBINED = "40C1C3FA7B48431F"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The destination: only the ledger's file."""
    path = Path(ledger_path(str(tmp_path / "out")))
    path.parent.mkdir(parents=True)
    db = sqlite3.connect(path)
    db.executescript(SQL.read_text("utf-8"))
    db.close()
    return tmp_path / "out"


def test_all_of_its_records_are_read(out: Path) -> None:
    with SqliteLedger(str(out), read_only=True) as ledger:
        records = {record.key: record for record in ledger.iter_records()}
        assert {record.root for record in records.values()} == {"/photos"}
        assert {key: ledger.get(key) for key in records} == records
        assert list(ledger.interrupted_runs()) == []
    assert len(records) == 15
    written, skipped, failed = (records[key] for key in ("caf\udce9-16w.jpg", "notes-16w.txt", "broken-16w.jpg"))
    assert (written.status, written.source, written.source_mtime_ns) == ("written", "caf\udce9.jpg", 10**18 + 2)
    assert (written.size, written.mtime_ns, written.width, written.height) == (287, 1795906351408602527, 16, 12)
    assert written.source_hash == bytes.fromhex("960BFF13F76151638F86B27F93B89950")
    assert (skipped.status, skipped.reason, skipped.covers_all) == ("skipped", "not a picture", 1)
    assert (failed.status, failed.reason, failed.error) == (
        "failed",
        "damaged or truncated",
        "the header can't be read",
    )


def test_its_rows_are_what_this_version_writes(out: Path) -> None:
    """A record that is read and written again leaves its row as it was, but for the columns of this version."""
    before = rows(out)
    with SqliteLedger(str(out)) as ledger:
        ledger.record(list(ledger.iter_records()))
    assert rows(out) == [(0, *row, None, None, None, None) for row in before]


def test_it_is_upgraded_by_a_run_and_not_by_a_dry_run(out: Path) -> None:
    def version() -> int:
        with contextlib.closing(sqlite3.connect(ledger_path(str(out)))) as db:
            return int(db.execute("PRAGMA user_version").fetchone()[0])

    with SqliteLedger(str(out), read_only=True) as ledger:
        ledger.begin_run()
        former = list(ledger.iter_records())
        assert ledger.get_many([each.key for each in former]) == {each.key: each for each in former}
    assert version() == 1
    with SqliteLedger(str(out)) as ledger:
        ledger.begin_run()
        assert ledger.run == 2
        assert list(ledger.iter_records()) == former
        ledger.record([former[0]._replace(etag="e", version="v", source_etag="s", source_version="w")])
    assert version() == 2
    with SqliteLedger(str(out)) as ledger:
        assert ledger.get(former[0].key) == former[0]._replace(
            etag="e", version="v", source_etag="s", source_version="w"
        )
        assert list(ledger.iter_records())[1:] == former[1:]


def test_an_upgrade_that_fails_leaves_the_former_ledger(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(out)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "_UPGRADE", "DROP TABLE outputs; INSERT INTO nowhere VALUES (1)")
        with pytest.raises(LedgerError, match="nowhere"):
            SqliteLedger(str(out))
    assert rows(out) == before
    with SqliteLedger(str(out)) as ledger:
        assert len(list(ledger.iter_records())) == 15


def rows(out: Path) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(ledger_path(str(out)))) as db:
        return db.execute("SELECT * FROM outputs ORDER BY path").fetchall()


@pytest.mark.parametrize("compare", ["stat", "checksum"])
def test_its_outputs_are_unchanged_and_failures_that_memory_can_cause_are_tried_again_once(
    tmp_path: Path, out: Path, compare: str
) -> None:
    draw_sources(tmp_path / "in")
    draw_outputs(out)
    adapt(out, tmp_path / "in")
    settings = Settings(compare=compare)  # type: ignore[arg-type]
    for tried in ({"broken.jpg"}, set[str]()):
        outcomes: list[Outcome] = []
        summary = run([tmp_path / "in"], out, RECIPE, settings=settings, observers=[outcomes.append])
        assert (summary.written, summary.unchanged, summary.skipped, summary.failed) == (0, 6, 4, 1)
        assert {outcome.source.relative for outcome in outcomes if outcome.execution.attempts} == tried


def draw_sources(folder: Path) -> None:
    for number, name in enumerate(PICTURES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 48)).save(path)
        os.utime(path, ns=(10**18 + number, 10**18 + number))
    for name, content, mtime in (("broken.jpg", b"\xff\xd8\xff broken", 7), ("notes.txt", b"not a picture", 8)):
        (folder / name).write_bytes(content)
        os.utime(folder / name, ns=(10**18 + mtime, 10**18 + mtime))


def draw_outputs(out: Path) -> None:
    for name in PICTURES:
        stem, suffix = os.path.splitext(name)
        for width in (16, 100):
            path = out / f"{stem}-{width}w{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"an output")


def adapt(out: Path, sources: Path) -> None:
    """Set what differs between machines: directory, sizes, times, hashes, and fingerprints of other codecs."""
    now = fingerprint_recipe(RECIPE, None)
    fingerprints = {bytes.fromhex(FORMER_COMBINED): now.combined}
    fingerprints |= dict(zip(map(bytes.fromhex, FORMER_FINGERPRINTS), now.renditions, strict=True))
    db = sqlite3.connect(ledger_path(str(out)))
    with db:
        db.execute("UPDATE roots SET path = ?", (os.fsencode(sources),))
        for path, source, recipe, status in db.execute("SELECT path, source, recipe, status FROM outputs").fetchall():
            found = os.stat(os.fsencode(sources) + b"/" + source)
            db.execute(
                "UPDATE outputs SET source_size = ?, recipe = ? WHERE path = ?",
                (found.st_size, fingerprints[recipe], path),
            )
            if source.endswith((b".jpg", b".png")) and not source.startswith(b"broken"):
                db.execute("UPDATE outputs SET source_hash = NULL WHERE path = ?", (path,))
            if status == "written":
                made = os.stat(os.fsencode(out) + b"/" + path)
                db.execute(
                    "UPDATE outputs SET size = ?, mtime_ns = ? WHERE path = ?", (made.st_size, made.st_mtime_ns, path)
                )
    db.close()

"""Sources are looked up in groups, and are passed on as soon as there are no more at the moment."""

from collections.abc import Collection, Iterator
from pathlib import Path

from forkresize import Recipe, Settings
from forkresize.batch import prepare
from forkresize.batch.listing import Listed
from forkresize.batch.prefetch import prefetch_records
from forkresize.job import Source
from forkresize.ledger import NullLedger
from forkresize.outcome import Outcome, OutputRef, Reason, Skipped
from forkresize.plan import Shard
from forkresize.pool import NothingYet

SOURCES = [Source(f"in/{number:04}.jpg", f"{number:04}.jpg") for number in range(600)]
SKIPPED = Outcome(OutputRef(SOURCES[0]), Skipped(Reason.SYMBOLIC_LINK))


class Remote(NullLedger):
    """A ledger far away, which remembers the groups."""

    prefers_prefetch = True

    def __init__(self) -> None:
        self.groups: list[list[str]] = []

    def prefetch(self, keys: Collection[str]) -> None:
        self.groups.append(list(keys))


def prefetch(tmp_path: Path, found: Iterator[Listed], settings: Settings | None = None) -> tuple[Remote, list[Listed]]:
    (tmp_path / "in").mkdir()
    plan = prepare([tmp_path / "in"], tmp_path / "out", Recipe.of(width=[16, 32]), settings)
    ledger = Remote()
    return ledger, list(prefetch_records(plan, found, ledger))


def test_sources_are_looked_up_in_groups_with_all_of_their_outputs(tmp_path: Path) -> None:
    ledger, listed = prefetch(tmp_path, iter(SOURCES))
    assert listed == SOURCES
    assert [len(group) for group in ledger.groups] == [512, 512, 176]
    assert ledger.groups[0][:3] == ["0000-16w.jpg", "0000-32w.jpg", "0001-16w.jpg"]


def test_a_pause_in_the_listing_ends_a_group(tmp_path: Path) -> None:
    found: list[Listed] = [SOURCES[0], SKIPPED, NothingYet(0), NothingYet(0), SOURCES[1]]
    ledger, listed = prefetch(tmp_path, iter(found))
    assert listed == found
    assert ledger.groups == [["0000-16w.jpg", "0000-32w.jpg"], ["0001-16w.jpg", "0001-32w.jpg"]]


def test_sources_of_other_shards_are_not_looked_up(tmp_path: Path) -> None:
    shard = Shard(1, 2)
    ledger, listed = prefetch(tmp_path, iter(SOURCES), Settings(shard=shard))
    assert listed == SOURCES
    mine = [source for source in SOURCES if shard.has(source.relative)]
    assert sum(map(len, ledger.groups)) == 2 * len(mine)


def test_a_ledger_nearby_is_asked_for_each_output(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    plan = prepare([tmp_path / "in"], tmp_path / "out", Recipe.of(width=16))
    found = iter(SOURCES)
    assert prefetch_records(plan, found, NullLedger()) is found

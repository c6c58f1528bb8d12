"""Pictures in a store: made once, found again, and shared with batches."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import forkresize
from forkresize.batch import Settings
from forkresize.errors import FieldError, LedgerError
from forkresize.gateway.derivatives.derivatives import Derivatives
from forkresize.gateway.derivatives.memory import Derivative
from forkresize.gateway.derivatives.places import Place, Target
from forkresize.gateway.derivatives.recorder import Recorder
from forkresize.gateway.derivatives.records import Made, RecordWriter
from forkresize.gateway.derivatives.settings import DerivativeSettings
from forkresize.gateway.derivatives.stores import DestinationStores
from forkresize.gateway.imgproxy.settings import PictureUrlSettings
from forkresize.gateway.services import Services
from forkresize.gateway.settings import GatewaySettings
from forkresize.ledger import open_ledger
from forkresize.pool import PoolOptions
from forkresize.recipe import Recipe
from forkresize.recipefile import dumps
from forkresize.store import LocalStore
from forkresize.store.objects import StoreOptions

THUMB = Recipe.of(width=64, height=48, fit="cover", format="webp")
TARGET = Target.of(THUMB)


def run(test: Coroutine[Any, Any, None]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await test

    asyncio.run(bounded())


async def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition; the test has a deadline."""
    while not condition():  # noqa: ASYNC110  What happens is seen from outside.
        await asyncio.sleep(0.01)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    for number, name in enumerate(("one.jpg", "below/two.png")):
        Image.linear_gradient("L").resize((160 + number, 120)).convert("RGB").save(folder / name)
    (tmp_path / "thumb.toml").write_text(dumps(THUMB))
    return folder


@pytest.fixture
def settings(photos: Path, tmp_path: Path) -> GatewaySettings:
    return GatewaySettings(
        roots={"photos": str(photos)},
        unsigned=True,
        picture_urls=PictureUrlSettings(presets={"thumb": str(tmp_path / "thumb.toml")}),
        derivatives=DerivativeSettings(store=str(tmp_path / "web")),
        pool=PoolOptions(workers=1),
    )


class Site:
    """The services of a gateway, and how often they rendered."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.rendered = 0
        render = services.pictures.render

        async def count(*arguments: Any) -> Any:
            self.rendered += 1
            return await render(*arguments)

        services.pictures.render = count  # type: ignore[method-assign, assignment]

    async def get(self, key: str, target: Target = TARGET) -> Derivative:
        """Return a picture as routes do, without the wait of many for one."""
        located = await self.services.roots.find("photos", key)
        derivatives = self.services.derivatives
        assert derivatives is not None
        found = await derivatives.find(located, target)
        if found is None:
            (picture,) = await self.services.pictures.render(located, target.recipe)
            derivatives.keep(located, target, picture)
            found = Derivative(picture.data, picture.media_type)
        return found


@contextlib.asynccontextmanager
async def open_site(settings: GatewaySettings) -> AsyncIterator[Site]:
    services = Services(settings)
    await services.open()
    try:
        yield Site(services)
    finally:
        await services.close()


def count_batch(photos: Path, destination: Path) -> tuple[int, int]:
    """Run a batch with the same recipe; return how many outputs it wrote, and how many were up to date."""
    settings = Settings(pool=PoolOptions(workers=1))
    summary = forkresize.run([str(photos)], str(destination), THUMB, settings=settings)
    return summary.written, summary.unchanged


def test_a_batch_finds_what_was_made_on_demand_unchanged(
    settings: GatewaySettings, photos: Path, tmp_path: Path
) -> None:
    async def serve() -> None:
        async with open_site(settings) as site:
            first = await site.get("one.jpg")
            assert (await site.get("one.jpg"), site.rendered) == (first, 1)
            await site.get("below/two.png")

    run(serve())
    web = tmp_path / "web/photos/thumb"
    assert sorted(str(path.relative_to(web)) for path in web.rglob("*.webp")) == ["below/two.webp", "one.webp"]
    assert count_batch(photos, web) == (0, 2)


def test_what_a_batch_made_is_served(settings: GatewaySettings, photos: Path, tmp_path: Path) -> None:
    web = tmp_path / "web/photos/thumb"
    assert count_batch(photos, web) == (2, 0)

    async def serve() -> None:
        async with open_site(settings) as site:
            for key, output in (("one.jpg", "one.webp"), ("below/two.png", "below/two.webp")):
                assert await site.get(key) == Derivative((web / output).read_bytes(), "image/webp")
            assert site.rendered == 0

    run(serve())


def change_source(photos: Path, web: Path) -> None:
    Image.new("RGB", (100, 100), "red").save(photos / "one.jpg")


def change_output(photos: Path, web: Path) -> None:
    (web / "one.webp").write_bytes(b"of another program")


def remove_output(photos: Path, web: Path) -> None:
    (web / "one.webp").unlink()


def lose_ledger(photos: Path, web: Path) -> None:
    (web / ".forkresize/ledger.db").unlink()


def damage_ledger(photos: Path, web: Path) -> None:
    (web / ".forkresize/ledger.db").write_bytes(b"x" * 4096)


@pytest.mark.parametrize("change", [change_source, change_output, remove_output, lose_ledger, damage_ledger])
def test_what_is_not_as_it_was_recorded_is_made_again(
    settings: GatewaySettings, photos: Path, tmp_path: Path, change: Callable[[Path, Path], None]
) -> None:
    web = tmp_path / "web/photos/thumb"
    count_batch(photos, web)
    change(photos, web)

    async def serve() -> None:
        async with open_site(settings) as site:
            picture = await site.get("one.jpg")
            assert site.rendered == 1
            assert picture.data.startswith(b"RIFF")

    run(serve())


def test_another_recipe_has_a_destination_of_its_own_unless_anyone_could_ask_for_it(
    settings: GatewaySettings, tmp_path: Path
) -> None:
    small = Target.of(Recipe.of(width=16))

    async def serve(found: GatewaySettings) -> None:
        async with open_site(found) as site:
            await site.get("one.jpg", small)

    run(serve(settings))
    assert not (tmp_path / "web").exists()
    (tmp_path / "keys").write_text(f"{'6b' * 32}:{'73' * 32}\n")
    urls = PictureUrlSettings(key_file=str(tmp_path / "keys"))
    signed = GatewaySettings(
        roots=settings.roots, picture_urls=urls, derivatives=settings.derivatives, pool=settings.pool
    )
    run(serve(signed))
    assert (tmp_path / "web/photos" / small.name / "one.jpg").exists()


def test_a_destination_that_a_batch_holds_is_recorded_later(
    settings: GatewaySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("forkresize.gateway.derivatives.recorder._RETRY", 0.1)
    monkeypatch.setattr("forkresize.gateway.derivatives.recorder._INTERVAL", 0.1)
    web = tmp_path / "web/photos/thumb"

    def is_recorded() -> bool:
        # Its tables may not be there yet.
        with contextlib.suppress(LedgerError), open_ledger(str(web), read_only=True) as ledger:
            return "one.webp" in ledger.get_many(["one.webp"])
        return False

    async def serve() -> None:
        async with open_site(settings) as site:
            with LocalStore(str(web)).lock():
                picture = await site.get("one.jpg")
                with caplog.at_level("DEBUG"):
                    await until(lambda: "photos/thumb is held" in caplog.text)
                assert not is_recorded()
                assert (await site.get("one.jpg"), site.rendered) == (picture, 1)
                assert site.services.derivatives is not None
                recorder = site.services.derivatives.recorder
                await until(lambda: recorder.waiting == 1)
                assert recorder.lag > 0
            await until(is_recorded)
            await until(lambda: (recorder.waiting, recorder.lag) == (0, 0.0))

    run(serve())


def hold_recording(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Let records be written at once, and not end before the second event; the first one shows that it has begun."""
    begun, go = threading.Event(), threading.Event()

    def write_slowly(_: RecordWriter, made: Sequence[Made]) -> list[Made]:
        begun.set()
        assert go.wait(60)
        return []

    monkeypatch.setattr(RecordWriter, "write", write_slowly)
    monkeypatch.setattr("forkresize.gateway.derivatives.recorder._INTERVAL", 0.0)
    return begun, go


def test_what_is_recorded_is_found_while_other_pictures_are_recorded(
    settings: GatewaySettings, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert count_batch(photos, tmp_path / "web/photos/thumb") == (2, 0)
    begun, go = hold_recording(monkeypatch)

    async def serve() -> None:
        async with open_site(settings) as site:
            try:
                (photos / "three.jpg").write_bytes((photos / "one.jpg").read_bytes())
                await site.get("three.jpg")
                await until(begun.is_set)
                await site.get("one.jpg")
                assert site.rendered == 1
            finally:
                go.set()

    run(serve())


def test_a_store_that_hangs_costs_no_picture(
    settings: GatewaySettings, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    assert count_batch(photos, tmp_path / "web/photos/thumb") == (2, 0)
    go, stat = threading.Event(), LocalStore.stat

    def hang(store: LocalStore, key: str, **options: bool) -> Any:
        assert store.root.endswith("photos") or go.wait(60)
        return stat(store, key, **options)

    monkeypatch.setattr(LocalStore, "stat", hang)
    monkeypatch.setattr("forkresize.gateway.derivatives.derivatives._LOOK_UP", 0.01)

    async def serve() -> None:
        async with open_site(settings) as site:
            try:
                assert (await site.get("one.jpg")).media_type == "image/webp"
                assert site.rendered == 1
                assert "no answer within 0.1 s" in caplog.text
            finally:
                go.set()

    run(serve())


def test_the_end_waits_for_what_is_being_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = hold_recording(monkeypatch)

    async def record() -> None:
        recorder = Recorder(DestinationStores(str(tmp_path), StoreOptions()), None)
        recorder.start()
        made: Any = None
        recorder.add(made)
        await until(begun.is_set)
        closing = asyncio.create_task(recorder.close())
        ended, _ = await asyncio.wait([closing], timeout=0.3)
        go.set()
        await closing
        assert not ended

    run(record())


def test_a_picture_that_is_not_in_the_store_is_looked_up_once(
    settings: GatewaySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, find = list[Place](), Derivatives.__dict__["_find"]

    async def count(derivatives: Derivatives, place: Place, *arguments: Any) -> Derivative | None:
        looked.append(place)
        found: Derivative | None = await find(derivatives, place, *arguments)
        return found

    monkeypatch.setattr(Derivatives, "_find", count)

    async def serve() -> None:
        async with open_site(settings) as site:
            located = await site.services.roots.find("photos", "one.jpg")
            for _ in range(2):
                assert (await site.services.on_demand.get(located, TARGET)).media_type == "image/webp"

    run(serve())
    assert looked == [Place("photos/thumb", "one.webp")]


def test_the_lag_can_be_read_while_pictures_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(DestinationStores(str(tmp_path), StoreOptions()), None)
    recorder._waiting_since = 1.0  # noqa: SLF001 -- as if a picture waited.

    def record_in_between() -> float:
        recorder._waiting_since = None  # noqa: SLF001 -- as if it was recorded in the event loop.
        return 3.0

    monkeypatch.setattr("forkresize.gateway.derivatives.recorder.time.monotonic", record_in_between)
    assert recorder.lag == 2.0
    assert recorder.lag == 0.0


def test_a_store_that_cannot_be_written_costs_no_picture(settings: GatewaySettings, tmp_path: Path) -> None:
    (tmp_path / "web").write_text("a file")

    async def serve() -> None:
        async with open_site(settings) as site:
            assert (await site.get("one.jpg")).media_type == "image/webp"
            assert (await site.get("one.jpg")).media_type == "image/webp"

    run(serve())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"ledger": "sqlite:///x"}, "requires a store"),
        ({"store": "web", "ledger": "none"}, "use the URL of a database"),
        ({"store": "web", "ledger": "mysql://host"}, "invalid value"),
    ],
)
def test_a_ledger_needs_a_store_and_is_a_database(values: dict[str, str], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        DerivativeSettings(**values)

"""Pictures on demand, in an event loop of the test: rendering, limits, cancellation, lost workers."""

import asyncio
import contextlib
import io
import os
import signal
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from PIL import Image

from forkresize.batch.remote.render_task import MAX_INLINE
from forkresize.batch.remote.renderer import Inspected, Renderer
from forkresize.errors import BrokenPoolError
from forkresize.gateway.checks import check_pool
from forkresize.gateway.problem import Problem
from forkresize.gateway.services import Services
from forkresize.gateway.settings import GatewaySettings, Limits
from forkresize.pool import PoolOptions, sealed_memfd
from forkresize.recipe import Recipe
from forkresize.store.confined import ConfinedStore

T = TypeVar("T")

pytestmark = pytest.mark.slow

SMALL = Recipe.of(width=80)


@pytest.fixture(scope="module")
def services(photos: Path) -> Any:
    limits = Limits(max_pixels=1_000_000, max_file_size=500_000)
    found = Services(
        GatewaySettings(roots={"photos": str(photos)}, unsigned=True, limits=limits, pool=PoolOptions(workers=2))
    )
    yield found
    asyncio.run(found.close())


def call(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def render(services: Services, key: str, recipe: Recipe) -> Any:
    return await services.pictures.render(await services.roots.find("photos", key), recipe)


def test_a_source_becomes_a_picture(services: Services) -> None:
    [picture] = call(render(services, "below/three.jpg", Recipe.of(width=80, format="webp")))
    assert picture.media_type == "image/webp"
    with Image.open(io.BytesIO(picture.data)) as image:
        assert (image.format, image.size) == ("WEBP", (80, 60))


def test_a_source_that_changes_while_a_worker_has_it_becomes_the_new_picture(
    services: Services, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, changes = photos / "changes.png", [(0, 0, 255)]
    noise = Image.effect_noise((512, 384), 90).convert("RGB")
    noise.save(path)
    assert path.stat().st_size > MAX_INLINE
    submit = Renderer.submit

    def change_and_submit(renderer: Renderer, job: Any, *rest: Any) -> Any:
        if changes:
            Image.blend(noise, Image.new("RGB", noise.size, changes.pop()), 0.9).save(path)
        return submit(renderer, job, *rest)

    monkeypatch.setattr(Renderer, "submit", change_and_submit)
    try:
        [picture] = call(render(services, "changes.png", Recipe.of(width=80, format="png")))
    finally:
        path.unlink()
    assert picture.detail.out_size == (80, 60)
    with Image.open(io.BytesIO(picture.data)) as image:
        red, _, blue = image.convert("RGB").resize((1, 1)).tobytes()
    assert (red < 60, blue > 200) == (True, True)


def test_an_upload_becomes_pictures(services: Services, photos: Path) -> None:
    data = (photos / "one.jpg").read_bytes()
    with sealed_memfd(data) as file:
        pictures = call(services.pictures.render_upload(file, len(data), Recipe.of(width=[80, 160]), "one.jpg"))
    assert [picture.detail.out_size for picture in pictures] == [(80, 60), (160, 120)]


async def inspect(services: Services, key: str) -> Any:
    return await services.pictures.inspect(await services.roots.find("photos", key))


def test_a_source_is_inspected(services: Services) -> None:
    assert call(inspect(services, "below/three.jpg")) == Inspected(642, 480, "jpeg", 1)


def test_what_cannot_be_inspected_is_refused(services: Services, photos: Path) -> None:
    Image.new("L", (2000, 1000)).save(photos / "wide.png")
    try:
        for key, status in (("text.txt", 415), ("wide.png", 413)):
            with pytest.raises(Problem) as caught:
                call(inspect(services, key))
            assert caught.value.status == status
    finally:
        (photos / "wide.png").unlink()


@pytest.mark.parametrize(
    ("key", "status", "field"),
    [("none.jpg", 404, "key"), ("below", 404, "key"), ("../x.jpg", 400, "key"), ("a\0b", 400, "key"),
     ("below//three.jpg", 400, "key"), (".forkresize/x", 404, "key"), ("one.jpg/x", 404, "key"), ("text.txt", 415, "")],
)  # fmt: skip
def test_what_is_not_a_picture_is_refused(services: Services, key: str, status: int, field: str) -> None:
    with pytest.raises(Problem) as caught:
        call(render(services, key, SMALL))
    assert (caught.value.status, caught.value.field) == (status, field)


def test_an_unknown_root_is_refused(services: Services) -> None:
    with pytest.raises(Problem, match="there is no root 'none'") as caught:
        call(services.roots.find("none", "one.jpg"))
    assert caught.value.status == 404


def test_links_are_followed_inside_the_root_only(services: Services, photos: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.jpg"
    outside.write_bytes((photos / "one.jpg").read_bytes())
    for name, target in (("inside.jpg", "below/three.jpg"), ("out.jpg", outside), ("folder", tmp_path)):
        (photos / name).symlink_to(target)
    try:
        [picture] = call(render(services, "inside.jpg", SMALL))
        assert picture.detail.out_size == (80, 60)
        for key in ("out.jpg", "folder/secret.jpg"):
            with pytest.raises(Problem) as caught:
                call(render(services, key, SMALL))
            assert caught.value.status == 404
    finally:
        for name in ("inside.jpg", "out.jpg", "folder"):
            (photos / name).unlink()


def test_only_a_small_file_comes_with_its_content(services: Services, photos: Path, tmp_path: Path) -> None:
    small, large, link = (photos / name for name in ("content.jpg", "large.jpg", "link-to-content.jpg"))
    small.write_bytes(b"x" * MAX_INLINE)
    large.write_bytes(b"x" * (MAX_INLINE + 1))
    link.symlink_to(small)
    try:
        found = [call(services.roots.find("photos", each.name)) for each in (small, large, link)]
    finally:
        for each in (small, large, link):
            each.unlink()
    assert [(each.info.key, each.info.size, each.content and len(each.content)) for each in found] == [
        ("content.jpg", MAX_INLINE, MAX_INLINE),
        ("large.jpg", MAX_INLINE + 1, None),
        ("content.jpg", MAX_INLINE, None),
    ]


def test_sources_on_a_disk_that_is_slow_are_found_in_threads_for_a_while(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, found_in, read_small = threading.get_ident(), list[bool](), ConfinedStore.read_small

    def note(store: ConfinedStore, key: str, limit: int) -> Any:
        found_in.append(threading.get_ident() == here)
        if len(found_in) == 1:
            time.sleep(0.05)
        return read_small(store, key, limit)

    async def find() -> None:
        services.roots._waits_until = 0.0  # noqa: SLF001  This machine may have been slow a moment ago.
        for _ in range(2):
            await services.roots.find("photos", "one.jpg")
        end = time.monotonic() + 30
        while not found_in[-1] and time.monotonic() < end:
            await asyncio.sleep(0.05)
            await services.roots.find("photos", "one.jpg")

    monkeypatch.setattr(ConfinedStore, "read_small", note)
    call(find())
    assert (found_in[:2], found_in[-1]) == ([True, False], True)


def test_limits_of_the_gateway_win(services: Services, photos: Path) -> None:
    Image.new("L", (2000, 1000)).save(photos / "wide.png")
    try:
        with pytest.raises(Problem, match="has 2 megapixels, more than the limit of 1") as caught:
            call(render(services, "wide.png", Recipe.of(width=80, max_pixels=100_000_000)))
        assert (caught.value.status, caught.value.reason) == (413, "too many pixels")
    finally:
        (photos / "wide.png").unlink()


def test_a_cancelled_request_gives_its_place_back(services: Services) -> None:
    async def cancel_all() -> None:
        tasks = [asyncio.create_task(render(services, "one.jpg", SMALL)) for _ in range(12)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3000):
            if not services.pictures.admission.active:
                break
            await asyncio.sleep(0.01)
        assert (services.pictures.admission.waiting, services.pictures.admission.memory) == (0, 0)
        assert await render(services, "one.jpg", SMALL)

    call(cancel_all())


def test_a_killed_supervisor_is_replaced(services: Services) -> None:
    assert call(render(services, "one.jpg", SMALL))
    pid = services.pictures.renderer.supervisor_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert call(render(services, "one.jpg", SMALL))
    assert services.pictures.renderer.supervisor_pid != pid


def test_an_error_does_not_show_where_a_root_is(
    services: Services, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(ConfinedStore, "read_small", refuse)
    monkeypatch.setattr(ConfinedStore, "fetch", refuse)
    with pytest.raises(Problem) as caught:
        call(render(services, "one.jpg", SMALL))
    assert caught.value.detail == "photos/one.jpg: Permission denied"


def test_names_that_are_not_valid_text_can_be_in_problems() -> None:
    response = Problem(404, "there is no picture '\udcff'").response()
    assert b"there is no picture '?'" in response.body


def test_an_idle_gateway_whose_supervisor_died_becomes_ready_again(services: Services) -> None:
    assert call(render(services, "one.jpg", SMALL))
    pid = services.pictures.renderer.supervisor_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 30
    while services.pictures.renderer.supervisor_pid in {pid, None} and time.monotonic() < end:
        with contextlib.suppress(BrokenPoolError, ProcessLookupError):
            check_pool(services.pictures)
        time.sleep(0.05)
    check_pool(services.pictures)
    assert services.pictures.renderer.supervisor_pid != pid

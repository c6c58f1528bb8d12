"""Watermarks that change on the disk while a gateway runs: it goes on with those of its start, also in its records."""

import asyncio
import io
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forkresize.errors import FieldError
from forkresize.formats import Format
from forkresize.gateway.imgproxy.settings import PictureUrlSettings
from forkresize.gateway.imgproxy.urls import PictureUrls
from forkresize.gateway.services import Services
from forkresize.gateway.settings import GatewaySettings
from forkresize.pool import PoolOptions

MARKED = "/wm:1:ce:::1/w:64"


@pytest.fixture
def settings(tmp_path: Path) -> PictureUrlSettings:
    draw(tmp_path, "blue")
    return PictureUrlSettings(watermark=str(tmp_path / "mark.png"))


def draw(folder: Path, color: str) -> None:
    Image.new("RGB", (30, 30), color).save(folder / "mark.png")


def identify(urls: PictureUrls, options: str) -> bytes:
    return urls.variant(f"/i/unsafe{options}/plain/photos/one.jpg".encode(), Format.PNG).identity


def test_a_watermark_is_hashed_once_and_again_at_the_next_start(settings: PictureUrlSettings, tmp_path: Path) -> None:
    urls, same = PictureUrls(settings, unsigned=True), PictureUrls(settings, unsigned=True)
    identify(urls, MARKED)
    draw(tmp_path, "red")
    assert identify(urls, "/wm:1:ce:::1/w:32") == identify(same, "/wm:1:ce:::1/w:32")
    restarted = PictureUrls(settings, unsigned=True)
    assert identify(urls, MARKED) == identify(same, MARKED) != identify(restarted, MARKED)
    assert identify(urls, "/w:64") == identify(restarted, "/w:64")


def test_workers_of_a_new_supervisor_have_the_watermark_that_is_recorded(
    settings: PictureUrlSettings, photos: Path, tmp_path: Path
) -> None:
    services = Services(
        GatewaySettings(
            roots={"photos": str(photos)}, unsigned=True, picture_urls=settings, pool=PoolOptions(workers=1)
        )
    )

    async def show() -> Any:
        path = f"{MARKED}/plain/photos/one.jpg"
        target = services.picture_urls.target(services.picture_urls.parse(path).options, Format.PNG)
        located = await services.roots.find("photos", "one.jpg")
        [picture] = await services.pictures.render(located, target.recipe)
        with Image.open(io.BytesIO(picture.data)) as image:
            return image.convert("RGB").getpixel((32, 24))

    async def main() -> None:
        assert await show() == (0, 0, 255)
        draw(tmp_path, "red")
        pid = services.pictures.renderer.supervisor_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert await show() == (0, 0, 255)
        assert services.pictures.renderer.supervisor_pid != pid
        await services.close()

    asyncio.run(main())


def test_a_watermark_that_is_missing_is_an_error_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match=r"none.png' cannot be read: No such file") as found:
        PictureUrls(PictureUrlSettings(watermark=str(tmp_path / "none.png")), unsigned=True)
    assert found.value.field == "watermark"

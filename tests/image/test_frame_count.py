"""How far frames are counted."""

import io
from collections.abc import Callable

import pytest
from PIL import Image
from PIL.ImageFile import ImageFile

from forkresize.image.decode.frame_count import count_frames

COUNTABLE = ["GIF", "TIFF"]


class Watched(io.BytesIO):
    """A file that notes how far it was read."""

    furthest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.furthest = max(self.furthest, self.tell())
        return data


@pytest.fixture
def animation() -> Callable[..., ImageFile]:
    """Open a file of frames of 4 x 4 pixels, each of its own gray: ``animation("GIF", 5)``."""

    def opened(kind: str, frames: int) -> ImageFile:
        images = [Image.new("L", (4, 4), 10 * number % 250) for number in range(frames)]
        images[0].save(file := io.BytesIO(), kind, save_all=True, append_images=images[1:])
        return Image.open(Watched(file.getvalue()))

    return opened


@pytest.mark.parametrize("kind", COUNTABLE)
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_all_are_counted_up_to_the_limit(kind: str, frames: int, animation: Callable[..., ImageFile]) -> None:
    image = animation(kind, frames)
    for _ in range(2):
        assert count_frames(image, frames) == frames
        assert count_frames(image, frames + 1) == frames


@pytest.mark.parametrize("kind", COUNTABLE)
def test_counting_ends_at_the_limit_and_leaves_the_first_frame_as_it_is(
    kind: str, animation: Callable[..., ImageFile]
) -> None:
    image = animation(kind, 9)
    assert [count_frames(image, most) for most in (1, 4, 8, 9)] == [2, 5, 9, 9]
    assert image.tell() == 0
    assert image.convert("L").getpixel((0, 0)) == 0
    image.seek(3)
    assert image.convert("L").getpixel((0, 0)) == 30


@pytest.mark.parametrize("kind", COUNTABLE)
def test_frames_beyond_the_limit_are_not_read(kind: str, animation: Callable[..., ImageFile]) -> None:
    image = animation(kind, 500)
    assert isinstance(image.fp, Watched)
    count_frames(image, 20)
    assert image.fp.furthest < len(image.fp.getvalue()) / 10

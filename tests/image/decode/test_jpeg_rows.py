"""Of a JPEG, no more rows are decoded than a crop shows, and the pixels are the same."""

import io
import random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from forkresize.image.decode import jpeg_rows
from forkresize.image.errors import PictureError
from forkresize.image.transform import transform
from forkresize.outcome import Reason
from forkresize.recipe import Axis, Crop, Fit, Flip, Format, Recipe, Rendition, Resample, Resize, Rotate, Size, Step

WIDTH, HEIGHT = 330, 260


@pytest.fixture(autouse=True)
def worthwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave rows out of small pictures too."""
    monkeypatch.setattr(jpeg_rows, "_WORTHWHILE", 1)


def draw(orientation: int = 1, size: tuple[int, int] = (WIDTH, HEIGHT), **options: Any) -> bytes:
    pixels = random.Random(1).randbytes(40 * 30 * 3)  # noqa: S311 (seeded on purpose)
    exif = Image.Exif()
    exif[0x112] = orientation
    file = io.BytesIO()
    image = Image.frombytes("RGB", (40, 30), pixels).resize(size, Image.Resampling.BICUBIC)
    image.save(file, "JPEG", exif=exif, **options)
    return file.getvalue()


def count_rows(data: bytes, recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how many rows are decoded of a picture."""
    sizes, load = list[tuple[int, int]](), ImageFile.ImageFile.load

    def note(image: ImageFile.ImageFile) -> Any:
        sizes.append(image.size)
        return load(image)

    with monkeypatch.context() as patch:
        patch.setattr(ImageFile.ImageFile, "load", note)
        transform(data, recipe)
    return max(height for _, height in sizes)


def cropped(step: Crop, *others: Step, size: Size | None = None, **options: Any) -> Recipe:
    rendition = Rendition(size=size or Size(), format=Format.PNG)
    return Recipe(steps=(step, *others), renditions=(rendition,), **options)


def has_ties(area: tuple[int, int], size: tuple[int, int]) -> bool:
    """Return whether a boundary of pixels of the result may go through the middle of one of the source.

    The box kernel takes that one or not, as rounding decides, which depends on where the rows are.
    """
    return any(
        2 * place * length % target == 0 and 2 * place * length // target % 2
        for length in area
        for target in size
        for place in range(target)
    )


steps = st.lists(
    st.sampled_from([Flip(axis=Axis.VERTICAL), Flip(axis=Axis.HORIZONTAL), Rotate(degrees=90)]), max_size=2
)
sizes = st.sampled_from(
    [Size(), Size(scale=(60, 60)), Size(scale=(20, 20)), Size(scale=(5, 5)), Size(width=9, height=50)]
)
resizes = st.builds(
    Resize,
    fit=st.just(Fit.FILL),
    resample=st.sampled_from([Resample.LANCZOS, Resample.BOX, Resample.NEAREST]),
    linear=st.booleans(),
)
files = st.sampled_from(
    [
        {"quality": 90},
        {"quality": 80, "progressive": True},
        {"quality": 95, "subsampling": 0},
        {"quality": 85, "restart_marker_rows": 1},
    ]
)


@given(
    place=st.tuples(*[st.integers(0, 259)] * 2),
    area=st.tuples(*[st.integers(1, 120)] * 2),
    orientation=st.integers(1, 8),
    others=steps,
    size=sizes,
    resize=resizes,
    options=files,
)
@settings(max_examples=120, deadline=None)
def test_pixels_are_those_of_the_whole_picture(
    place: tuple[int, int],
    area: tuple[int, int],
    orientation: int,
    others: list[Step],
    size: Size,
    resize: Resize,
    options: dict[str, Any],
) -> None:
    data = draw(orientation, **options)
    crop = Crop(width=area[0], height=area[1], left=place[0], top=place[1])
    recipe = cropped(crop, *others, resize, size=size)
    (found,) = transform(data, recipe)
    with Image.open(io.BytesIO(found.data)) as image:
        assume(resize.resample is not Resample.BOX or not has_ties(area, image.size))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jpeg_rows, "_WORTHWHILE", 10**9)
        (expected,) = transform(data, recipe)
    assert found.data == expected.data
    assert found.source_size == expected.source_size


@pytest.mark.parametrize("orientation", [1, 2, 5, 6])
@pytest.mark.parametrize("progressive", [False, True])
def test_decoding_stops_below_what_is_shown(
    orientation: int, *, progressive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = draw(orientation, progressive=progressive)
    left, top = (0, 100) if orientation == 5 else (200, 0) if orientation == 6 else (0, 0)
    recipe = cropped(Crop(width=50, height=50, left=left, top=top))
    assert count_rows(data, recipe, monkeypatch) < HEIGHT / 2
    assert count_rows(data, cropped(Crop(width=1000, height=1000)), monkeypatch) == HEIGHT


def test_small_pictures_are_decoded_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg_rows, "_WORTHWHILE", 1_000_000)
    assert count_rows(draw(), cropped(Crop(width=9, height=9)), monkeypatch) == HEIGHT


def test_steps_that_read_pixels_get_all(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(steps=(Rotate(degrees=10), Crop(width=9, height=9)), renditions=(Rendition(format=Format.PNG),))
    assert count_rows(draw(), recipe, monkeypatch) == HEIGHT


def test_a_file_that_ends_too_early_fails_although_what_is_shown_is_there() -> None:
    data = draw()
    for end in (len(data) - 2, len(data) * 2 // 3):
        with pytest.raises(PictureError) as caught:
            transform(data[:end], cropped(Crop(width=9, height=9)))
        assert caught.value.reason is Reason.DAMAGED


def test_bytes_after_the_end_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    data = draw() + b"trailer" * 100
    assert count_rows(data, cropped(Crop(width=9, height=9)), monkeypatch) < HEIGHT


def test_frames_of_other_kinds_are_left_alone() -> None:
    data = draw()
    place = data.index(b"\xff\xc0")
    for marker in (0xC3, 0xC9, 0xCA):
        other = data[:place] + bytes((0xFF, marker)) + data[place + 2 :]
        image = Image.open(io.BytesIO(data))
        assert isinstance(image, ImageFile.ImageFile)
        assert jpeg_rows.keep_upper_rows(image, io.BytesIO(other), 10) == HEIGHT
        assert image.size == (WIDTH, HEIGHT)

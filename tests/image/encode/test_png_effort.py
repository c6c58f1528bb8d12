"""High effort makes PNGs smaller, with oxipng and without, and keeps every pixel."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFilter

from forkresize.formats import png
from forkresize.formats.png import oxipng
from forkresize.image.encode import Encoded

Scene = Callable[..., Image.Image]
Encode = Callable[..., Encoded]
Make = Callable[..., Image.Image]

needs_oxipng = pytest.mark.skipif(oxipng() is None, reason="needs the extra oxipng")


@pytest.fixture
def without_oxipng(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As where it is not installed."""
    monkeypatch.setitem(sys.modules, "oxipng", None)
    oxipng.cache_clear()
    yield
    oxipng.cache_clear()


@pytest.fixture
def saves(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int | None]]:
    """List the level and the strategy of each file that Pillow makes of a whole picture."""
    found: list[tuple[int, int | None]] = []
    save = Image.Image.save

    def noting(image: Image.Image, file: Any, *arguments: str, **options: Any) -> None:
        if getattr(file, "name", "") not in {"sample.png", "one.png"}:
            found.append((options["compress_level"], options.get("compress_type")))
        save(image, file, *arguments, **options)

    monkeypatch.setattr(Image.Image, "save", noting)
    return found


def clouds(noise: Scene, mode: str = "RGB") -> Image.Image:
    return noise(mode, size=(40, 30)).resize((320, 240), Image.Resampling.BICUBIC)


@needs_oxipng
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("effort", [7, 10])
def test_oxipng_keeps_the_pixels_in_fewer_bytes(mode: str, effort: int, scene: Scene, encoded: Encode) -> None:
    plain, packed = (encoded(scene(mode), "png", effort=each).data for each in (6, effort))
    assert len(packed) < len(plain)
    with Image.open(io.BytesIO(packed)) as image:
        assert mode != "I;16" or image.mode == "I;16"
        wide = "I" if mode == "I;16" else "RGBA"
        assert image.convert(wide).tobytes() == scene(mode).convert(wide).tobytes()


@needs_oxipng
def test_a_higher_effort_makes_no_larger_file(noise: Scene, encoded: Encode) -> None:
    sizes = [len(encoded(clouds(noise), "png", effort=effort).data) for effort in (6, 7, 8, 9, 10)]
    assert sizes == sorted(sizes, reverse=True)


@needs_oxipng
def test_oxipng_keeps_profile_and_texts(scene: Scene, opened: Make, rgb_profile: Callable[[], bytes]) -> None:
    profile = rgb_profile()
    made = opened(
        scene("L").convert("RGB"), "png", effort=8, embedded={"icc_profile": profile, "exif": b"Exif\0\0kept"}
    )
    assert made.info["icc_profile"] == profile
    assert made.info["exif"].endswith(b"kept")
    # A profile for colors is not valid in a gray picture.
    assert made.mode in {"RGB", "P"}


@needs_oxipng
def test_oxipng_keeps_the_frames_of_an_animation(scene: Scene, make: Make) -> None:
    frames = [scene(size=(60, 40)).rotate(angle) for angle in (0, 9, 18)]
    frames[0].save(file := io.BytesIO(), "PNG", save_all=True, append_images=frames[1:], duration=[40, 50, 60])
    made = make(file.getvalue(), effort=7)
    assert getattr(made, "n_frames", 1) == 3
    for number, frame in enumerate(frames):
        made.seek(number)
        assert made.convert("RGB").tobytes() == frame.tobytes()
        assert made.info["duration"] == (40, 50, 60)[number]


@needs_oxipng
def test_oxipng_has_one_thread_and_leaves_the_variable_as_it_is() -> None:
    code = (
        "import os\n"
        "from forkresize import Recipe, transform\n"
        "from io import BytesIO\n"
        "from PIL import Image\n"
        "Image.effect_noise((200, 200), 50).save(file := BytesIO(), 'PNG')\n"
        "transform(file.getvalue(), Recipe.of(width=90, effort=8))\n"
        "print(os.environ.get('RAYON_NUM_THREADS'), len(os.listdir('/proc/self/task')))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "RAYON"))}
    for before, expected in ((None, "None 2"), ("7", "7 2")):
        given = environment | ({"RAYON_NUM_THREADS": before} if before else {})
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=given)
        assert done.stdout.strip() == expected


@pytest.mark.parametrize(("effort", "expected"), [(1, [(1, None)]), (3, [(3, None)]), (6, [(4, 3), (5, 0)])])
def test_of_a_drawing_low_effort_makes_one_file_and_more_effort_two(
    effort: int,
    expected: list[tuple[int, int | None]],
    scene: Scene,
    encoded: Encode,
    saves: list[tuple[int, int | None]],
) -> None:
    encoded(scene(), "png", effort=effort)
    assert saves == expected


def test_without_oxipng_the_slow_levels_are_left_out_where_nothing_repeats(
    without_oxipng: None, noise: Scene, encoded: Encode, saves: list[tuple[int, int | None]]
) -> None:
    flat = clouds(noise).resize((640, 480), Image.Resampling.NEAREST)
    encoded(flat, "png", effort=10)
    assert [level for level, _strategy in saves] == [4, 4, 9, 9]
    saves.clear()
    encoded(grainy(noise), "png", effort=10)
    assert [level for level, _strategy in saves] == [4, 4]


def grainy(noise: Scene) -> Image.Image:
    """Draw smooth colors with a little grain, as a photograph of the sky has them."""
    smooth = noise("RGB", size=(8, 6)).resize((320, 240), Image.Resampling.BICUBIC)
    return Image.blend(smooth, noise("RGB", size=smooth.size).filter(ImageFilter.BoxBlur(1)), 0.04)


def test_without_oxipng_more_effort_makes_no_larger_file(
    without_oxipng: None, noise: Scene, scene: Scene, encoded: Encode
) -> None:
    for picture in (clouds(noise), scene(), scene("P").convert("RGB"), grainy(noise)):
        sizes = [len(encoded(picture, "png", effort=effort).data) for effort in (1, None, 4, 7, 10)]
        assert sizes == sorted(sizes, reverse=True)


def test_with_some_effort_a_smooth_picture_is_compressed_once_by_pillow(
    noise: Scene, encoded: Encode, saves: list[tuple[int, int | None]]
) -> None:
    made = encoded(picture := grainy(noise), "png", effort=4)
    assert saves == [(4, 3)]
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.tobytes() == picture.tobytes()


def test_samples_are_not_compared_where_nothing_else_is_tried(
    noise: Scene, encoded: Encode, saves: list[tuple[int, int | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[Image.Image] = []
    # None is smooth.
    monkeypatch.setattr(png, "_is_smooth", compared.append)
    encoded(grainy(noise), "png", effort=4)
    assert saves == [(4, 3), (4, 0)]
    assert len(compared) == 1


def test_comparing_samples_loads_no_other_format(noise: Scene, tmp_path: Path) -> None:
    grainy(noise).save(tmp_path / "a.png")
    script = f"""
import sys
from PIL import PngImagePlugin
from forkresize.formats import png
image = PngImagePlugin.PngImageFile({str(tmp_path / "a.png")!r})
image.load()
assert png._is_smooth(image)
print([name for name in ("Bmp", "Gif", "Jpeg", "Ppm") if f"PIL.{{name}}ImagePlugin" in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_a_drawing_is_compressed_in_two_ways(
    mode: str, noise: Scene, scene: Scene, encoded: Encode, saves: list[tuple[int, int | None]]
) -> None:
    dots = noise("L", size=(320, 8)).point(lambda level: level & 128)
    stripes = dots.convert("I" if mode == "I;16" else mode).convert(mode)
    drawing = Image.new(mode, (320, 240))
    for top in range(0, 240, 8):
        drawing.paste(stripes, (0, top))
    made = encoded(drawing, "png")
    assert len(saves) == 2
    drawing.save(file := io.BytesIO(), "PNG", compress_level=4, compress_type=3)
    assert len(made.data) < 0.9 * len(file.getvalue())


def test_repetitions_in_a_narrow_picture_are_found(noise: Scene, encoded: Encode) -> None:
    """As many rows as zlib looks back are compared, not a few."""
    texture = noise("RGB", size=(100, 60)).point(lambda level: level & 3)
    picture = Image.new("RGB", (100, 960))
    for top in range(0, 960, 60):
        picture.paste(texture, (0, top))
    picture.save(file := io.BytesIO(), "PNG", compress_level=4, compress_type=0)
    assert len(encoded(picture, "png").data) <= len(file.getvalue())

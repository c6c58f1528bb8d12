"""What is written is what was asked for."""

import io
from collections.abc import Callable

import pytest
from PIL import Image, JpegImagePlugin

from forkresize.image.encode import encode
from forkresize.image.formats import WRITERS
from forkresize.image.geometry import layout
from forkresize.image.picture import Picture, PictureError
from forkresize.outcome import Failed, Outcome, Reason, Written
from forkresize.recipe import Format, Recipe

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]
Render = Callable[..., Outcome]

LOSSLESS = sorted(set(WRITERS) - {"jpeg", "webp", "avif", "gif"})


def picture(image: Image.Image, output: str) -> Picture:
    return Picture(image=image, orientation=1, format="png", output=output, layout=layout(image.size, Recipe()))


def pairs(outputs: list[str]) -> list[tuple[str, str]]:
    return [(output, mode) for output in outputs for mode in sorted(WRITERS[output].modes)]


@pytest.mark.parametrize(("output", "mode"), pairs(LOSSLESS))
def test_every_mode_that_a_format_is_said_to_hold_comes_back_unchanged(output: str, mode: str, scene: Scene) -> None:
    image = scene("I;16").convert("I").convert(mode) if mode in {"I;16", "I", "F"} else scene(mode)
    written = Image.open(io.BytesIO(encode(picture(image.copy(), output), Recipe())))
    assert (written.format, written.size) == (output.upper(), image.size)
    if mode == "I;16":
        assert written.convert("I").tobytes() == image.convert("I").tobytes()
    else:
        assert written.mode == mode
        assert written.tobytes() == image.tobytes()


@pytest.mark.parametrize("output", Format)
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_every_format_takes_every_common_mode(mode: str, output: Format, scene: Scene, result: Render) -> None:
    outcome = result(scene(mode), width=60, format=output)
    assert isinstance(outcome, Written)
    assert (outcome.out_format, outcome.out_size) == (output, (60, 40))
    assert outcome.quality == {"jpeg": 80, "webp": 78, "avif": 55}.get(output)


@pytest.mark.parametrize(("quality", "subsampling"), [(80, "4:2:0"), (89, "4:2:0"), (90, "4:4:4"), (100, "4:4:4")])
def test_colors_of_a_jpeg_are_kept_in_full_from_quality_90_on(
    quality: int, subsampling: str, scene: Scene, make: Make
) -> None:
    made = make(scene(), "a.jpg", width=60, quality=quality)
    assert isinstance(made, JpegImagePlugin.JpegImageFile)
    assert JpegImagePlugin.get_sampling(made) == {"4:4:4": 0, "4:2:0": 2}[subsampling]
    assert "progressive" not in made.info


@pytest.mark.parametrize("output", ["jpeg", "webp", "avif"])
def test_a_higher_quality_takes_more_bytes(output: str, scene: Scene, result: Render) -> None:
    sizes = [
        getattr(result(scene(), width=100, format=output, quality={output: value}), "out_bytes", 0)
        for value in (20, 95)
    ]
    assert 0 < sizes[0] < sizes[1]


def test_noise_overflows_the_optimizer_s_buffer_and_is_written_all_the_same(noise: Scene, make: Make) -> None:
    assert make(noise(size=(900, 900)), width=900, format="jpeg", quality=94).format == "JPEG"


@pytest.mark.parametrize(
    ("output", "size", "told"),
    [
        ("jpeg", (65_501, 1), "jpeg holds sides of 65500 pixels at most, not 65501"),
        ("webp", (1, 16_384), "webp holds sides of 16383 pixels at most, not 16384"),
        ("avif", (1, 32_769), "avif holds sides of 32768 pixels at most, not 32769"),
        ("gif", (65_536, 1), "gif holds sides of 65535 pixels at most, not 65536"),
    ],
)
def test_a_side_too_long_for_the_format_is_refused_with_both_numbers(
    output: str, size: tuple[int, int], told: str, result: Render
) -> None:
    outcome = result(Image.new("L", size), format=output)
    assert isinstance(outcome, Failed)
    assert (outcome.reason, outcome.error) == (Reason.UNSUPPORTED, told)


@pytest.mark.parametrize("output", ["jpeg", "webp", "gif"])
def test_the_longest_side_that_is_said_to_fit_does(output: str, make: Make) -> None:
    longest = WRITERS[output].max_side
    assert make(Image.new("L", (longest, 1)), format=output).size == (longest, 1)


def test_a_gif_keeps_a_hole_and_its_colors(make: Make) -> None:
    image = Image.new("RGBA", (60, 40), (250, 10, 20, 255))
    image.paste((0, 0, 0, 0), (30, 0, 60, 40))
    made = make(image, format="gif").convert("RGBA")
    assert made.getpixel((45, 20))[3] == 0  # type: ignore[index]
    assert made.getpixel((15, 20)) == pytest.approx((250, 10, 20, 255), abs=3)


def test_a_gif_of_many_colors_stays_close(scene: Scene, make: Make) -> None:
    made = make(scene(), format="gif").convert("RGB").resize((12, 8), Image.Resampling.BOX)
    wanted = scene().resize((12, 8), Image.Resampling.BOX)
    assert max(abs(one - other) for one, other in zip(made.tobytes(), wanted.tobytes(), strict=True)) <= 12


@pytest.mark.parametrize("raised", [OSError("encoder error -2"), ValueError("odd")])
def test_an_encoder_that_gives_up_is_told_of(raised: Exception, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise raised

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(PictureError, match=f"can't be encoded as jpeg: {raised}"):
        encode(picture(scene(), "jpeg"), Recipe())


def test_too_little_memory_is_passed_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(MemoryError):
        encode(picture(scene(), "png"), Recipe())

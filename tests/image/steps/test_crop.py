"""Parts of a picture, in the pixels of the upright source."""

from collections.abc import Callable

import pytest
from PIL import Image, ImageChops

from forkresize.outcome import Failed, Outcome, Reason

Scene = Callable[..., Image.Image]
Make = Callable[..., Image.Image]


def test_the_part_is_cut_out_to_the_pixel(noise: Scene, make: Make) -> None:
    assert make(noise(), crop="40x30+11+7").tobytes() == noise().crop((11, 7, 51, 37)).tobytes()


def test_the_part_of_a_crop_outside_of_the_picture_is_ignored(noise: Scene, make: Make) -> None:
    assert make(noise(), crop="999x999+90+50").tobytes() == noise().crop((90, 50, 97, 61)).tobytes()


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_part_is_resized_as_if_it_were_the_picture(suffix: str, scene: Scene, make: Make) -> None:
    drawn = scene(size=(1200, 800))
    made = make(
        drawn, f"a.{suffix}", {"quality": 95} if suffix == "jpg" else {}, crop="800x400+160+240", width=90, format="png"
    )
    expected = make(drawn.crop((160, 240, 960, 640)), "b.png", width=90)
    apart = ImageChops.difference(made, expected).convert("L").tobytes()
    assert made.size == (90, 45)
    assert sum(apart) / len(apart) < 2


def test_a_crop_outside_of_the_picture_fails_with_a_message(scene: Scene, result: Callable[..., Outcome]) -> None:
    outcome = result(scene(), crop="10x10+500+0")
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.NOT_APPLICABLE
    assert outcome.error == "crop 10x10+500+0 is outside of its 120 x 80 pixels"


def test_several_renditions_share_the_failure(scene: Scene, results: Callable[..., list[Outcome]]) -> None:
    (outcome,) = results(scene(), crop="10x10+500+0", width=[20, 30])
    assert isinstance(outcome.detail, Failed)

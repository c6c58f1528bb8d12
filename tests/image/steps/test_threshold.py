from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.image.steps.threshold import threshold
from forkresize.recipe import Threshold


@pytest.mark.parametrize("level", [1, 77, 128, 255])
def test_grays_from_the_level_on_are_white(level: int) -> None:
    ramp = Image.frombytes("L", (256, 1), bytes(range(256)))
    found = threshold(ramp, Threshold(level=level))
    assert found.tobytes() == bytes(255 * (gray >= level) for gray in range(256))
    assert threshold(ramp.convert("RGB"), Threshold(level=level)).tobytes() == found.tobytes()


def test_alpha_is_kept(scene: Callable[..., Image.Image]) -> None:
    image = scene("RGBA")
    found = threshold(image, Threshold(level=100))
    assert found.mode == "LA"
    assert found.getchannel("A").tobytes() == image.getchannel("A").tobytes()
    assert set(found.getchannel("L").tobytes()) == {0, 255}

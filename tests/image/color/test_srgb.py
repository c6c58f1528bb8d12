"""The curve of sRGB, against published values."""

import pytest

from forkresize.image.color import srgb


@pytest.mark.parametrize(
    ("value", "light"), [(0, 0), (1, 1), (0.04045, 0.0031308), (0.5, 0.2140411), (0.02, 0.0015480)]
)
def test_values_and_light_match_the_standard(value: float, light: float) -> None:
    assert srgb.to_light(value) == pytest.approx(light, abs=1e-6)
    assert srgb.to_value(light) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("level", range(0, 256, 5))
def test_every_level_survives_the_way_to_light_and_back(level: int) -> None:
    assert srgb.to_value(srgb.to_light(level / 255)) * 255 == pytest.approx(level, abs=1e-3)

"""Patches of wide color spaces, inks and Lab become the sRGB that littleCMS makes of them, within what the eye sees."""

import io
from itertools import product

import pytest
from PIL import Image, ImageCms

from benchmarks.colors import ADOBE_RGB, DISPLAY_P3, by_littlecms, delta_e_2000, ink_profile, labs
from forkresize.image.color import icc
from forkresize.image.transform import transform
from forkresize.recipe import Recipe

D50 = 0.3457, 0.3585

PROPHOTO = icc.color_profile(((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), D50), icc.power(1.8))
"""ROMM RGB (ISO 22028-2), without its linear part near black."""

LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB", 5000)).tobytes()

RGB = bytes(value for color in product(range(0, 256, 51), repeat=3) for value in color)
INKS = bytes(value for color in product(range(0, 256, 85), repeat=4) for value in color)
LABS = bytes(value for color in product(range(20, 250, 46), range(90, 170, 13), range(90, 170, 13)) for value in color)

SPACES = {
    "Adobe RGB": ("RGB", RGB, ADOBE_RGB),
    "Display P3": ("RGB", RGB, DISPLAY_P3),
    "ProPhoto RGB": ("RGB", RGB, PROPHOTO),
    "CMYK": ("CMYK", INKS, ink_profile()),
    "Lab": ("LAB", LABS, LAB),
}


@pytest.mark.parametrize("space", SPACES)
def test_patches_look_as_littlecms_converts_them(space: str) -> None:
    mode, patches, profile = SPACES[space]
    chart = Image.frombytes(mode, (1, len(patches) // len(mode)), patches)
    chart.save(file := io.BytesIO(), "TIFF", **({"icc_profile": profile} if mode != "LAB" else {}))
    [made] = transform(file.getvalue(), Recipe.of(format="png"))
    with Image.open(io.BytesIO(made.data)) as converted:
        pairs = zip(labs(converted), labs(by_littlecms(chart, profile)), strict=True)
        apart = [delta_e_2000(*pair) for pair in pairs]
    assert len(apart) > 100
    assert max(apart) <= 1

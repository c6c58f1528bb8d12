import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.gateway.imgproxy.arguments import DIRECTIONS, GravityArgument
from forkresize.gateway.imgproxy.geometry import SourceSize, crop_area
from forkresize.gateway.imgproxy.options import CropArguments
from forkresize.recipe import Crop

SOURCE = SourceSize(1000, 800)


@pytest.mark.parametrize(
    ("crop", "gravity", "expected"),
    [
        # By calcPosition and calcCropSize of imgproxy: halves to even, from the size plus one.
        (CropArguments(300, 200), GravityArgument("ce"), Crop(width=300, height=200, left=350, top=300)),
        (CropArguments(301, 201), GravityArgument("ce"), Crop(width=301, height=201, left=350, top=300)),
        (CropArguments(0, 200), GravityArgument("no"), Crop(width=1000, height=200, left=0, top=0)),
        (CropArguments(0.5, 0.25), GravityArgument("soea"), Crop(width=500, height=200, left=500, top=600)),
        (CropArguments(300, 200), GravityArgument("nowe", 30, 0.25), Crop(width=300, height=200, left=30, top=200)),
        (CropArguments(300, 200), GravityArgument("soea", 30, 20), Crop(width=300, height=200, left=670, top=580)),
        (CropArguments(300, 200), GravityArgument("fp", 0.9, 0.5), Crop(width=300, height=200, left=700, top=300)),
        (CropArguments(5000, 200), GravityArgument("we", -50, 0), Crop(width=1000, height=200, left=0, top=300)),
        (CropArguments(0.0001, 1), GravityArgument("ea"), Crop(width=1, height=1, left=999, top=400)),
    ],
)
def test_the_area_is_the_one_of_imgproxy(crop: CropArguments, gravity: GravityArgument, expected: Crop) -> None:
    assert crop_area(crop, gravity, SOURCE) == expected


sides = st.one_of(st.just(0.0), st.floats(0, 1), st.floats(1, 5000))
gravities = st.builds(GravityArgument, st.sampled_from([*DIRECTIONS]), st.floats(-2000, 2000), st.floats(-2000, 2000))


@given(st.builds(CropArguments, sides, sides), gravities, st.integers(1, 3000), st.integers(1, 3000))
def test_the_area_lies_within_the_source(
    crop: CropArguments, gravity: GravityArgument, width: int, height: int
) -> None:
    area = crop_area(crop, gravity, SourceSize(width, height))
    assert area.left >= 0
    assert area.top >= 0
    assert area.left + area.width <= width
    assert area.top + area.height <= height


def test_a_quarter_turn_swaps_the_sides() -> None:
    assert [SOURCE.rotate(degrees) for degrees in (0, 90, 180, 270)] == [SOURCE, (800, 1000), SOURCE, (800, 1000)]

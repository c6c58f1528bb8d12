"""Tone mapping, against a table of BT.2100 and the equations of BT.2390 in another form."""

from itertools import pairwise

import pytest

from forkresize.image.color.tone import REFERENCE_WHITE, decode_pq, encode_pq, roll_off

# SMPTE ST 2084 by luminance, as BT.2408 and BT.2390 print it.
KNOWN = {0.0: 0.0, 100: 0.5081, 203: 0.5807, 1_000: 0.7518, 4_000: 0.9026, 10_000: 1.0}


@pytest.mark.parametrize(("light", "value"), KNOWN.items())
def test_pq_has_the_values_of_the_standard(light: float, value: float) -> None:
    assert encode_pq(light) == pytest.approx(value, abs=1e-4)
    assert decode_pq(encode_pq(light)) == pytest.approx(light, rel=1e-6, abs=1e-6)


def by_bezier(light: float, peak: float) -> float:
    """Return what is shown of a light above the knee: the same cubic as a Bezier curve, by de Casteljau's algorithm."""
    highest = encode_pq(peak)
    top = encode_pq(REFERENCE_WHITE) / highest
    knee = 1.5 * top - 0.5
    at = (encode_pq(light) / highest - knee) / (1 - knee)
    points = [knee, knee + (1 - knee) / 3, top, top]
    while len(points) > 1:
        points = [one + (other - one) * at for one, other in pairwise(points)]
    return decode_pq(points[0] * highest) / REFERENCE_WHITE


@pytest.mark.parametrize("peak", [400, 1_000, 4_000, 10_000])
def test_bright_light_is_compressed_by_the_spline(peak: float) -> None:
    show, knee = roll_off(peak), 1.5 * encode_pq(REFERENCE_WHITE) - 0.5 * encode_pq(peak)
    start = decode_pq(knee)
    lights = [start + (peak - start) * step / 50 for step in range(1, 51)]
    assert [show(light) for light in lights] == pytest.approx([by_bezier(light, peak) for light in lights], abs=1e-6)
    assert all(show(one) < show(other) for one, other in pairwise(lights))
    assert show(peak) == pytest.approx(1)
    assert show(10 * peak) == show(peak)


@pytest.mark.parametrize("peak", [300, 1_000, 4_000])
def test_shadows_and_midtones_stay(peak: float) -> None:
    for light in (0, 0.1, 1, 10, 26):
        assert roll_off(peak)(light) == pytest.approx(light / REFERENCE_WHITE, abs=1e-6)


def test_a_picture_without_brighter_light_is_not_changed() -> None:
    show = roll_off(150)
    assert [show(light) for light in (50, 150, 203, 500)] == pytest.approx([50 / 203, 150 / 203, 1, 1])

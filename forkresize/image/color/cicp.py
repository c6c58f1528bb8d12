"""Color spaces by their code points in ITU-T H.273, which files call CICP or nclx. Reads no file."""

from collections.abc import Mapping
from functools import lru_cache
from math import exp
from typing import NamedTuple

from forkresize.image.color import icc, srgb
from forkresize.image.color.tone import USUAL_PEAK, decode_pq, roll_off

_D65 = (0.3127, 0.3290)

BT709: icc.Primaries = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65)

DISPLAY_P3: icc.Primaries = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65)

_SMPTE_170M: icc.Primaries = ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65)

_PRIMARIES: Mapping[int, icc.Primaries] = {
    1: BT709,
    2: BT709,
    5: ((0.640, 0.330), (0.290, 0.600), (0.150, 0.060), _D65),
    6: _SMPTE_170M,
    7: _SMPTE_170M,
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: DISPLAY_P3,
}
"""ColourPrimaries, table 2; 2 means unspecified."""

_GAMMAS: Mapping[int, float] = {4: 2.2, 5: 2.8, 8: 1}

_LIKE_SRGB = frozenset({1, 2, 6, 13, 14, 15})
"""sRGB, unspecified, and the curves of cameras by BT.709 and the like, which screens invert as if they were sRGB."""

_PQ, _HLG = 16, 18

_SAMPLES = 4096

_CACHED = 16
"""Profiles to keep; hostile pictures may have any peak."""

_HLG_PEAK = 1000
"""The luminance of HLG's highest value on the reference display (ITU-R BT.2100, table 5)."""


class CicpColorSpace(NamedTuple):
    """A color space by the numbers of its ColourPrimaries and its TransferCharacteristics."""

    primaries: int
    transfer: int

    @property
    def is_hdr(self) -> bool:
        """Whether values can be far above white."""
        return self.transfer in {_PQ, _HLG}

    @property
    def is_srgb(self) -> bool:
        """Whether it counts as sRGB."""
        return _PRIMARIES.get(self.primaries) == BT709 and self.transfer in _LIKE_SRGB

    def profile(self, *, is_gray: bool, peak: float | None = None) -> bytes | None:
        """Return its ICC profile; None if the space is unknown.

        That of HDR compresses what is brighter than white; see ``roll_off``.

        Args:
            is_gray: whether the profile is for gray.
            peak: the brightest light of a picture in PQ, in candelas per square meter; None if it is not known.
        """
        return _profile(self, is_gray, peak or USUAL_PEAK)


def srgb_curve() -> bytes:
    """Return sRGB's curve from value to light (IEC 61966-2-1:1999, 5.2) as a tag of a profile."""
    scale = 1 / (1 + srgb.OFFSET)
    return icc.parametric(srgb.GAMMA, scale, srgb.OFFSET * scale, 1 / srgb.SLOPE, srgb.KNEE)


@lru_cache(_CACHED)
def _profile(space: CicpColorSpace, is_gray: bool, peak: float) -> bytes | None:
    curve, primaries = _curve(space.transfer, peak), _PRIMARIES.get(space.primaries)
    if curve is None or primaries is None:
        return None
    return icc.gray_profile(curve) if is_gray else icc.color_profile(primaries, curve)


def _curve(transfer: int, peak: float) -> bytes | None:
    if transfer in _LIKE_SRGB:
        return srgb_curve()
    if transfer in _GAMMAS:
        return icc.power(_GAMMAS[transfer])
    if transfer not in {_PQ, _HLG}:
        return None
    light, show = (decode_pq, roll_off(peak)) if transfer == _PQ else (_hlg, roll_off(_HLG_PEAK))
    return icc.sample_curve([show(light(number / (_SAMPLES - 1))) for number in range(_SAMPLES)])


def _hlg(value: float) -> float:
    """Return candelas per square meter of a gray (ITU-R BT.2100, table 5); colors become slightly more vivid."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = value**2 / 3 if value <= 1 / 2 else (exp((value - c) / a) + b) / 12
    return float(_HLG_PEAK * scene**1.2)

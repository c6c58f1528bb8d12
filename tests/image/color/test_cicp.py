"""Color spaces by their code points in H.273, against values of the standards."""

import io
import struct
from itertools import pairwise

import pytest
from PIL import Image, ImageCms

from forkresize.image.color.cicp import CicpColorSpace
from forkresize.image.color.tone import encode_pq


def srgb_grays(coded: CicpColorSpace, *, is_gray: bool = False) -> list[int]:
    """Return the sRGB values of 256 grays."""
    profile = coded.profile(is_gray=is_gray)
    assert profile is not None
    mode = "L" if is_gray else "RGB"
    converted = ImageCms.profileToProfile(
        Image.frombytes("L", (256, 1), bytes(range(256))).convert(mode),
        ImageCms.ImageCmsProfile(io.BytesIO(profile)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        "RGB",
        flags=ImageCms.Flags.NOOPTIMIZE,
    )
    assert converted is not None
    return list(converted.getchannel("G").tobytes())


@pytest.mark.parametrize("transfer", [16, 18])
def test_hdr_above_paper_white_keeps_its_detail(transfer: int) -> None:
    grays = srgb_grays(CicpColorSpace(9, transfer))
    # BT.2408: paper is at 58 % of PQ and at 75 % of HLG; 1,000 candelas are at 75 % of PQ and at the end of HLG.
    paper, peak = (round(share * 255) for share in {16: (0.58, 0.7518), 18: (0.75, 1.0)}[transfer])
    assert all(one <= other for one, other in pairwise(grays))
    assert 205 <= grays[paper] <= 235
    assert len(set(grays[paper:peak])) > 15
    assert min(grays[peak:]) >= 254


@pytest.mark.parametrize("peak", [400, 1_000, 4_000, 10_000])
def test_the_peak_of_the_picture_becomes_white(peak: int) -> None:
    profile = CicpColorSpace(9, 16).profile(is_gray=True, peak=peak)
    assert profile is not None
    curve = struct.unpack(">4096H", profile[profile.index(b"curv") + 12 :][:8192])
    place = round(encode_pq(peak) * 4095)
    assert curve[place] >= 65_534
    assert curve[place - 1_000] < 64_000


def test_hdr_below_white_keeps_its_luminance() -> None:
    # BT.2408, table 1: an 18 % gray card is at 38 % of PQ, 26 nits of 203.
    light = 26 / 203
    assert srgb_grays(CicpColorSpace(1, 16))[round(0.38 * 255)] == pytest.approx(
        255 * (1.055 * light ** (1 / 2.4) - 0.055), abs=3
    )
    # At 38 % of HLG the same.
    assert srgb_grays(CicpColorSpace(1, 18))[round(0.38 * 255)] == pytest.approx(
        255 * (1.055 * light ** (1 / 2.4) - 0.055), abs=3
    )


@pytest.mark.parametrize(("transfer", "gamma"), [(4, 2.2), (5, 2.8), (8, 1)])
@pytest.mark.parametrize("is_gray", [True, False])
def test_powers_are_powers(transfer: int, gamma: float, is_gray: bool) -> None:
    light = (100 / 255) ** gamma
    gray = srgb_grays(CicpColorSpace(1, transfer), is_gray=is_gray)[100]
    assert gray == pytest.approx(255 * (1.055 * light ** (1 / 2.4) - 0.055), abs=1)


@pytest.mark.parametrize("primaries", [1, 2, 5, 6, 7, 9, 11, 12])
def test_white_is_white_by_all_primaries(primaries: int) -> None:
    assert srgb_grays(CicpColorSpace(primaries, 13))[255] == 255


@pytest.mark.parametrize(
    ("primaries", "transfer", "known"), [(1, 13, True), (12, 13, False), (1, 16, False), (2, 2, True)]
)
def test_srgb_codes_are_recognized(primaries: int, transfer: int, known: bool) -> None:
    assert CicpColorSpace(primaries, transfer).is_srgb == known
    assert CicpColorSpace(primaries, transfer).is_hdr == (transfer == 16)


@pytest.mark.parametrize("code", [(3, 13), (1, 0), (255, 255)])
def test_reserved_codes_have_no_profile(code: tuple[int, int]) -> None:
    assert CicpColorSpace(*code).profile(is_gray=False) is None

"""Color spaces by the numbers of H.273, against points that the standards give."""

import io
from itertools import pairwise

import pytest
from PIL import Image, ImageCms

from forkresize.image.color.cicp import CicpColorSpace


def srgb_grays(coded: CicpColorSpace, *, is_gray: bool = False) -> list[int]:
    """Return what 256 grays come to in sRGB."""
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
def test_hdr_rises_to_the_white_of_paper_and_stays_there(transfer: int) -> None:
    grays = srgb_grays(CicpColorSpace(9, transfer))
    # BT.2408: paper is at 58 % of PQ and at 75 % of HLG.
    paper = {16: 0.58, 18: 0.75}[transfer] * 255
    assert all(one <= other for one, other in pairwise(grays))
    assert set(grays[round(paper) + 2 :]) == {255}
    assert 230 <= grays[round(paper) - 4] <= 254


def test_hdr_below_paper_is_as_bright_as_it_says() -> None:
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
def test_what_is_srgb_is_told(primaries: int, transfer: int, known: bool) -> None:
    assert CicpColorSpace(primaries, transfer).is_srgb == known
    assert CicpColorSpace(primaries, transfer).is_hdr == (transfer == 16)


@pytest.mark.parametrize("code", [(3, 13), (1, 0), (255, 255)])
def test_what_is_reserved_has_no_profile(code: tuple[int, int]) -> None:
    assert CicpColorSpace(*code).profile(is_gray=False) is None

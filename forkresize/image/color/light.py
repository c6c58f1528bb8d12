"""Whole images of 16 bits per channel to linear light and back. Knows no profile."""

from PIL import Image

from forkresize.image.arithmetic import evaluate
from forkresize.image.color import srgb

_WHITE = 65_535


def decode_srgb(plane: Image.Image) -> Image.Image:
    """Return the linear light, 0 to 1, of an image of mode I;16 in sRGB, as mode F."""
    return evaluate(
        lambda of: (
            of["code"] / srgb.SLOPE * (of["code"] <= srgb.KNEE)
            + ((of["code"] + srgb.OFFSET) / (1 + srgb.OFFSET)) ** srgb.GAMMA * (of["code"] > srgb.KNEE)
        ),
        code=to_share(plane),
    )


def encode_srgb(light: Image.Image) -> Image.Image:
    """Encode light as sRGB with 16 bits; values outside of 0 to 1, from overshooting, are clipped."""
    code = evaluate(
        lambda of: (
            of["light"] * srgb.SLOPE * (of["light"] <= srgb.DARK)
            + (of["max"](of["light"], srgb.DARK) ** (1 / srgb.GAMMA) * (1 + srgb.OFFSET) - srgb.OFFSET)
            * (of["light"] > srgb.DARK)
        ),
        light=light,
    )
    return from_share(code)


def to_share(plane: Image.Image) -> Image.Image:
    """Return an image of mode I;16 as mode F, from 0 to 1."""
    return evaluate(lambda of: of["deep"] / _WHITE, deep=plane.convert("F"))


def from_share(share: Image.Image) -> Image.Image:
    """Return an image of mode F as mode I;16; values outside of 0 to 1 are clipped."""
    whole = evaluate(lambda of: of["min"](of["max"](of["share"], 0), 1) * _WHITE + 0.5, share=share)
    return whole.convert("I").convert("I;16")

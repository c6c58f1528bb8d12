"""Warnings that matter: an output is valid, but lost a part of its source."""

from collections.abc import Mapping
from enum import StrEnum


class Loss(StrEnum):
    """What an output lost. Summaries and metrics count by it; all other warnings are only in records."""

    DEPTH = "depth"
    COLOR = "color"
    TRANSPARENCY = "transparency"
    HDR = "hdr"
    FRAMES = "frames"
    CREDENTIALS = "credentials"
    RIGHTS = "rights"
    CONTENT = "content"
    FORMAT = "format"
    PREVIEW = "preview"
    QUALITY = "quality"

    @property
    def label(self) -> str:
        """What happened to the output, for people."""
        return _LABELS[self]


_LABELS: Mapping[Loss, str] = {
    Loss.DEPTH: "reduced to 8 bits per channel",
    Loss.COLOR: "color changed or assumed",
    Loss.TRANSPARENCY: "transparency replaced or reduced",
    Loss.HDR: "HDR reduced to standard range",
    Loss.FRAMES: "frames or pages dropped",
    Loss.CREDENTIALS: "content credentials removed",
    Loss.RIGHTS: "creator and copyright dropped",
    Loss.CONTENT: "damaged source salvaged",
    Loss.FORMAT: "written in another format",
    Loss.PREVIEW: "small preview of a raw file",
    Loss.QUALITY: "not lossless as requested",
}

_BEGINNINGS: Mapping[str, Loss] = {
    "reduced from": Loss.DEPTH,
    "reduced to 256 colors": Loss.COLOR,
    "transparency was re": Loss.TRANSPARENCY,
    "assuming sRGB": Loss.COLOR,
    "channels beside the colors were dropped": Loss.TRANSPARENCY,
    "content credentials removed": Loss.CREDENTIALS,
    "converted from CMYK to sRGB": Loss.COLOR,
    "converted to sRGB": Loss.COLOR,
    "dropped the color profile": Loss.COLOR,
    "encoded with loss": Loss.QUALITY,
    "invalid color information": Loss.COLOR,
    "its pages have several color profiles": Loss.COLOR,
    "unknown color space": Loss.COLOR,
    "its HDR part was dropped": Loss.HDR,
    "only a preview of the raw file": Loss.PREVIEW,
    "only the first of": Loss.FRAMES,
    "salvaged, a part is missing": Loss.CONTENT,
    "tone-mapped from HDR": Loss.HDR,
    "written as": Loss.FORMAT,
}
"""How warnings that matter begin. Their texts alone cross processes, machines and ledgers."""

_PARTS: Mapping[str, Loss] = {"cannot store the creator and the copyright notice": Loss.RIGHTS}
"""The same for those that begin with something variable."""


def loss_of(warning: str) -> Loss | None:
    """Return what an output with this warning lost; None if the warning does not matter."""
    for beginning, loss in _BEGINNINGS.items():
        if warning.startswith(beginning):
            return loss
    return next((loss for part, loss in _PARTS.items() if part in warning), None)


def format_losses(counts: Mapping[Loss, int]) -> str:
    """Return the number of outputs for each loss, the most frequent first."""
    falling = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{count:,} {loss.label}" for loss, count in falling)

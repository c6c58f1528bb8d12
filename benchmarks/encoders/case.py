"""One command that writes a picture."""

import itertools
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

FAMILIES: Mapping[str, str] = {
    "convert": "magick",
    "gm": "gm",
    "vips": "vips",
    "ffmpeg": "ffmpeg",
    "cjxl": "djxl",
    "avifenc": "libavif",
    "heif-enc": "libheif",
    "opj_compress": "openjpeg",
}
"""The decoder, as in ``compare.DECODERS``, that is not independent of an encoder."""


class Case(Struct, frozen=True):
    """A command that writes a file.

    Attributes:
        program: the encoder.
        command: its words, with the names of pictures in braces; ``> {out}`` redirects.
        suffix: of the file.
    """

    program: str
    command: str
    suffix: str

    @property
    def name(self) -> str:
        """The command in short."""
        short = re.sub(r"[ >=]*\{out\}|(?<= )/\S*/", "", self.command)
        return short.strip() + f" ({self.suffix[1:]})"

    @property
    def file(self) -> str:
        """The name of the file."""
        return re.sub(r"\W+", "-", self.name.rpartition(" ")[0]).strip("-") + self.suffix

    @property
    def family(self) -> str:
        """The decoder that is not independent of the encoder; empty for none."""
        return FAMILIES.get(self.program, "")


def every(suffix: str, template: str, *choices: str) -> Iterator[Case]:
    """Yield a case for each combination of choices.

    Args:
        suffix: of the files.
        template: the command, with ``@`` in the place of each choice.
        choices: for each place, words or groups of words that are separated by a bar.
    """
    for combination in itertools.product(*(choice.split("|") for choice in choices)):
        command = template
        for word in combination:
            command = command.replace("@", word.strip(), 1)
        command = " ".join(command.split())
        yield Case(command.split()[0], command, suffix)


COLORS = "{rgb}|{rgba}|{gray}|{ga}|{bw}|{pal}"
DEEP = "{rgb16}|{rgba16}|{gray16}|{ga16}"
"""The pictures of 8 and of 16 bits per channel."""

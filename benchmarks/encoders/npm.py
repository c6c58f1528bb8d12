"""The commands that write pictures by encoders from npm: JavaScript, with no code of the others.

    npm install pngjs upng-js jpeg-js bmp-js omggif utif2

Node finds them by the environment variable NODE_PATH.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.encoders.case import Case, every

_SCRIPT = Path(__file__).with_name("encode.cjs")

_PIXELS = "{rgb_bytes}|{rgba_bytes}|{gray_bytes}"


def _encode(package: str, suffix: str, modes: str = "-") -> Iterator[Case]:
    """Yield a case for each mode of a package and each picture; the package counts as the program."""
    command = f"node {_SCRIPT} {package} @ @ {{w}} {{h}} {{out}}"
    return (Case(package, each.command, suffix) for each in every(suffix, command, modes, _PIXELS))


NPM = (
    *_encode("pngjs", ".png", "6,8,-1|2,8,0|2,8,1|2,8,2|2,8,3|2,8,4|0,8,-1|4,8,-1|6,16,-1|2,16,-1|0,16,-1|4,16,-1"),
    *_encode("upng-js", ".png", "0,1|256,1|16,1|2,1|0,2|64,2"),
    *_encode("jpeg-js", ".jpg", "100|85|50|5"),
    *_encode("bmp-js", ".bmp"),
    *_encode("omggif", ".gif", "1,0,0|1,1,0|2,0,1|2,1,2"),
    *_encode("utif2", ".tiff"),
)

"""The commands that write pictures: one for each mode of each encoder."""

from benchmarks.encoders.case import Case
from benchmarks.encoders.jpeg_png import JPEG, PNG
from benchmarks.encoders.modern import MODERN
from benchmarks.encoders.npm import NPM
from benchmarks.encoders.others import OTHERS
from benchmarks.encoders.tiff import TIFF

CASES: tuple[Case, ...] = (*JPEG, *PNG, *TIFF, *MODERN, *OTHERS, *NPM)

"""Pictures by independent encoders look as GraphicsMagick, which shares no code with us, sees them.

``python -m benchmarks.encoders`` does the same with all encoders and decoders that are installed.
"""

import shutil
from pathlib import Path

import pytest

from benchmarks.encoders.__main__ import make
from benchmarks.encoders.cases import CASES
from benchmarks.encoders.compare import judge
from benchmarks.encoders.known import reason_for
from benchmarks.encoders.pictures import draw

PROGRAMS = {
    "cjpeg": 20,
    "jpegtran": 5,
    "pnmtojpeg": 5,
    "pnmtopng": 10,
    "tiffcp": 30,
    "tiff2bw": 2,
    "tiffmedian": 2,
    "pamtotiff": 10,
    "cwebp": 12,
    "pamtogif": 3,
    "ppmtobmp": 3,
    "pamtotga": 3,
    "ppmtopcx": 2,
}
"""The encoders that continuous integration installs, with the least number of files that have to be equal."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Draw what the encoders are given."""
    return draw(tmp_path_factory.mktemp("inputs"))


@pytest.mark.parametrize("program", PROGRAMS)
def test_all_modes_of_an_encoder_are_read_as_others_read_them(
    program: str, inputs: dict[str, str], tmp_path: Path
) -> None:
    if shutil.which(program) is None or shutil.which("gm") is None:
        pytest.skip(f"{program} or gm is not installed")
    words, wrong = list[str](), list[str]()
    for case in (each for each in CASES if each.program == program):
        path = make(case, inputs, tmp_path)
        if path is None:
            continue
        verdict = judge(path, case.family, ["gm"])
        words.append(verdict.word)
        if verdict.word in {"refused", "differs"} and not reason_for(case, verdict):
            wrong.append(f"{case.name}: {verdict}")
    assert not wrong
    assert words.count("equal") >= PROGRAMS[program]

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

PROGRAMS = (
    *"cjpeg jpegtran pnmtojpeg pnmtopng tiffcp tiff2bw tiffmedian pamtotiff cwebp".split(),
    *"pamtogif ppmtobmp pamtotga ppmtopcx".split(),
)
"""The encoders that continuous integration installs."""

AT_ONCE = 8
"""Files in one test, so that it takes seconds on a busy machine, too."""

PARTS = [
    (program, start)
    for program in PROGRAMS
    for start in range(0, sum(case.program == program for case in CASES), AT_ONCE)
]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Draw what the encoders are given."""
    return draw(tmp_path_factory.mktemp("inputs"))


@pytest.mark.parametrize(("program", "start"), PARTS)
def test_all_modes_of_an_encoder_are_read_as_others_read_them(
    program: str, start: int, inputs: dict[str, str], tmp_path: Path
) -> None:
    if shutil.which(program) is None or shutil.which("gm") is None:
        pytest.skip(f"{program} or gm is not installed")
    words, wrong = list[str](), list[str]()
    cases = [case for case in CASES if case.program == program]
    for case in cases[start : start + AT_ONCE]:
        path = make(case, inputs, tmp_path)
        if path is None:
            continue
        verdict = judge(path, case.family, ["gm"])
        words.append(verdict.word)
        if verdict.word in {"refused", "differs"} and not reason_for(case, verdict):
            wrong.append(f"{case.name}: {verdict}")
    assert not wrong
    # Of the last ones, some need parts of libtiff that it may have been built without.
    assert "equal" in words or start

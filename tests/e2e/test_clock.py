"""Outputs do not depend on when they are made."""

import time
from pathlib import Path

import pytest
from PIL import Image

from forkresize.formats import OUTPUT_FORMATS, SPECS, Format
from forkresize.image.transform import transform
from forkresize.recipe import Recipe
from tests.protocols import Draw

POLICIES = ["all", "safe", "copyright", "none"]
ANIMATED = [name for name in Format if OUTPUT_FORMATS[name].animated]
KEPT = sorted(name for name, spec in OUTPUT_FORMATS.items() if name not in set(Format))
"""Formats that are written for sources of the same format only."""


def outputs(source: Path) -> dict[str, bytes]:
    """Render a picture and an animation in every format, under every policy."""
    still, film = source / "still.jpg", source / "film.gif"
    tasks = [(still, {"format": output}) for output in Format] + [(film, {"format": output}) for output in ANIMATED]
    tasks += [(source / f"kept{SPECS[each].suffixes[0]}", {}) for each in KEPT]
    made = {}
    for path, options in tasks:
        for policy in POLICIES:
            recipe = Recipe.of(width=24, metadata=policy, color="keep", **options)
            (rendered,) = transform(path.read_bytes(), recipe, name=path.name)
            made[f"{path.name}-{rendered.format}-{policy}"] = rendered.data
    return made


def wait_for_the_next_second() -> None:
    begun = int(time.time())
    while int(time.time()) == begun:
        time.sleep(0.01)


@pytest.fixture
def source(tmp_path: Path, draw: Draw) -> Path:
    folder = tmp_path / "in"
    draw(folder / "still.jpg", comment=b"a comment")
    frames = [Image.new("RGB", (48, 32), color) for color in ("red", "green", "blue")]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:], duration=100, comment=b"a comment")
    for name in KEPT:
        draw(folder / f"kept{SPECS[name].suffixes[0]}", format=name.upper())
    return folder


@pytest.mark.slow
def test_outputs_of_different_seconds_are_equal(source: Path) -> None:
    # The clock is real: encoders written in C read it as well.
    first = outputs(source)
    wait_for_the_next_second()
    second = outputs(source)
    assert [key for key in first if first[key] != second[key]] == []
    assert len(first) == len(POLICIES) * (len(Format) + len(ANIMATED) + len(KEPT))

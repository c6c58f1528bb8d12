"""Warnings that matter."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import forkresize
from forkresize.image.metadata import credentials
from forkresize.loss import Loss, format_losses, loss_of

MINOR = (
    "dropped the part of XMP that is in further segments",
    "damaged {} was dropped: {}",
    "compressed {} was dropped: {} adds its reader",
    "compressed {} was dropped: it is damaged or too large",
    "dropped {} bytes of {}: too large for a JPEG",
    "dropped {}: {} has no place for this",
    "{} is damaged: {}",
    "{} was dropped: more than {} characters of text",
    "damaged XMP was dropped: it is of type {}",
    "the similarity is only {} at quality {}, not {}",
    "image too noisy for progressive encoding; wrote a baseline JPEG",
    "the source is smaller, but its metadata cannot be removed, so it was encoded again",
    "AVIF converts colors to another color model, so that levels may be off by up to 3",
    "AVIF cannot store a loop count; the animation will loop forever",
    "WebP stores colors at a quarter of the resolution, not {}",
    "made from the preview in the raw file",
    "encoded again without loss: its own coded pixels cannot be kept",
    "kept in its color space: converting the pixels would lose some of their quality",
    "kept the source's own pixels, which take fewer bytes than encoding them again",
)
"""The warnings that are only in records."""


def _warnings() -> Iterator[str]:
    """Yield the text of every warning about a picture in the code; values in it as braces."""
    root = Path(forkresize.__file__).parent
    for path in [*(root / "image").rglob("*.py"), *(root / "formats").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "warn":
                yield from _texts(node.args[0])
            if isinstance(node, ast.FunctionDef) and node.name == "_losses":
                yields = [each.value for each in ast.walk(node) if isinstance(each, ast.Yield) and each.value]
                yield from (text for value in yields for text in _texts(value))


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant):
        yield str(node.value)
    if isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)


def test_every_warning_matters_or_is_known_not_to() -> None:
    found = set(_warnings())
    assert len(found) > 20
    assert {text for text in found if loss_of(text) is None} == set(MINOR)


def test_removed_credentials_matter() -> None:
    assert loss_of(credentials.REMOVED) is Loss.CREDENTIALS


@pytest.mark.parametrize("loss", Loss)
def test_every_loss_has_a_label(loss: Loss) -> None:
    assert loss.label


def test_losses_are_listed_by_frequency() -> None:
    counts = {Loss.HDR: 1_200, Loss.COLOR: 3, Loss.FRAMES: 3}
    shown = "1,200 HDR reduced to standard range, 3 color changed or assumed, 3 frames or pages dropped"
    assert format_losses(counts) == shown

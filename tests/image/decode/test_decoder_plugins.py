"""Formats that need an optional decoder."""

import io
import sys
from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.extras import install_command
from forkresize.formats import SPECS, FormatSpec
from forkresize.image.decode import identify
from forkresize.outcome import Failed, Outcome, Reason, Written

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]

# Raw files are read by the JPEG in them: see test_raw.py.
with_decoder = pytest.mark.parametrize(
    "spec", [spec for spec in SPECS.values() if spec.decoder and spec.name != "raw"], ids=lambda spec: spec.name
)

BEGINNINGS = {
    "heif": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500),
    "jxl": b"\xff\x0a" + bytes(500),
}


@pytest.mark.slow
@with_decoder
def test_a_picture_is_made_with_the_decoder(spec: FormatSpec, scene: Scene, result: Render) -> None:
    assert spec.decoder
    assert identify.load_decoder(spec.decoder)
    file = io.BytesIO()
    scene(size=(640, 400)).save(file, spec.name.upper())
    outcome = result(file.getvalue(), "a.jpg", width=80, format="jpeg")
    assert isinstance(outcome.detail, Written), outcome
    detail = outcome.detail
    assert (detail.in_format, detail.in_size, detail.out_size) == (spec.name, (640, 400), (80, 50))


@with_decoder
def test_a_damaged_file_fails_as_damaged(spec: FormatSpec, result: Render) -> None:
    outcome = result(BEGINNINGS[spec.name], "a.jpg", width=80)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.DAMAGED


@with_decoder
def test_without_the_decoder_the_error_names_the_extra_to_install(
    spec: FormatSpec, result: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert spec.decoder
    monkeypatch.setitem(sys.modules, spec.decoder.module, None)
    outcome = result(BEGINNINGS[spec.name], "a.jpg", width=80)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.UNSUPPORTED
    assert outcome.error == f"{spec.label} is not supported; {install_command(spec.decoder.extra)} adds it"

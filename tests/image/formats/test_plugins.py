"""Formats that take a plug-in."""

import io
from collections.abc import Callable

import pytest
from PIL import Image

from forkresize.image.formats import plugins
from forkresize.image.formats.plugins import DECODER_PLUGINS
from forkresize.outcome import Failed, Outcome, Reason, Written

Scene = Callable[..., Image.Image]
Render = Callable[..., Outcome]

BEGINNINGS = {
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500),
    "JPEG XL": b"\xff\x0a" + bytes(500),
}


@pytest.mark.parametrize("name", DECODER_PLUGINS)
def test_a_picture_of_such_a_format_is_made(name: str, scene: Scene, result: Render) -> None:
    extra = DECODER_PLUGINS[name]
    assert extra.load()
    file = io.BytesIO()
    scene(size=(640, 400)).save(file, extra.format)
    outcome = result(file.getvalue(), "a.jpg", width=80, format="jpeg")
    assert isinstance(outcome.detail, Written), outcome
    assert (outcome.detail.in_format, outcome.detail.in_size, outcome.detail.out_size) == (
        extra.format.lower(),
        (640, 400),
        (80, 50),
    )


@pytest.mark.parametrize("name", DECODER_PLUGINS)
def test_a_damaged_one_is_told_as_such(name: str, result: Render) -> None:
    outcome = result(BEGINNINGS[name], "a.jpg", width=80)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.DAMAGED


@pytest.mark.parametrize("name", DECODER_PLUGINS)
def test_without_its_plug_in_the_extra_to_install_is_named(
    name: str, result: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugins, "find_spec", lambda _module: None)
    outcome = result(BEGINNINGS[name], "a.jpg", width=80)
    assert isinstance(outcome.detail, Failed)
    assert outcome.reason is Reason.UNSUPPORTED
    assert outcome.error == f"{name} is not read; pip install 'forkresize[{DECODER_PLUGINS[name].name}]' adds it"

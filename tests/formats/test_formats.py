"""Every format declares all that the rest of the package looks up."""

import subprocess
import sys
from importlib import import_module
from importlib.metadata import version

import pytest
from PIL import Image

from forkresize.formats import (
    APPLIES_TO,
    DEFAULT_QUALITY,
    EXTRAS,
    OUTPUT_FORMATS,
    SPECS,
    Format,
    FormatSpec,
    OutputSpec,
    media_type,
    registry,
    source_name,
    source_spec,
    tiff,
    writable_formats,
)
from forkresize.formats.package import OptionalPackage
from forkresize.formats.spec import EncodeRequest
from forkresize.image.decode.identify import load_decoder
from forkresize.image.decode.plugins import load_plugins
from forkresize.image.metadata.exif_tags import DESCRIPTIVE
from forkresize.recipe import Rendition

PLAIN = OutputSpec(modes=frozenset({"L"}))
"""A format that declares nothing but its modes."""

each_format = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
each_output = pytest.mark.parametrize(("name", "spec"), OUTPUT_FORMATS.items(), ids=OUTPUT_FORMATS)


@each_format
def test_a_format_that_is_read_names_an_existing_reader(spec: FormatSpec) -> None:
    load_plugins()
    assert not spec.plugin or spec.name.upper() in Image.OPEN
    assert not (spec.plugin and spec.decoder)
    assert spec.plugin or spec.signature, "a format that is not read is recognized by its signature alone"


@each_format
def test_a_format_can_be_recognized(spec: FormatSpec) -> None:
    late_signature = {"pcd"}
    assert spec.signature or spec.weak_signature or spec.by_suffix or spec.name in late_signature
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in spec.suffixes)
    assert not spec.by_suffix or spec.suffixes


def test_no_two_formats_share_a_suffix() -> None:
    suffixes = [suffix for spec in SPECS.values() for suffix in spec.suffixes]
    assert sorted(suffixes) == sorted(set(suffixes))
    assert registry.SUFFIXES.keys() == {suffix for spec in SPECS.values() if spec.plugin for suffix in spec.suffixes}


@each_output
def test_a_format_that_is_written_is_complete(name: str, spec: OutputSpec) -> None:
    load_plugins()
    decoder = SPECS[name].decoder
    if decoder and not load_decoder(decoder):
        pytest.skip(f"{decoder.distribution} is not installed")
    assert name.upper() in Image.SAVE
    assert SPECS[name].plugin or decoder, "what is written can be read, to measure and to compare it"
    assert SPECS[name].suffixes
    assert spec.modes & {"L", "RGB", "RGBA"}
    assert spec.max_side > 0
    assert spec.applies <= APPLIES_TO.keys()
    assert (name.upper() in Image.SAVE_ALL) or not (spec.animated or spec.paged)
    assert not (spec.animated and spec.paged)
    assert spec.animated <= SPECS[name].animated
    assert spec.paged <= SPECS[name].paged
    if spec.animated:
        assert spec.sequence_options is not PLAIN.sequence_options
        assert spec.memory.frame, "the memory of further frames was not measured"
    if spec.stores or spec.applies & {"ssim"}:
        assert spec.metadata is not PLAIN.metadata
    assert (spec.quality is not None) == ("ssim" in spec.applies)
    assert spec.quality is None or spec.options is not PLAIN.options


@pytest.mark.parametrize("name", Format)
def test_a_format_that_can_be_asked_for_declares_its_memory(name: Format) -> None:
    spec = OUTPUT_FORMATS[name]
    assert spec.memory != PLAIN.memory, "the memory of encoding was not measured"
    assert name.suffix == SPECS[name].suffixes[0]


@each_output
def test_hooks_of_a_format_accept_every_request(name: str, spec: OutputSpec) -> None:
    for mode in spec.modes:
        for fields_ in ({}, {"effort": 1}, {"effort": 10}, {"lossless": True}, {"quality": 50}, {"palette": 8}):
            request = EncodeRequest(mode=mode, size=(4, 3), **fields_)
            assert isinstance(spec.options(request), dict)
            assert spec.variants(request)
            assert all(isinstance(loss, str) for loss in spec.losses(request))
            assert spec.memory.per_pixel(request) > 0


@each_output
def test_a_rewriter_can_be_loaded(name: str, spec: OutputSpec) -> None:
    module, _colon, function = spec.rewriter.partition(":")
    assert not module or callable(getattr(import_module(module), function))


def test_ranks_among_browsers_are_unique() -> None:
    ranks = [(spec.browsers.all, spec.browsers.rank) for spec in OUTPUT_FORMATS.values() if spec.browsers]
    assert sorted(ranks) == sorted(set(ranks))


def test_every_field_for_some_formats_is_a_field_of_a_rendition() -> None:
    assert APPLIES_TO.keys() <= set(Rendition.__struct_fields__)
    assert all(APPLIES_TO.values())


def test_a_request_has_the_fields_of_a_rendition_with_their_defaults() -> None:
    request, rendition = EncodeRequest(mode="L"), Rendition()
    shared = set(Rendition.__struct_fields__) - {"size", "format", "quality"}
    assert shared <= set(EncodeRequest.__struct_fields__)
    assert all(getattr(request, name) == getattr(rendition, name) for name in shared)


def test_descriptive_exif_tags_can_be_written_compressed() -> None:
    assert frozenset(DESCRIPTIVE) <= tiff.LIBTIFF_TAGS


def test_an_mpo_counts_as_a_jpeg() -> None:
    assert source_name("MPO") == "jpeg"
    assert source_spec("MPO") is SPECS["jpeg"]
    assert source_name("XVThumb") == "xvthumb"


def test_a_format_that_is_unknown_has_a_media_type() -> None:
    assert media_type("dib") == "image/bmp"
    assert media_type("odd") == "image/odd"


def test_default_qualities() -> None:
    assert DEFAULT_QUALITY == {"jpeg": 80, "webp": 85, "avif": 65, "jxl": 77}


def test_formats_are_known_without_loading_pillow() -> None:
    code = "import sys, forkresize.recipe, forkresize.formats.registry; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("package", EXTRAS.values(), ids=EXTRAS)
def test_the_version_of_a_package_is_that_of_its_metadata(
    package: OptionalPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = version(package.distribution)
    assert package.version == expected
    # Some installers write no directory of this name.
    monkeypatch.setattr("forkresize.formats.package.os.listdir", lambda _folder: [])
    assert package.version == expected


def test_formats_that_need_a_package_are_written_only_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert writable_formats() == list(Format)
    monkeypatch.setattr("forkresize.formats.package.find_spec", lambda _name: None)
    assert {*Format} - {*writable_formats()} == {Format.JXL}

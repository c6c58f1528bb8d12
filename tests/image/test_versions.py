"""Versions of codecs, which are those that Pillow names."""

import subprocess
import sys

import pytest
from PIL import _imaging, features

from forkresize.image.versions import codecs, libraries, resampler


def test_they_are_known_without_loading_a_codec_or_the_imaging_library() -> None:
    script = (
        "import sys; from forkresize.image.versions import libraries, resampler; libraries(), resampler();"
        "print(*{'PIL.Image', 'cykooz_resizer'}.intersection(sys.modules),"
        "*(name for name in sys.modules if name.startswith('PIL.') and name.endswith('ImagePlugin')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "\n"
    assert all(codecs().values())
    assert codecs().keys() - libraries().keys() == {"resampling"}
    assert codecs()["resampling"].startswith(resampler())


def test_they_are_those_that_pillow_names() -> None:
    turbo, ng = features.check("libjpeg_turbo"), features.check("zlib_ng")
    names = {
        "Pillow": "pil",
        "libjpeg-turbo" if turbo else "libjpeg": "libjpeg_turbo" if turbo else "jpg",
        "zlib-ng" if ng else "zlib": "zlib_ng" if ng else "zlib",
        "libwebp": "webp",
        "libavif": "avif",
        "libtiff": "libtiff",
        "openjpeg": "jpg_2000",
        "littlecms2": "littlecms2",
    }
    versions = {name: features.version(feature) for name, feature in names.items()}
    assert libraries() == {name: version for name, version in versions.items() if version}


def test_libjpeg_is_named_where_there_is_no_libjpeg_turbo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(_imaging, "libjpeg_turbo_version")
    assert "libjpeg" in libraries()
    assert "libjpeg-turbo" not in libraries()

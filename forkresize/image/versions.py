"""The installed codecs and their versions. Imports quickly, and loads no codec."""

from importlib import import_module
from importlib.util import find_spec

_VERSIONS = {
    "Pillow": ("_imaging", "PILLOW_VERSION"),
    "libjpeg-turbo": ("_imaging", "libjpeg_turbo_version"),
    "libjpeg": ("_imaging", "jpeglib_version"),
    "zlib-ng": ("_imaging", "zlib_ng_version"),
    "zlib": ("_imaging", "zlib_version"),
    "libwebp": ("_webp", "webpdecoder_version"),
    "libavif": ("_avif", "libavif_version"),
    "libtiff": ("_imaging", "libtiff_version"),
    "openjpeg": ("_imaging", "jp2klib_version"),
    "littlecms2": ("_imagingcms", "littlecms_version"),
}
"""Names of libraries, and where Pillow has their versions. ``PIL.features`` reads these, and loads all of PIL.Image."""

_REPLACED_BY = {"libjpeg": "libjpeg-turbo", "zlib": "zlib-ng"}
"""Libraries that are there under both names, if at all."""

_RESAMPLER = "cykooz_resizer"


def codecs() -> dict[str, str]:
    """Return the versions of the installed libraries that read, write or resample pictures, for a person."""
    return libraries() | {"resampling": _describe_resampler()}


def libraries() -> dict[str, str]:
    """Return the versions of the installed libraries that read and write pictures."""
    found = {name: version for name, place in _VERSIONS.items() if (version := _version(*place))}
    return {name: version for name, version in found.items() if _REPLACED_BY.get(name) not in found}


def resampler() -> str:
    """Return the name of what resamples pictures, without loading it."""
    return "Pillow" if find_spec(_RESAMPLER) is None else "cykooz-resizer"


def _version(module: str, attribute: str) -> str | None:
    try:
        version = getattr(import_module(f"PIL.{module}"), attribute, None)
    except ImportError:
        return None
    # libtiff's is a sentence and a copyright notice.
    return version and str(version).partition("\n")[0].rpartition("Version ")[2]


def _describe_resampler() -> str:
    try:
        from cykooz_resizer import Resizer
    except ImportError:
        return "Pillow"
    return f"{resampler()} ({Resizer().cpu_extensions.name})"

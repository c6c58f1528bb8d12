"""The installed codecs and their versions. Imports quickly, and loads no codec."""

from PIL import features

_FEATURES = {
    "libwebp": "webp",
    "libavif": "avif",
    "libtiff": "libtiff",
    "openjpeg": "jpg_2000",
    "littlecms2": "littlecms2",
}
"""Names of libraries, and Pillow's names for them."""


def codecs() -> dict[str, str]:
    """Return the versions of the installed libraries that read, write or resample pictures."""
    jpeg = ("libjpeg-turbo", "libjpeg_turbo") if features.check("libjpeg_turbo") else ("libjpeg", "jpg")
    zlib = ("zlib-ng", "zlib_ng") if features.check("zlib_ng") else ("zlib", "zlib")
    names = {"Pillow": "pil", **dict((jpeg, zlib)), **_FEATURES}
    found = {name: features.version(feature) for name, feature in names.items()}
    return {name: version for name, version in found.items() if version} | {"resampling": _kernel()}


def _kernel() -> str:
    try:
        from cykooz_resizer import Resizer
    except ImportError:
        return "Pillow"
    return f"cykooz-resizer ({Resizer().cpu_extensions.name})"

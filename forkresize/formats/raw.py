"""Cameras' raw files: only the preview in them is read, a JPEG that the camera made."""

from forkresize.formats import spec
from forkresize.formats.package import OptionalPackage

DNG_VERSION = 50706
"""The tag of TIFF that every DNG has."""

SPEC = spec.FormatSpec(
    name="raw",
    label="a camera's raw file",
    suffixes=(
        *(".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".srf", ".sr2", ".orf", ".rw2", ".raf"),
        *(".pef", ".srw", ".3fr", ".fff", ".iiq", ".mrw", ".x3f", ".erf", ".mos", ".rwl", ".kdc", ".dcr"),
    ),
    media_type="image/x-dcraw",
    # Those that differ from a plain TIFF: Canon, Fujifilm, Olympus, Panasonic, Minolta, Sigma.
    signature=rb"II\x2a\0....CR\x02|....ftypcrx |FUJIFILMCCD-RAW|IIR[OS]\x08\0|MMOR\0|IIU\0|\0MRM|FOVb",
    decoder=OptionalPackage("raw", "rawpy", "rawpy"),
    substitute="jpeg",
)

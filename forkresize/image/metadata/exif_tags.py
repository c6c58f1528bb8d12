"""Which EXIF tags each policy keeps (Exif 3.0, TIFF 6.0). Tables only."""

from PIL.ExifTags import GPS, Base


def _tags(names: str) -> frozenset[int]:
    return frozenset(Base[name] for name in names.split())


COPYRIGHT = _tags("Artist Copyright XPAuthor")
"""Tags of the first directory for the creator and the rights."""

DESCRIPTIVE = COPYRIGHT | _tags(
    "ImageDescription Make Model Software ProcessingSoftware DateTime Rating RatingPercent XPTitle XPComment "
    "XPKeywords XPSubject"
)
"""Tags of the first directory that describe the picture, without serial numbers and places."""

CAMERA = _tags(
    "ExposureTime FNumber ExposureProgram SpectralSensitivity ISOSpeedRatings OECF SensitivityType "
    "StandardOutputSensitivity RecommendedExposureIndex ISOSpeed ISOSpeedLatitudeyyy ISOSpeedLatitudezzz "
    "ExifVersion DateTimeOriginal DateTimeDigitized OffsetTime OffsetTimeOriginal OffsetTimeDigitized "
    "ShutterSpeedValue ApertureValue BrightnessValue ExposureBiasValue MaxApertureValue SubjectDistance "
    "MeteringMode LightSource Flash FocalLength UserComment SubsecTime SubsecTimeOriginal SubsecTimeDigitized "
    "AmbientTemperature Humidity Pressure WaterDepth Acceleration CameraElevationAngle FlashPixVersion ColorSpace "
    "FlashEnergy ExposureIndex SensingMethod FileSource SceneType CustomRendered ExposureMode WhiteBalance "
    "DigitalZoomRatio FocalLengthIn35mmFilm SceneCaptureType GainControl Contrast Saturation Sharpness "
    "SubjectDistanceRange LensSpecification LensMake LensModel CompositeImage CompositeImageCount"
)
"""Tags of the Exif directory for how the picture was taken, without serial numbers."""

FREE_TEXT = _tags("ImageDescription XPTitle XPComment XPKeywords XPSubject UserComment")
"""Tags of both directories that can name persons and places."""

TECHNICAL = _tags("XResolution YResolution ResolutionUnit BodySerialNumber LensSerialNumber ImageUniqueID")
"""Further tags of both directories that name neither."""

GPS_TEXT = frozenset({GPS.GPSProcessingMethod, GPS.GPSAreaInformation})
"""Free text in the directory of the position."""

_SUBJECT_AREA = 0x9214
_PHOTOSHOP_LAYERS = 37_724
_CREDENTIALS = 52_545
_GEO_TIFF = 33_550, 33_922, 34_264
"""The place on earth that each pixel shows."""

STRUCTURE = frozenset(
    {
        # How the file is built.
        *range(Base.NewSubfileType, Base.DocumentName),
        *range(Base.StripOffsets, Base.XResolution),
        Base.PlanarConfiguration,
        *range(Base.FreeOffsets, Base.ResolutionUnit),
        Base.PageNumber,
        Base.TransferFunction,
        *range(Base.Predictor, Base.ReferenceBlackWhite + 1),
        *range(Base.DNGVersion, Base.CameraSerialNumber),
        *range(Base.LensInfo, Base.FrameRate),
        _PHOTOSHOP_LAYERS,
        _CREDENTIALS,
        *_GEO_TIFF,
        # Separate blocks, which are filtered or rebuilt.
        Base.XMLPacket,
        Base.IPTCNAA,
        Base.ImageResources,
        Base.InterColorProfile,
        Base.ExifOffset,
        Base.GPSInfo,
    }
)
"""Tags of the first directory that are never kept, under any policy."""

STALE = {_SUBJECT_AREA} | _tags(
    "ExifImageWidth ExifImageHeight CompressedBitsPerPixel ComponentsConfiguration FocalPlaneXResolution "
    "FocalPlaneYResolution FocalPlaneResolutionUnit SubjectLocation Gamma RelatedSoundFile "
    "ExifInteroperabilityOffset ExifOffset GPSInfo"
)
"""Tags of the Exif directory that do not apply to an output."""

"""Which EXIF tags each policy keeps (Exif 3.0, TIFF 6.0). Tables only."""

from PIL.ExifTags import Base

COPYRIGHT = frozenset({Base.Artist, Base.Copyright, Base.XPAuthor})
"""Tags of the first directory for the creator and the rights."""

DESCRIPTIVE = COPYRIGHT | {
    Base.ImageDescription,
    Base.Make,
    Base.Model,
    Base.Software,
    Base.ProcessingSoftware,
    Base.DateTime,
    Base.Rating,
    Base.RatingPercent,
    Base.XPTitle,
    Base.XPComment,
    Base.XPKeywords,
    Base.XPSubject,
}
"""Tags of the first directory that describe the picture, without serial numbers and places."""

CAMERA = frozenset(
    {
        Base.ExposureTime,
        Base.FNumber,
        Base.ExposureProgram,
        Base.SpectralSensitivity,
        Base.ISOSpeedRatings,
        Base.OECF,
        Base.SensitivityType,
        Base.StandardOutputSensitivity,
        Base.RecommendedExposureIndex,
        Base.ISOSpeed,
        Base.ISOSpeedLatitudeyyy,
        Base.ISOSpeedLatitudezzz,
        Base.ExifVersion,
        Base.DateTimeOriginal,
        Base.DateTimeDigitized,
        Base.OffsetTime,
        Base.OffsetTimeOriginal,
        Base.OffsetTimeDigitized,
        Base.ShutterSpeedValue,
        Base.ApertureValue,
        Base.BrightnessValue,
        Base.ExposureBiasValue,
        Base.MaxApertureValue,
        Base.SubjectDistance,
        Base.MeteringMode,
        Base.LightSource,
        Base.Flash,
        Base.FocalLength,
        Base.UserComment,
        Base.SubsecTime,
        Base.SubsecTimeOriginal,
        Base.SubsecTimeDigitized,
        Base.AmbientTemperature,
        Base.Humidity,
        Base.Pressure,
        Base.WaterDepth,
        Base.Acceleration,
        Base.CameraElevationAngle,
        Base.FlashPixVersion,
        Base.ColorSpace,
        Base.FlashEnergy,
        Base.ExposureIndex,
        Base.SensingMethod,
        Base.FileSource,
        Base.SceneType,
        Base.CustomRendered,
        Base.ExposureMode,
        Base.WhiteBalance,
        Base.DigitalZoomRatio,
        Base.FocalLengthIn35mmFilm,
        Base.SceneCaptureType,
        Base.GainControl,
        Base.Contrast,
        Base.Saturation,
        Base.Sharpness,
        Base.SubjectDistanceRange,
        Base.LensSpecification,
        Base.LensMake,
        Base.LensModel,
        Base.CompositeImage,
        Base.CompositeImageCount,
    }
)
"""Tags of the Exif directory that say how the picture was taken, and not by which one of all cameras."""

_SUBJECT_AREA = 0x9214
_PHOTOSHOP_LAYERS = 37_724
_GEO_TIFF = 33_550, 33_922, 34_264
"""Which place on earth each pixel shows."""

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

STALE = frozenset(
    {
        Base.ExifImageWidth,
        Base.ExifImageHeight,
        Base.CompressedBitsPerPixel,
        Base.ComponentsConfiguration,
        Base.FocalPlaneXResolution,
        Base.FocalPlaneYResolution,
        Base.FocalPlaneResolutionUnit,
        Base.SubjectLocation,
        _SUBJECT_AREA,
        Base.Gamma,
        # Names a file that is not part of the output.
        Base.RelatedSoundFile,
        Base.ExifInteroperabilityOffset,
        Base.ExifOffset,
        Base.GPSInfo,
    }
)
"""Tags of the Exif directory that do not apply to an output."""

"""Which XMP properties each policy keeps, by namespace (ISO 16684-1, Exif for XMP, IPTC, PLUS). Tables only."""

from collections.abc import Mapping

from forkresize.recipe import Drop

NAMESPACES: Mapping[str, str] = {
    "x": "adobe:ns:meta/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "xmpMM": "http://ns.adobe.com/xap/1.0/mm/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "exifEX": "http://cipa.jp/exif/1.0/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/",
    "cc": "http://creativecommons.org/ns#",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "drone-dji": "http://www.dji.com/drone-dji/1.0/",
}
"""The usual prefixes and their namespaces."""


def qualify(names: str) -> frozenset[str]:
    """Return names in ElementTree's notation, from ``"prefix: name name; prefix: name"``."""
    groups = (group.split(":") for group in names.split(";"))
    return frozenset(f"{{{NAMESPACES[prefix.strip()]}}}{name}" for prefix, listed in groups for name in listed.split())


COPYRIGHT = qualify(
    "dc: creator rights;"
    "xmpRights: Certificate Marked Owner UsageTerms WebStatement;"
    "photoshop: Credit Source;"
    "tiff: Artist Copyright;"
    "Iptc4xmpCore: CreatorContactInfo;"
    "Iptc4xmpExt: DigitalSourceType;"
    "plus: DataMining Licensor OtherConstraints;"
    "cc: license attributionName attributionURL morePermissions"
)
"""The creator, the rights, and whether a machine made the picture or may learn from it."""

CREATOR, RIGHTS = sorted(qualify("dc: creator rights"))
"""The creators, and the copyright notice."""

DESCRIPTIVE = COPYRIGHT | qualify(
    "dc: title description subject contributor publisher date language source type;"
    "xmp: CreateDate ModifyDate CreatorTool Label Nickname Rating;"
    "tiff: DateTime ImageDescription Make Model Software;"
    "exif: ExifVersion FlashpixVersion DateTimeOriginal DateTimeDigitized UserComment ExposureTime FNumber"
    " ExposureProgram SpectralSensitivity ISOSpeedRatings ShutterSpeedValue ApertureValue BrightnessValue"
    " ExposureBiasValue MaxApertureValue SubjectDistance MeteringMode LightSource Flash FocalLength FlashEnergy"
    " ExposureIndex SensingMethod FileSource SceneType CustomRendered ExposureMode WhiteBalance DigitalZoomRatio"
    " FocalLengthIn35mmFilm SceneCaptureType GainControl Contrast Saturation Sharpness SubjectDistanceRange;"
    "exifEX: PhotographicSensitivity SensitivityType StandardOutputSensitivity RecommendedExposureIndex"
    " LensSpecification LensMake LensModel CompositeImage;"
    "aux: Lens LensInfo FlashCompensation ApproximateFocusDistance;"
    "photoshop: AuthorsPosition CaptionWriter Category City Country DateCreated Headline Instructions State"
    " SupplementalCategories TransmissionReference Urgency;"
    "lr: hierarchicalSubject;"
    "Iptc4xmpCore: AltTextAccessibility CountryCode ExtDescrAccessibility IntellectualGenre Scene SubjectCode;"
    "Iptc4xmpExt: Event OrganisationInImageName PersonInImage"
)
"""The content of the picture and how it was taken, but not where, nor serial numbers."""

_GPS = qualify(
    "exif: GPSVersionID GPSLatitude GPSLongitude GPSAltitudeRef GPSAltitude GPSTimeStamp GPSSatellites GPSStatus"
    " GPSMeasureMode GPSDOP GPSSpeedRef GPSSpeed GPSTrackRef GPSTrack GPSImgDirectionRef GPSImgDirection GPSMapDatum"
    " GPSDestLatitude GPSDestLongitude GPSDestBearingRef GPSDestBearing GPSDestDistanceRef GPSDestDistance"
    " GPSDifferential GPSHPositioningError"
)

TECHNICAL = _GPS | qualify(
    "exif: ImageUniqueID; exifEX: BodySerialNumber LensSerialNumber;"
    "aux: SerialNumber LensSerialNumber LensID ImageNumber Firmware"
)
"""Further properties that are known, and kept with everything."""

_FREE_TEXT = qualify(
    "dc: title description subject source;"
    "xmp: Label Nickname;"
    "tiff: ImageDescription;"
    "exif: UserComment;"
    "photoshop: Category Headline Instructions SupplementalCategories TransmissionReference;"
    "lr: hierarchicalSubject;"
    "Iptc4xmpCore: AltTextAccessibility ExtDescrAccessibility IntellectualGenre;"
    "Iptc4xmpExt: Event"
)
"""Properties that can name persons and places."""

DROPPED: Mapping[Drop, frozenset[str]] = {
    Drop.PEOPLE: _FREE_TEXT
    | qualify(
        "dc: contributor publisher; photoshop: CaptionWriter; Iptc4xmpExt: OrganisationInImageName PersonInImage"
    ),
    Drop.PLACE: _FREE_TEXT | _GPS | qualify("photoshop: City Country State; Iptc4xmpCore: CountryCode"),
}
"""Properties of the creator stay: they are the credit."""

ADDRESS = qualify(
    "Iptc4xmpCore: CiAdrCity CiAdrCtry CiAdrExtadr CiAdrPcode CiAdrRegion; plus: LicensorCity LicensorCountry"
)
"""Fields of structures that are dropped with places."""

STALE = qualify(
    "tiff: Orientation ImageWidth ImageLength BitsPerSample Compression PhotometricInterpretation SamplesPerPixel"
    " PlanarConfiguration YCbCrSubSampling YCbCrPositioning NativeDigest;"
    "exif: PixelXDimension PixelYDimension ColorSpace CompressedBitsPerPixel ComponentsConfiguration SubjectArea"
    " SubjectLocation FocalPlaneXResolution FocalPlaneYResolution FocalPlaneResolutionUnit RelatedSoundFile"
    " NativeDigest;"
    "exifEX: Gamma;"
    "dc: format;"
    "dcterms: provenance;"
    "xmp: Thumbnails;"
    "xmpNote: HasExtendedXMP;"
    "photoshop: ColorMode ICCProfile;"
    "Container: Directory;"
    "GPano: CroppedAreaImageHeightPixels CroppedAreaImageWidthPixels CroppedAreaLeftPixels CroppedAreaTopPixels"
    " FullPanoHeightPixels FullPanoWidthPixels"
)
"""Properties that do not apply to an output; never kept, under any policy."""

STALE_NAMESPACE = f"{{{NAMESPACES['hdrgm']}}}"
"""Properties of a gain map; outputs have none."""

EXTENDED = next(iter(qualify("xmpNote: HasExtendedXMP")))
"""Indicates that further segments of a JPEG hold more properties."""

FIELDS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        qualify("Iptc4xmpCore: CreatorContactInfo"),
        qualify("Iptc4xmpCore: CiAdrCity CiAdrCtry CiAdrExtadr CiAdrPcode CiAdrRegion CiEmailWork CiTelWork CiUrlWork"),
    ),
    **dict.fromkeys(qualify("exif: Flash"), qualify("exif: Fired Return Mode Function RedEyeMode")),
    **dict.fromkeys(
        qualify("plus: Licensor"),
        qualify("plus: LicensorName LicensorURL LicensorEmail LicensorCity LicensorCountry LicensorTelephone1"),
    ),
}
"""The properties that are structures, and the fields that are kept."""

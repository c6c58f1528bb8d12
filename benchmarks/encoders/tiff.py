"""The commands that write TIFF."""

from benchmarks.encoders.case import COLORS, DEEP, every

_COMPRESSIONS = "None|LZW|Zip|RLE|JPEG|LZMA|WebP|ZSTD"
TIFF = (
    *every(".tif", "convert @ -compress @ {out}", COLORS, _COMPRESSIONS),
    *every(".tif", "convert @ -compress @ {out}", DEEP, "None|LZW|Zip"),
    *every(".tif", "convert {bw} -monochrome -compress @ {out}", "Fax|Group4|LZW|Zip"),
    *every(
        ".tif",
        "convert {bw} -monochrome -compress Group4 -define @ {out}",
        "tiff:fill-order=lsb|quantum:polarity=min-is-white",
    ),
    *every(".tif", "convert {gray} -depth @ -compress @ {out}", "1|2|4|8|16|32", "None|LZW"),
    *every(".tif", "convert @ -define quantum:format=floating-point -depth @ {out}", "{rgb}|{gray}", "16|32|64"),
    *every(
        ".tif",
        "convert @ -define tiff:tile-geometry=@ -compress @ {out}",
        "{rgb}|{rgba}|{gray}|{rgb16}",
        "32x32|64x16",
        "None|Zip",
    ),
    *every(".tif", "convert @ -interlace Plane -compress @ {out}", "{rgb}|{rgba}|{rgb16}", "None|LZW|Zip"),
    *every(".tif", "convert @ -endian @ TIFF64:{out}", "{rgb}|{rgb16}|{gray16}", "MSB|LSB"),
    *every(".tif", "convert {rgba} -define tiff:alpha=@ {out}", "associated|unassociated|unspecified"),
    *every(".tif", "convert @ -colorspace @ -compress @ {out}", "{rgb}|{rgb16}", "Lab|CMYK|YCbCr", "None|LZW|Zip"),
    *every(".tif", "convert {rgb} -colorspace YCbCr -compress JPEG -sampling-factor @ {out}", "1x1|2x1|2x2"),
    *every(".tif", "convert {rgb} -compress LZW -define tiff:predictor=@ {out}", "1|2"),
    *every(".tif", "convert {rgb} -define tiff:rows-per-strip=@ {out}", "1|7|1000"),
    *every(".tif", "convert {rgb} -orient @ {out}", "TopRight|BottomRight|LeftTop|RightTop"),
    *every(".tif", "gm convert @ -compress @ {out}", COLORS + "|" + DEEP, "None|LZW|Zip|RLE|JPEG"),
    *every(".tif", "vips copy @ {out}[compression=@]", COLORS, "none|jpeg|deflate|packbits|lzw|webp|zstd|ccittfax4"),
    *every(
        ".tif",
        "vips copy @ {out}[@]",
        DEEP,
        "compression=lzw|tile,tile-width=32,tile-height=32|bigtiff|predictor=horizontal",
    ),
    *every(
        ".tif",
        "vips copy {rgb} {out}[@]",
        "tile,pyramid,tile-width=16,tile-height=16|bigtiff,compression=lzw|predictor=none,compression=deflate|strip|premultiply|subifd,pyramid,tile",
    ),
    *every(
        ".tif", "vips copy {bw} {out}[bitdepth=1,@]", "miniswhite|compression=lzw|compression=ccittfax4,miniswhite|tile"
    ),
    *every(".tif", "vips copy {gray} {out}[bitdepth=@]", "1|2|4"),
    *every(".tif", "vips cast @ {out} @", "{rgb}|{gray}", "char|short|uint|int|float|double"),
    *every(".tif", "vips colourspace {rgb} {out} @", "lab|labs|cmyk|xyz|scrgb|b-w|grey16|rgb16"),
    *every(
        ".tif",
        "tiffcp -c @ @ {rgb_tif} {out}",
        "none|lzw|lzw:2|zip|zip:2|packbits|jpeg|lzma|zstd|webp",
        "|-t -w 32 -l 32|-p separate|-8|-B|-r 5",
    ),
    *every(".tif", "tiffcp -c @ @ {float_tif} {out}", "none|lzw|lzw:3|zip:3", "|-t -w 32 -l 32"),
    *every(".tif", "tiffcp @ {cmyk_tif} {out}", "-c lzw|-c zip -p separate|-t -w 32 -l 32"),
    *every(".tif", "rgb2ycbcr @ {rgb_tif} {out}", "-h 1 -v 1|-h 2 -v 1|-h 2 -v 2|-h 2 -v 2 -c lzw|-h 4 -v 2"),
    *every(".tif", "tiff2bw @ {rgb_tif} {out}", "-c none|-c lzw"),
    *every(".tif", "tiffmedian @ {rgb_tif} {out}", "-C 64|-C 256 -c lzw"),
    *every(
        ".tif",
        "pamtotiff -truecolor @ {rgb_ppm} -output={out}",
        "-none|-lzw|-packbits|-flate|-adobeflate|-lzw -predictor=2",
    ),
    *every(
        ".tif", "pamtotiff @ {bw_pbm} -output={out}", "-g3|-g4|-lzw -miniswhite|-packbits -minisblack|-g3 -2d -fill"
    ),
    *every(".tif", "pamtotiff @ -output={out}", "{rgb16_ppm}|{gray16_pgm}|-indexbits=1,2,4,8 {gray_pgm}"),
    *every(
        ".tif",
        "ffmpeg -v error -i @ -pix_fmt @ -compression_algo @ -frames:v 1 -update 1 -y {out}",
        "{rgb}|{rgba16}",
        "rgb24|rgba|rgb48le|rgba64le|gray|gray16le|ya8|pal8|monob|monow|yuv420p|yuv422p|yuv444p|yuv411p",
        "raw|packbits|lzw|deflate",
    ),
)

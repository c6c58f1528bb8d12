"""The commands that write JPEG and PNG."""

from benchmarks.encoders.case import COLORS, DEEP, every

JPEG = (
    *every(".jpg", "convert {rgb} @ -sampling-factor @ {out}", "|-interlace JPEG", "1x1|2x1|1x2|2x2|4x1|4x2"),
    *every(".jpg", "convert @ @ {out}", "{gray}|{cmyk_tif}|{rgb} -profile {srgb_icc}", "-quality 75|-quality 100"),
    *every(
        ".jpg", "convert {rgb} -orient @ {out}", "TopLeft|TopRight|BottomRight|BottomLeft|LeftTop|RightTop|LeftBottom"
    ),
    *every(
        ".jpg", "gm convert {rgb} @ {out}", "-sampling-factor 1x1|-sampling-factor 2x2|-interlace Line|-type Grayscale"
    ),
    *every(
        ".jpg",
        "vips copy {rgb} {out}[@]",
        "Q=50|Q=90,interlace|subsample-mode=off|optimize-coding,optimize-scans,interlace",
    ),
    *every(".jpg", "vips copy @ {out}[@]", "{gray}|{cmyk_tif}", "Q=80|interlace|restart-interval=4"),
    *every(
        ".jpg",
        "cjpeg @ {rgb_ppm} > {out}",
        "-sample 1x1|-sample 2x1|-sample 1x2|-sample 2x2|-sample 4x1|-sample 4x2|-sample 3x1|-grayscale|-rgb"
        "|-progressive|-arithmetic|-arithmetic -progressive|-restart 1|-restart 3B|-optimize|-quality 5"
        "|-quality 5 -baseline|-quality 100|-dct float|-smooth 50|-progressive -restart 2",
    ),
    *every(
        ".jpg", "jpegtran @ {jpeg_jpg} > {out}", "-arithmetic|-progressive|-rotate 90 -trim|-flip horizontal|-grayscale"
    ),
    *every(
        ".jpg",
        "pnmtojpeg @ {rgb_ppm} > {out}",
        "-progressive|-optimize|-restart=2|-greyscale|-sample=1x1|-density=300x300dpi",
    ),
    *every(
        ".jpg",
        "ffmpeg -v error -i {rgb} -pix_fmt @ @ -frames:v 1 -update 1 -y {out}",
        "yuvj420p|yuvj422p|yuvj444p|gray",
        "-q:v 2|-q:v 9|-huffman default",
    ),
)

PNG = (
    *every(".png", "convert @ @ PNG@:{out}", COLORS, "|-interlace PNG", "24|32|8|48|64|00"),
    *every(
        ".png",
        "convert {gray} -colorspace gray -depth @ -define png:color-type=0 -define png:bit-depth=@ {out}",
        "8",
        "1|2|4|8|16",
    ),
    *every(".png", "convert @ -define png:bit-depth=@ PNG8:{out}", "{pal4}|{pal16}", "1|2|4|8"),
    *every(".png", "convert @ @ {out}", DEEP, "|-interlace PNG"),
    *every(".png", "gm convert @ @ {out}", COLORS + "|" + DEEP, "|-interlace Line"),
    *every(".png", "vips copy @ {out}[@]", COLORS, "compression=9|interlace|palette|palette,bitdepth=4"),
    *every(".png", "vips copy @ {out}[@]", DEEP, "bitdepth=16|bitdepth=8|interlace"),
    *every(".png", "vips copy @ {out}[bitdepth=@]", "{gray}|{bw}", "1|2|4|8"),
    *every(".png", "pnmtopng @ @ > {out}", "|-interlace", "{rgb_ppm}|{gray_pgm}|{bw_pbm}|{rgb16_ppm}|{gray16_pgm}"),
    *every(".png", "pngcrush -q -c @ -m @ {rgba} {out}", "0|2|4|6", "1|120"),
    *every(".png", "optipng -quiet -i @ -out {out} @", "0|1", COLORS),
    *every(
        ".png",
        "ffmpeg -v error -i @ -pix_fmt @ -frames:v 1 -update 1 -y {out}",
        "{rgb}|{rgba16}",
        "rgb24|rgba|rgb48be|rgba64be|gray|gray16be|ya8|ya16be|pal8|monob",
    ),
    *every(".png", "ffmpeg -v error -i {rgb} -pred @ -frames:v 1 -update 1 -y {out}", "none|sub|up|avg|paeth|mixed"),
    *every(".png", "ffmpeg -v error -i {rgb} -f apng -plays @ -y {out}", "0|2"),
)

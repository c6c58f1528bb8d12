"""The commands that write WebP, AVIF, HEIC, JPEG XL and JPEG 2000."""

from benchmarks.encoders.case import DEEP, every

MODERN = (
    *every(
        ".webp",
        "cwebp -quiet @ @ -o {out}",
        "{rgb}|{rgba}|{gray}",
        "-q 40|-q 90|-lossless|-near_lossless 40|-alpha_q 10|-sharp_yuv|-m 0 -partitions 50",
    ),
    *every(".webp", "img2webp @ -d 100 {frame0} {frame1} {frame2} -o {out}", "-lossless|-lossy|-mixed -loop 2"),
    *every(".webp", "convert @ @ {out}", "{rgb}|{rgba}|{ga}", "-quality 60|-define webp:lossless=true"),
    *every(".webp", "vips copy @ {out}[@]", "{rgb}|{rgba}|{gray}", "Q=60|lossless|near-lossless,Q=50|smart-subsample"),
    *every(".webp", "ffmpeg -v error -i @ -c:v libwebp -lossless @ -frames:v 1 -y {out}", "{rgb}|{rgba}", "0|1"),
    *every(
        ".avif",
        "avifenc -s 8 @ @ {out}",
        "{rgb}|{rgba}|{gray}",
        "-y 444|-y 422|-y 420|-y 400|-l|-d 10|-d 12 -y 420|-r limited",
    ),
    *every(
        ".avif",
        "avifenc -s 8 @ {out}",
        "-p {rgba}|--irot 1 {rgb}|--imir 0 {rgb}|--imir 1 {rgb}|--irot 3 --imir 1 {rgb}|-d 10 {rgb16}"
        "|--cicp 1/13/6 {rgb}",
    ),
    *every(".avif", "heif-enc -A @ @ -o {out}", "{rgb}|{rgba}|{rgb16}", "-q 60|-L|-b 12"),
    *every(
        ".heic",
        "heif-enc @ @ -o {out}",
        "{rgb}|{rgba}|{gray}|{rgb16}",
        "-q 60|-L -p chroma=444|-b 12|-q 90 -p chroma=422",
    ),
    *every(".avif", "vips copy @ {out}[compression=av1,@]", "{rgb}|{rgba}", "Q=60|lossless"),
    *every(
        ".jxl",
        "cjxl --quiet @ {out} @",
        "{rgb}|{rgba}|{gray}|{ga}|{pal}",
        "-q 80|-q 100|-q 60 -p|-m 1 -q 70|--container=1 -q 90",
    ),
    *every(".jxl", "cjxl --quiet @ {out} @", DEEP, "-q 90|-q 100"),
    *every(".jxl", "cjxl --quiet {jpeg_jpg} {out} @", "-j 1|-j 0 -q 80"),
    *every(".jxl", "vips copy @ {out}[@]", "{rgb}|{rgba}|{gray}|{rgb16}", "Q=80|lossless"),
    *every(".jxl", "ffmpeg -v error -i @ -c:v libjxl -distance @ -frames:v 1 -y {out}", "{rgb}|{rgba}|{rgb16}", "0|1"),
    *every(".jp2", "opj_compress -i {rgb_ppm} -o {out} @", "-r 1|-r 20|-I|-t 32,32|-n 3|-mct 0|-mct 1"),
    *every(".jp2", "opj_compress -i @ -o {out}", "{gray_pgm}|{rgb16_ppm}|{gray16_pgm}|{rgba}|{ga}"),
    *every(".j2k", "opj_compress -i @ -o {out}", "{rgb_ppm}|{gray_pgm}"),
    *every(".jp2", "convert @ {out}", "{rgb}|{rgba}|{gray}|{rgb16}|{gray16}"),
    *every(".jp2", "vips copy @ {out}[@]", "{rgb}|{rgba}|{gray}|{rgb16}", "lossless|Q=60|tile-width=32,tile-height=32"),
    *every(
        ".jp2", "ffmpeg -v error -i @ -c:v @ -frames:v 1 -update 1 -y {out}", "{rgb}|{gray}", "jpeg2000|libopenjpeg"
    ),
)

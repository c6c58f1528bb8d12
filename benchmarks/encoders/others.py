"""The commands that write older and rarer formats."""

from benchmarks.encoders.case import COLORS, every

OTHERS = (
    *every(".gif", "convert @ @ {out}", COLORS, "|-interlace GIF"),
    *every(".gif", "convert -delay 10 {frame0} {frame1} {frame2} @ {out}", "|-layers optimize|-dispose Background"),
    *every(".gif", "gm convert @ {out}", COLORS),
    *every(".gif", "vips copy @ {out}", COLORS),
    *every(".gif", "ppmtogif -quiet -sort {gray_pgm} > {out}"),
    *every(".gif", "pamtogif @ {gray_pgm} > {out}", "|-interlace|-nolzw"),
    *every(".gif", "ffmpeg -v error -i @ -y {out}", COLORS),
    *every(".bmp", "convert @ @:{out}", COLORS, "BMP|BMP2|BMP3"),
    *every(".bmp", "convert @ -compress RLE BMP3:{out}", "{pal}|{pal16}|{gray}"),
    *every(".bmp", "convert {rgb} -define bmp:subtype=@ {out}", "RGB555|RGB565|ARGB4444|ARGB1555"),
    *every(".bmp", "gm convert @ {out}", COLORS),
    *every(".bmp", "ppmtobmp @ {rgb_ppm} > {out}", "-windows|-os2|-bpp=24"),
    *every(
        ".bmp",
        "ffmpeg -v error -i {rgba} -pix_fmt @ -frames:v 1 -update 1 -y {out}",
        "bgr24|bgra|rgb565|rgb555|rgb444|pal8|gray|monob",
    ),
    *every(".tga", "convert @ -compress @ {out}", COLORS, "None|RLE"),
    *every(".tga", "gm convert @ {out}", COLORS),
    *every(".tga", "pamtotga -name=x @ {rgb_ppm} > {out}", "-rgb|-norle -rgb|-mono"),
    *every(
        ".tga",
        "ffmpeg -v error -i {rgba} -pix_fmt @ -rle @ -frames:v 1 -update 1 -y {out}",
        "bgr24|bgra|rgb555le|gray|pal8",
        "0|1",
    ),
    *every(".pcx", "@ {out}", "convert {rgb}|convert {pal}|convert {bw}|gm convert {rgb}|gm convert {gray}"),
    *every(".pcx", "ppmtopcx @ {rgb_ppm} > {out}", "-24bit|-8bit"),
    *every(".pcx", "ffmpeg -v error -i {rgb} -pix_fmt @ -frames:v 1 -update 1 -y {out}", "rgb24|rgb8|gray|pal8|monow"),
    *every(
        ".sgi", "@ {out}", "convert {rgb}|convert {rgba}|convert {gray}|convert {rgb16}|gm convert {rgb} -compress RLE"
    ),
    *every(".sgi", "pamtosgi @ {rgb_ppm} > {out}", "|-rle|-verbatim"),
    *every(
        ".sgi",
        "ffmpeg -v error -i @ -pix_fmt @ -frames:v 1 -update 1 -y {out}",
        "{rgb}",
        "rgb24|rgba|gray|rgb48be|gray16be",
    ),
    *every(".pnm", "convert @ -compress @ {out}", "{rgb}|{gray}|{bw}|{rgb16}|{gray16}", "None|RLE"),
    *every(".pfm", "convert @ {out}", "{rgb}|{gray}"),
    *every(".pam", "convert @ {out}", "{rgb}|{gray}"),
    *every(".ppm", "vips copy @ {out}", "{rgb}|{rgb16}"),
    *every(".pfm", "ffmpeg -v error -i {gray} -pix_fmt grayf32le -frames:v 1 -update 1 -y {out}"),
    *every(
        ".xbm",
        "@ {out}",
        "convert {bw}|gm convert {bw}|ffmpeg -v error -i {bw} -pix_fmt monowhite -frames:v 1 -update 1 -y",
    ),
    *every(".xpm", "convert {pal} {out}"),
    *every(".ico", "convert @ {out}", "{rgb}|{rgba}|{pal}"),
    *every(".dds", "convert @ -define dds:compression=@ {out}", "{rgb}|{rgba}", "none|dxt1|dxt5"),
    *every(".psd", "convert @ -compress @ {out}", "{rgb}|{rgba}|{gray}|{pal}|{bw}|{cmyk_tif}|{rgb16}", "None|RLE"),
    *every(".sun", "convert @ {out}", "{rgb}|{gray}|{pal}"),
    *every(".qoi", "ffmpeg -v error -i @ -frames:v 1 -update 1 -y {out}", "{rgb}|{rgba}"),
    *every(".fits", "@ {out}", "convert {gray}|convert {gray16}|vips copy {gray}"),
)

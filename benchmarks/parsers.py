"""The parsers of this package for untrusted or hand-written input, and the errors that they may raise."""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

from PIL import Image

from benchmarks.parse import (
    JOB,
    check_against_row,
    convert,
    filter_metadata,
    make_gain_map,
    make_names,
    make_profile,
    match_rules,
    read_answer,
    read_frames,
    read_headroom,
    read_settings_file,
    strip_twice,
    to_text,
)
from benchmarks.seeds import IPTC, XMP, seeds
from forkresize.batch.wire import OUTCOME_SERIALIZER
from forkresize.cli.config.command import BY_KEY as OPTIONS
from forkresize.errors import FieldError, LedgerError, UsageError
from forkresize.image.color import icc
from forkresize.image.color.cicp import DISPLAY_P3
from forkresize.image.color.convert import p3_profile
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.gainmap.errors import GainMapError
from forkresize.image.metadata import iptc, xmp
from forkresize.outcome import Failed, Outcome, OutputRef, Reason, Written
from forkresize.plan.shard import Shard
from forkresize.pool.protocol import WorkerMessage, encode_message
from forkresize.recipe import Metadata, Size
from forkresize.recipe.color import parse_color
from forkresize.recipefile import loads
from forkresize.tomlfile import parse

_TOML = (
    b"[[steps]]",
    b"[[renditions]]",
    b"[steps.resize]",
    b"=",
    b"\n",
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b"'''",
    b",",
    b"resize",
    b"width",
    b"crop = ",
    b"'1x1+0+0'",
    b"1e999",
    b"nan",
    b"true",
    b"1979-05-27",
    b"quality",
    b"format",
    b"watermark",
)


@dataclass(frozen=True)
class Parser:
    """One parser.

    Attributes:
        parse: parses bytes.
        documented: its documented errors.
        seeds: initial inputs.
        tokens: words of its language, if any.
    """

    parse: Callable[[bytes], object]
    documented: tuple[type[Exception], ...] = ()
    seeds: Sequence[bytes] = (b"",)
    tokens: Sequence[bytes] = ()


_drawn = seeds()
_exif = Image.Exif()
_exif.update({0x0112: 6, 0x013B: "Ada", 0x8298: "Ada"})
_note = b"Apple iOS\0\0\1MM" + struct.pack(">HHHIIHHII4i", 2, 33, 10, 1, 40, 48, 10, 1, 48, 1, 1, 0, 1)
_apple = Image.Exif()
_apple.get_ifd(0x8769)[0x927C] = _note


PARSERS: Mapping[str, Parser] = {
    "matrix": Parser(
        convert,
        (),
        [p3_profile(), icc.color_profile(DISPLAY_P3, icc.sample_curve([0, 0.1, 0.4, 1]))],
        [b"para", b"curv", b"XYZ ", b"rTRC", b"gXYZ", b"A2B0", b"\0\0\0\1", b"\xff\xff\xff\xff"],
    ),
    "size": Parser(
        lambda data: Size.parse(to_text(data)),
        (FieldError,),
        [b"800x600!", b"50%", b"2000@"],
        [b"x", b"%", b"@", b">", b"^", b"9" * 400],
    ),
    "color": Parser(
        lambda data: parse_color(to_text(data)),
        (ValueError,),
        [b"rgb(1, 2, 3)", b"#fff8", b"hsl(1, 2%, 3%)"],
        [b"rgba(", b")", b"%", b",", b"/", b"deg"],
    ),
    "shard": Parser(lambda data: Shard.parse(to_text(data)), (ValueError,), [b"1/4"], [b"/", b"0", b"9"]),
    "template": Parser(
        make_names,
        (UsageError,),
        [b"{stem}{ext}", b"{dir}/x-{name}"],
        [b"{stem}", b"{ext}", b"{dir}", b"{hash8}", b"{format}", b"/", b"..", b".", b"{{", b"}}", b"\0"],
    ),
    "rule": Parser(
        match_rules,
        (UsageError, ValueError),
        [b"**/*.jpg", b"[a-z]?/", b"!x"],
        [b"**/", b"*", b"[", b"]", b"{a,b}", b"\\", b"!", b"/"],
    ),
    "recipe": Parser(
        lambda data: loads(to_text(data)),
        (UsageError,),
        [b"[[steps]]\nresize = {width = 9}\n", b"[[renditions]]\nformat = 'webp'\n"],
        _TOML,
    ),
    "toml": Parser(lambda data: parse(to_text(data), "x"), (UsageError,), [b"a = 1\n[b]\nc = [1,\n2]\n"], _TOML),
    "settings": Parser(
        read_settings_file,
        (UsageError,),
        [b"width = 800\n[presets.a]\nformat = 'webp'\n"],
        [*_TOML, *(key.encode() for key in OPTIONS)],
    ),
    "frames": Parser(read_frames, (), [encode_message(WorkerMessage(1, 1, 0.5, b"warned", b"result")) * 2]),
    "answer": Parser(
        read_answer,
        (ValueError,),
        [
            OUTCOME_SERIALIZER.encode(
                [
                    Outcome(
                        OutputRef(JOB.source, ""),
                        Written(out_bytes=5, in_size=(9, 9), out_size=(4, 4), in_format="a", out_format="b"),
                    )
                ]
            ),
            OUTCOME_SERIALIZER.encode([Outcome(OutputRef(JOB.source, ""), Failed(Reason.DAMAGED, "no"))] * 2),
        ],
        [
            b"[null",
            b"[1",
            b"null",
            b"NaN",
            b"1e999",
            b"-1",
            b"[[[[",
            b'"\\ud800"',
            b"\xff",
            b"9" * 30,
        ],
    ),
    "ledger": Parser(
        check_against_row,
        (LedgerError,),
        [
            b"\xffa.jpg\n1\n\xffa.jpg\n10\n20\n\n\xffr\nwritten\n\n\n\n0\n1.5\n1\n1\n5\n6\n8\n8\njpeg\n",
            b"\xffa.jpg\n1\n\xffa.jpg\n10\n20\n\n\xffr\nfailed\nworker crashed\nno\nSIGSEGV\n1\n\n1\n1\n0\n0\n\n\n\n",
        ],
        [b"\xff", b"\n", b"..", b"/", b"\0", b"written", b"skipped", b"timed out", b"1e999", b"9" * 30],
    ),
    "xmp": Parser(
        lambda data: [xmp.filter_packet(data, policy, Diagnostics()) for policy in Metadata],
        (ValueError, ParseError),
        [XMP],
        [b"<rdf:li>", b"</rdf:li>", b"<rdf:Bag>", b"rdf:resource='x'", b"&lt;", b"xml:lang='x'", b"<!--", b"<![CDATA["],
    ),
    "iptc": Parser(lambda data: [iptc.filter_datasets(data, policy) for policy in Metadata], (ValueError,), [IPTC]),
    "metadata": Parser(filter_metadata, (), [_exif.tobytes(), XMP, IPTC]),
    "stripped": Parser(
        strip_twice, (), [_drawn[name] for name in ("metadata.jpg", "cICP.png", "metadata.webp", "progressive.jpg")]
    ),
    "gain map": Parser(
        make_gain_map, (GainMapError,), [data for name, data in _drawn.items() if name.startswith("hdr-")]
    ),
    "headroom": Parser(
        read_headroom,
        (GainMapError,),
        [b"\0" + _apple.tobytes(), XMP],
        [b'xmlns:a="http://ns.apple.com/HDRGainMap/1.0/"', b'a:HDRGainMapHeadroom="4"', b"1e999"],
    ),
    "profile": Parser(make_profile, (ZeroDivisionError, struct.error), [struct.pack(">9I", *([30_000] * 9))]),
}
"""All parsers, by name."""

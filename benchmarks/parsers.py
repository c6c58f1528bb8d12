"""The parsers of this package for untrusted or hand-written input, and the errors that they may raise."""

import contextlib
import io
import json
import os
import sqlite3
import struct
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import ParseError

from PIL import Image

from benchmarks.seeds import IPTC, XMP, seeds
from forkresize.batch.results import outcomes_from_result
from forkresize.batch.staleness_checker import StalenessChecker
from forkresize.batch.wire import OUTCOME_SERIALIZER
from forkresize.cli.config.command import BY_KEY as OPTIONS
from forkresize.cli.config.files import read_settings
from forkresize.errors import FieldError, LedgerError, UsageError
from forkresize.image import metadata
from forkresize.image.color import icc
from forkresize.image.color.cicp import DISPLAY_P3
from forkresize.image.color.convert import p3_profile, srgb_profile
from forkresize.image.color.deep_convert import convert_deep
from forkresize.image.container import replace_metadata
from forkresize.image.deep_image import DeepImage
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.gainmap import apple
from forkresize.image.gainmap.errors import GainMapError
from forkresize.image.gainmap.output import make_map
from forkresize.image.gainmap.source import find_gain_map
from forkresize.image.geometry.layout import layout
from forkresize.image.metadata import MetadataBlocks, iptc, xmp
from forkresize.image.picture import View
from forkresize.job import Job, Output, Source
from forkresize.ledger import RecipeFingerprints
from forkresize.ledger.sqlite import SqliteLedger, ledger_path
from forkresize.ledger.sqlite.schema import COLUMNS
from forkresize.outcome import Failed, Outcome, OutputRef, Reason, Written
from forkresize.plan.naming import Naming
from forkresize.plan.shard import Shard
from forkresize.plan.staleness import Policy, Rules
from forkresize.pool import Completed
from forkresize.pool.protocol import FrameReader, WorkerMessage, encode_message
from forkresize.recipe import Metadata, Recipe, Resize, Size
from forkresize.recipe.color import parse_color
from forkresize.recipefile import loads
from forkresize.record import record
from forkresize.store import LocalStore, check_key
from forkresize.tomlfile import parse
from forkresize.walk.rules import Rule, first_match

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


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _names(data: bytes) -> None:
    template = _text(data)
    naming = Naming(Recipe(), template)
    for relative in ("a.jpg", "d/{x}/b.c.png", "..jpg", "-", "a."):
        for output in naming.outputs(Source(f"/in/{relative}", relative)):
            check_key(output.key)


def _ledger(data: bytes) -> None:
    """Check a missing output against a row whose columns are the lines of the data."""
    row = [*map(_cell, data.split(b"\n")), *[b"a"] * len(COLUMNS)][: len(COLUMNS)]
    with tempfile.TemporaryDirectory() as out:
        os.mkdir(os.path.dirname(ledger_path(out)))
        with SqliteLedger(out):
            pass
        db = sqlite3.connect(ledger_path(out))
        with contextlib.suppress(sqlite3.IntegrityError), contextlib.closing(db), db:
            db.execute("INSERT INTO roots VALUES (1, X'2F696E')")
            db.execute(f"INSERT INTO outputs VALUES (0{', ?' * len(row)})", row)  # noqa: S608 -- only marks.
        with SqliteLedger(out, read_only=True) as ledger:
            prints = RecipeFingerprints(renditions=(b"r",), combined=b"t", limits={})
            source = Source("/in/a.jpg", "a.jpg", 10, 20)
            rules = Rules(Policy(), lambda: prints, ledger.interrupted_runs())
            outcome = StalenessChecker(LocalStore(""), LocalStore(out), ledger, rules).check(source, Output("a.jpg"))
            if outcome.status == "unchanged":
                raise AssertionError(f"there is no output: {row!r}")
            json.dumps([record(outcome), *(each.root for each in ledger.iter_records())])


def _cell(line: bytes) -> object:
    for read in (int, float, bytes.decode):
        with contextlib.suppress(ValueError, OverflowError):
            value = read(line)
            # SQLite has no larger numbers.
            return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value
    return line.removeprefix(b"\xff")


def _rules(data: bytes) -> None:
    judge = first_match([Rule(include=True, pattern=_text(data))])
    for name in ("a.jpg", "a/b/c.jpg", "a/", "{x}/[y].png"):
        judge(name)


def _frames(data: bytes) -> None:
    inbox, whole = FrameReader(), FrameReader()
    cut = len(data) // 3
    in_parts = [*inbox.feed(data[:cut]), *inbox.feed(data[cut:])]
    if [*map(_plain, in_parts)] != [*map(_plain, whole.feed(data))]:
        raise AssertionError("the messages depend on how the data is split")


_JOB = Job(Source("/in/a.jpg", "a.jpg", 10, 20), (Output("a-1.jpg"), Output("a-2.jpg", 1)))


def _answer(data: bytes) -> None:
    """Convert a worker's response to outcomes and records."""
    details = OUTCOME_SERIALIZER.decode(data)
    completed = Completed(item=_JOB, result=details, attempts=1, worker=7, seconds=0.5, stderr="")
    json.dumps([*map(record, outcomes_from_result(completed, LocalStore("/out", "tag")))], allow_nan=False)


def _plain(report: WorkerMessage) -> tuple[object, ...]:
    return tuple(bytes(part) if isinstance(part, bytes | bytearray) else repr(part) for part in report)


def _stripped(data: bytes) -> None:
    for kind in ("jpeg", "png", "webp"):
        made = replace_metadata(data, kind, MetadataBlocks(xmp=XMP))
        if made is not None and replace_metadata(made, kind, MetadataBlocks(xmp=XMP)) != made:
            raise AssertionError(f"{kind}: a second pass changes the file")


def _metadata(data: bytes) -> None:
    """Read all kinds of metadata from one block; damage becomes warnings."""
    image = Image.new("RGB", (1, 1))
    image.info.update(exif=data, xmp=data, photoshop={0x0404: data})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for policy in Metadata:
            kept = metadata.extract(image, policy, Diagnostics())
            for output in ("jpeg", "png", "webp", "avif", "tiff", "gif"):
                metadata.save_options(kept, output, Diagnostics())
    metadata.orientation(image)


def _gain_map(data: bytes) -> None:
    """Find a gain map, and make that of an output."""
    try:
        image = Image.open(io.BytesIO(data), formats=["JPEG", "MPO"])
    except Exception:  # noqa: BLE001 -- Pillow's own parsers raise anything.
        return
    found = find_gain_map(image, data)
    view = View.whole(image.size)
    made = make_map(found, view, layout(image.size, Size(width=9), Resize()))
    if find_gain_map(image, made.embed(data)).description != found.description:
        raise AssertionError("the description changes")


def _headroom(data: bytes) -> None:
    packet, _zero, exif = data.partition(b"\0")
    apple.read_headroom(packet, exif)


def _profile(data: bytes) -> None:
    numbers = struct.unpack(">9I", data[:36].ljust(36, b"\1"))
    x = [number / 100_000 for number in numbers]
    icc.color_profile(((x[0], x[1]), (x[2], x[3]), (x[4], x[5]), (x[6], x[7])), icc.power(1 / x[8]))


def _settings(data: bytes) -> None:
    path = f"/tmp/fuzz-settings-{os.getpid()}.toml"  # noqa: S108 -- ours alone by its number.
    with open(path, "wb") as file:
        file.write(data)
    try:
        read_settings(path, None, OPTIONS)
    finally:
        os.unlink(path)


_drawn = seeds()
_exif = Image.Exif()
_exif.update({0x0112: 6, 0x013B: "Ada", 0x8298: "Ada"})
_note = b"Apple iOS\0\0\1MM" + struct.pack(">HHHIIHHII4i", 2, 33, 10, 1, 40, 48, 10, 1, 48, 1, 1, 0, 1)
_apple = Image.Exif()
_apple.get_ifd(0x8769)[0x927C] = _note


def _convert(data: bytes) -> None:
    convert_deep(DeepImage.of_color((2, 2), (1, 2, 3)), data, srgb_profile())


PARSERS: Mapping[str, Parser] = {
    "matrix": Parser(
        _convert,
        (),
        [p3_profile(), icc.color_profile(DISPLAY_P3, icc.sample_curve([0, 0.1, 0.4, 1]))],
        [b"para", b"curv", b"XYZ ", b"rTRC", b"gXYZ", b"A2B0", b"\0\0\0\1", b"\xff\xff\xff\xff"],
    ),
    "size": Parser(
        lambda data: Size.parse(_text(data)),
        (FieldError,),
        [b"800x600!", b"50%", b"2000@"],
        [b"x", b"%", b"@", b">", b"^", b"9" * 400],
    ),
    "color": Parser(
        lambda data: parse_color(_text(data)),
        (ValueError,),
        [b"rgb(1, 2, 3)", b"#fff8", b"hsl(1, 2%, 3%)"],
        [b"rgba(", b")", b"%", b",", b"/", b"deg"],
    ),
    "shard": Parser(lambda data: Shard.parse(_text(data)), (ValueError,), [b"1/4"], [b"/", b"0", b"9"]),
    "template": Parser(
        _names,
        (UsageError,),
        [b"{stem}{ext}", b"{dir}/x-{name}"],
        [b"{stem}", b"{ext}", b"{dir}", b"{hash8}", b"{format}", b"/", b"..", b".", b"{{", b"}}", b"\0"],
    ),
    "rule": Parser(
        _rules,
        (UsageError, ValueError),
        [b"**/*.jpg", b"[a-z]?/", b"!x"],
        [b"**/", b"*", b"[", b"]", b"{a,b}", b"\\", b"!", b"/"],
    ),
    "recipe": Parser(
        lambda data: loads(_text(data)),
        (UsageError,),
        [b"[[steps]]\nresize = {width = 9}\n", b"[[renditions]]\nformat = 'webp'\n"],
        _TOML,
    ),
    "toml": Parser(lambda data: parse(_text(data), "x"), (UsageError,), [b"a = 1\n[b]\nc = [1,\n2]\n"], _TOML),
    "settings": Parser(
        _settings,
        (UsageError,),
        [b"width = 800\n[presets.a]\nformat = 'webp'\n"],
        [*_TOML, *(key.encode() for key in OPTIONS)],
    ),
    "frames": Parser(_frames, (), [encode_message(WorkerMessage(1, 1, 0.5, b"warned", b"result")) * 2]),
    "answer": Parser(
        _answer,
        (ValueError,),
        [
            OUTCOME_SERIALIZER.encode(
                [
                    Outcome(
                        OutputRef(_JOB.source, ""),
                        Written(out_bytes=5, in_size=(9, 9), out_size=(4, 4), in_format="a", out_format="b"),
                    )
                ]
            ),
            OUTCOME_SERIALIZER.encode([Outcome(OutputRef(_JOB.source, ""), Failed(Reason.DAMAGED, "no"))] * 2),
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
        _ledger,
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
    "metadata": Parser(_metadata, (), [_exif.tobytes(), XMP, IPTC]),
    "stripped": Parser(
        _stripped, (), [_drawn[name] for name in ("metadata.jpg", "cICP.png", "metadata.webp", "progressive.jpg")]
    ),
    "gain map": Parser(_gain_map, (GainMapError,), [data for name, data in _drawn.items() if name.startswith("hdr-")]),
    "headroom": Parser(
        _headroom,
        (GainMapError,),
        [b"\0" + _apple.tobytes(), XMP],
        [b'xmlns:a="http://ns.apple.com/HDRGainMap/1.0/"', b'a:HDRGainMapHeadroom="4"', b"1e999"],
    ),
    "profile": Parser(_profile, (ZeroDivisionError, struct.error), [struct.pack(">9I", *([30_000] * 9))]),
}
"""All parsers, by name."""

"""What is done with the bytes that a parser of this package is given."""

import contextlib
import io
import json
import os
import sqlite3
import struct
import tempfile
import warnings

from PIL import Image

from benchmarks.seeds import XMP
from forkresize.batch.results import outcomes_from_result
from forkresize.batch.staleness_checker import StalenessChecker
from forkresize.batch.wire import OUTCOME_SERIALIZER
from forkresize.cli.config.command import BY_KEY as OPTIONS
from forkresize.cli.config.files import read_settings
from forkresize.image import metadata
from forkresize.image.color import icc
from forkresize.image.color.convert import srgb_profile
from forkresize.image.color.deep_convert import convert_deep
from forkresize.image.container import replace_metadata
from forkresize.image.deep_image import DeepImage
from forkresize.image.diagnostics import Diagnostics
from forkresize.image.gainmap import apple
from forkresize.image.gainmap.output import make_map
from forkresize.image.gainmap.source import find_gain_map
from forkresize.image.geometry.layout import layout
from forkresize.image.metadata import MetadataBlocks
from forkresize.image.picture import View
from forkresize.job import Job, Output, Source
from forkresize.ledger import RecipeFingerprints
from forkresize.ledger.sqlite import SqliteLedger, ledger_path
from forkresize.ledger.sqlite.schema import COLUMNS
from forkresize.plan.naming import Naming
from forkresize.plan.staleness import Policy, Rules
from forkresize.pool import Completed
from forkresize.pool.protocol import FrameReader, WorkerMessage
from forkresize.recipe import Metadata, Recipe, Resize, Size
from forkresize.record import record
from forkresize.store import LocalStore, check_key
from forkresize.walk.rules import Rule, first_match


def to_text(data: bytes) -> str:
    """Return the text of bytes that need not be UTF-8."""
    return data.decode("utf-8", "surrogateescape")


def make_names(data: bytes) -> None:
    """Make the names of outputs by a template, and check them."""
    template = to_text(data)
    naming = Naming(Recipe(), template)
    for relative in ("a.jpg", "d/{x}/b.c.png", "..jpg", "-", "a."):
        for output in naming.outputs(Source(f"/in/{relative}", relative)):
            check_key(output.key)


def check_against_row(data: bytes) -> None:
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


def match_rules(data: bytes) -> None:
    """Match names by a rule."""
    judge = first_match([Rule(include=True, pattern=to_text(data))])
    for name in ("a.jpg", "a/b/c.jpg", "a/", "{x}/[y].png"):
        judge(name)


def read_frames(data: bytes) -> None:
    """Read messages in parts and as a whole, and compare them."""
    inbox, whole = FrameReader(), FrameReader()
    cut = len(data) // 3
    in_parts = [*inbox.feed(data[:cut]), *inbox.feed(data[cut:])]
    if [*map(_plain, in_parts)] != [*map(_plain, whole.feed(data))]:
        raise AssertionError("the messages depend on how the data is split")


JOB = Job(Source("/in/a.jpg", "a.jpg", 10, 20), (Output("a-1.jpg"), Output("a-2.jpg", 1)))


def read_answer(data: bytes) -> None:
    """Convert a worker's response to outcomes and records."""
    details = OUTCOME_SERIALIZER.decode(data)
    completed = Completed(item=JOB, result=details, attempts=1, worker=7, seconds=0.5, stderr="")
    json.dumps([*map(record, outcomes_from_result(completed, LocalStore("/out", "tag")))], allow_nan=False)


def _plain(report: WorkerMessage) -> tuple[object, ...]:
    return tuple(bytes(part) if isinstance(part, bytes | bytearray) else repr(part) for part in report)


def strip_twice(data: bytes) -> None:
    """Replace the metadata of files twice: the second pass changes nothing."""
    for kind in ("jpeg", "png", "webp"):
        made = replace_metadata(data, kind, MetadataBlocks(xmp=XMP))
        if made is not None and replace_metadata(made, kind, MetadataBlocks(xmp=XMP)) != made:
            raise AssertionError(f"{kind}: a second pass changes the file")


def filter_metadata(data: bytes) -> None:
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


def make_gain_map(data: bytes) -> None:
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


def read_headroom(data: bytes) -> None:
    """Read the headroom of a gain map from XMP and Exif, separated by a null byte."""
    packet, _zero, exif = data.partition(b"\0")
    apple.read_headroom(packet, exif)


def make_profile(data: bytes) -> None:
    """Make a color profile of nine numbers."""
    numbers = struct.unpack(">9I", data[:36].ljust(36, b"\1"))
    x = [number / 100_000 for number in numbers]
    icc.color_profile(((x[0], x[1]), (x[2], x[3]), (x[4], x[5]), (x[6], x[7])), icc.power(1 / x[8]))


def read_settings_file(data: bytes) -> None:
    """Read a settings file."""
    path = f"/tmp/fuzz-settings-{os.getpid()}.toml"  # noqa: S108 -- ours alone by its number.
    with open(path, "wb") as file:
        file.write(data)
    try:
        read_settings(path, None, OPTIONS)
    finally:
        os.unlink(path)


def convert(data: bytes) -> None:
    """Convert colors by a profile."""
    convert_deep(DeepImage.of_color((2, 2), (1, 2, 3)), data, srgb_profile())

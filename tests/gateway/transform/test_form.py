"""Forms: the picture goes into its memfd and the fields into memory, in any parts; malformed ones are refused."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from starlette.requests import Request
from starlette.types import Message

from forkresize.gateway.problem import Problem
from forkresize.gateway.transform.form import FormReader
from forkresize.gateway.transform.uploads import Upload, UploadMemory

TYPE = 'multipart/form-data; boundary="xyz"'


def part(name: str, data: bytes, *, extra: str = "") -> bytes:
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + data + b"\r\n"


END = b"--xyz--\r\n"
PICTURE = bytes(range(256)) * 40 + b"\r\n--xy\r\n"
FORM = part("width", b"80") + part("picture", PICTURE, extra='; filename="a b.jpg"') + part("text", "ü".encode()) + END


@contextmanager
def open_upload(limit: int = 100_000) -> Iterator[Upload]:
    memory = UploadMemory(limit)
    with memory.open(limit, 0) as upload:
        yield upload
    assert memory.used == 0


def read(upload: Upload, body: bytes, size: int = 1 << 16, content_type: str = TYPE) -> dict[str, str]:
    parts = [body[start : start + size] for start in range(0, len(body), size)]

    async def receive() -> Message:
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    return asyncio.run(FormReader(content_type, upload).read(Request({"type": "http"}, receive)))


@pytest.mark.parametrize("size", [1, 7, 100, 1 << 16])
def test_a_form_is_read_in_parts_of_any_size(size: int) -> None:
    with open_upload() as upload:
        assert read(upload, FORM, size) == {"width": "80", "text": "ü"}
        assert upload.size == len(PICTURE)
        assert upload.name == "a b.jpg"
        upload.complete()
        upload.file.seek(0)
        assert upload.file.read() == PICTURE


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (FORM[:-4], 400, "ends too early"),
        (FORM.replace(b"--xyz", b"--abc"), 400, "cannot be read"),
        (b"no form at all", 400, "cannot be read"),
        (part("picture", b"1") + part("picture", b"2") + END, 400, "several pictures"),
        (part("a", b"1", extra='; filename="x"') + part("b", b"2", extra="; filename=y") + END, 400, "several"),
        (part("width", b"1") + part("width", b"2") + END, 400, "given twice"),
        (part("", b"1") + END, 400, "not a field with a name"),
        (b"--xyz\r\n\r\n1\r\n" + END, 400, "not a field with a name"),
        (part("text", b"\xff") + END, 400, "not UTF-8"),
        (b"".join(part(f"{number}", b"") for number in range(101)) + END, 400, "more than 100 fields"),
        (part("text", b"x" * 70_000) + END, 413, "more than 65536 bytes"),
        (b"".join(part(f"{number}", b"x" * 10_000) for number in range(7)) + END, 413, "more than 65536 bytes"),
        (part("picture", b"x" * 100_001) + END, 413, "more than 100000 bytes"),
        (part("text", b"", extra="; x=" + "y" * 9000) + END, 400, "cannot be read"),
    ],
)  # fmt: skip
def test_a_malformed_or_too_large_form_is_refused(body: bytes, status: int, detail: str) -> None:
    with open_upload() as upload, pytest.raises(Problem) as found:
        read(upload, body)
    assert found.value.status == status
    assert detail in found.value.detail


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=" + "x" * 300])
def test_a_form_needs_a_boundary(content_type: str) -> None:
    with open_upload() as upload, pytest.raises(Problem, match="cannot be read"):
        read(upload, FORM, content_type=content_type)

"""Forms with a picture, read while they arrive: the picture goes into its memfd, other fields into memory."""

from http import HTTPStatus
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from forkresize.gateway.problem import Problem
from forkresize.gateway.transform.uploads import Upload

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PICTURE = "picture"
"""The name of the field with the picture. Other names are accepted for fields that have a file name."""

_MAX_FIELDS = 100
_MAX_TEXT = 1 << 16
"""Bytes of all other fields together."""


class FormReader:
    """Reads a form.

    Args:
        content_type: the header of the request.
        upload: where the picture goes.

    Raises:
        Problem: 400: the header has no usable boundary.
    """

    def __init__(self, content_type: str, upload: Upload) -> None:
        self._upload = upload
        self._fields: dict[str, bytearray] = {}
        self._text_size = self._parts = 0
        self._has_picture = self._is_complete = False
        self._header_name = b""
        self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._target: bytearray | Upload = bytearray()
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not boundary:
            raise _form_problem("the header Content-Type has no boundary")
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise _form_problem(str(error)) from error

    async def read(self, request: Request) -> dict[str, str]:
        """Read the form to its end; return the fields besides the picture.

        Raises:
            Problem: it is malformed, too large, or has no picture.
        """
        async for part in request.stream():
            try:
                self._parser.write(part)
            except FormParserError as error:
                raise _form_problem(str(error)) from error
        if not self._is_complete:
            raise _form_problem("the form ends too early")
        try:
            return {name: value.decode() for name, value in self._fields.items()}
        except UnicodeDecodeError as error:
            raise _form_problem("a field is not UTF-8") from error

    def _callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin_part,
            "on_header_begin": self._begin_header,
            "on_header_field": self._add_to_name,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._choose_target,
            "on_part_data": self._add_data,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > _MAX_FIELDS:
            raise _form_problem(f"the form has more than {_MAX_FIELDS} fields")
        self._headers = {}

    def _begin_header(self) -> None:
        self._header_name = self._header_value = b""

    def _add_to_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value

    def _choose_target(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        name = options.get(b"name", b"").decode(errors="replace")
        if kind != b"form-data" or not name:
            raise _form_problem("a part is not a field with a name")
        if name == PICTURE or b"filename" in options:
            if self._has_picture:
                raise Problem(HTTPStatus.BAD_REQUEST, "the form has several pictures: send one", field=name)
            self._has_picture = True
            self._upload.name = options.get(b"filename", b"").decode(errors="replace")
            self._target = self._upload
        elif name in self._fields:
            raise Problem(HTTPStatus.BAD_REQUEST, "it is given twice", field=name)
        else:
            self._target = self._fields[name] = bytearray()

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        part = memoryview(data)[start:end]
        if isinstance(self._target, Upload):
            self._target.write(part)
            return
        self._text_size += len(part)
        if self._text_size > _MAX_TEXT:
            text = f"the fields besides the picture have more than {_MAX_TEXT} bytes"
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, text)
        self._target += part

    def _end(self) -> None:
        self._is_complete = True


def _form_problem(detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, f"the form cannot be read: {detail}")

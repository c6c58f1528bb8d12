"""``POST /v1/transform`` of a gateway that runs: pictures in, pictures out, and what is refused with which status."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from forkresize.gateway.access.api_keys import create_key
from forkresize.gateway.transform.routes import _list_warnings
from tests.gateway.conftest import Gateway, run_gateway

pytestmark = pytest.mark.slow

KEY = create_key("web", "submitter")


@pytest.fixture(scope="module")
def transformer(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    keys = tmp_path_factory.mktemp("keys") / "keys"
    keys.write_text(KEY.line)
    preset = keys.with_name("thumb.toml")
    preset.write_text('[[renditions]]\nwidth = 80\nformat = "webp"\n')
    options = [
        "--preset",
        f"thumb={preset}",
        "--api-keys",
        str(keys),
        "--max-size",
        "1M",
        "--max-pixels",
        "2",
        "--workers",
        "1",
        "--unsigned",
    ]
    with run_gateway("--root", f"photos={photos}", *options) as gateway:
        gateway.client.headers["authorization"] = f"Bearer {KEY.key}"
        yield gateway


@pytest.fixture(scope="module")
def picture(photos: Path) -> bytes:
    return (photos / "one.jpg").read_bytes()


def transform(gateway: Gateway, **request: Any) -> httpx.Response:
    return gateway.client.post("v1/transform", **request)


def open_answer(response: httpx.Response) -> Image.Image:
    assert response.status_code == 200, response.text
    return Image.open(io.BytesIO(response.content))


def test_a_raw_body_and_a_query_make_a_picture(transformer: Gateway, picture: bytes) -> None:
    response = transform(transformer, content=picture, params={"width": 80, "format": "webp"})
    image = open_answer(response)
    assert (image.format, image.size) == ("WEBP", (80, 60))
    assert response.headers["content-type"] == "image/webp"
    assert response.headers["content-disposition"] == 'inline; filename="picture.webp"'
    assert response.headers["picture-size"] == "80x60"
    assert response.headers["cache-control"] == "no-store"
    assert "picture-warnings" not in response.headers


def test_a_form_makes_a_picture_with_the_name_of_the_upload(transformer: Gateway, picture: bytes) -> None:
    recipe = {"renditions": [{"width": 100, "format": "png"}], "steps": [{"grayscale": True}]}
    form = {"data": {"recipe": json.dumps(recipe)}, "files": {"picture": ('..\\dir/Ünter "x".JPG', picture)}}
    response = transform(transformer, **form)
    image = open_answer(response)
    assert (image.format, image.size, image.mode) == ("PNG", (100, 75), "L")
    disposition = response.headers["content-disposition"]
    assert disposition.startswith('inline; filename="_nter ')
    assert ".png\"; filename*=UTF-8''%C3%9Cnter" in disposition
    assert disposition.endswith(".png")


def test_a_body_may_come_in_parts_and_a_text_may_be_drawn(transformer: Gateway, picture: bytes) -> None:
    parts = (picture[start : start + 1000] for start in range(0, len(picture), 1000))
    open_answer(transform(transformer, content=parts, params={"width": 80, "watermark_text": "hello"}))


def test_a_loss_is_in_a_header(transformer: Gateway) -> None:
    frames = [Image.new("RGB", (40, 40), color) for color in ("red", "green", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    response = transform(transformer, content=file.getvalue(), params={"format": "jpeg"})
    open_answer(response)
    [warning] = json.loads(response.headers["picture-warnings"])
    assert "frame" in warning


def test_as_many_warnings_as_fit_are_in_a_header() -> None:
    assert _list_warnings(()) == ""
    assert json.loads(_list_warnings(["x" * 1900] * 3)) == ["x" * 1900] * 2
    assert _list_warnings(["x" * 5000]) == ""


def test_a_preset_may_have_options_on_top(transformer: Gateway, picture: bytes) -> None:
    response = transform(transformer, data={"preset": "thumb", "width": "40"}, files={"picture": picture})
    image = open_answer(response)
    assert (image.format, image.size) == ("WEBP", (40, 30))


def damage(picture: bytes) -> bytes:
    return picture[: len(picture) // 2]


def draw(size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("L", size).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("body", "params", "headers", "status", "field"),
    [
        (b"no picture", {"width": "8"}, {}, 415, ""),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", {"width": "8"}, {}, 415, ""),
        (b"", {"width": "8"}, {}, 400, "picture"),
        (None, {}, {}, 422, "recipe"),
        (None, {"width": "wide"}, {}, 400, "width"),
        (None, {"watermark": "/etc/passwd"}, {}, 400, "watermark"),
        (None, {"width": "8,16"}, {}, 422, "renditions"),
        (None, {"width": "8"}, {"content-encoding": "gzip"}, 415, "Content-Encoding"),
        (None, {"width": "8"}, {"content-type": "multipart/mixed; boundary=x"}, 415, "Content-Type"),
        (b"{}", {"width": "8"}, {"content-type": "application/json"}, 415, "Content-Type"),
        (None, {"width": "8"}, {"content-type": "multipart/form-data"}, 400, ""),
        (b"x" * 1_000_001, {"width": "8"}, {}, 413, ""),
    ],
)
def test_what_is_refused_has_a_status_and_a_field(
    transformer: Gateway,
    picture: bytes,
    body: bytes | None,
    params: dict[str, str],
    headers: dict[str, str],
    status: int,
    field: str,
) -> None:
    response = transform(transformer, content=picture if body is None else body, params=params, headers=headers)
    problem = response.json()
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem.get("field", ""), problem["status"]) == (status, field, status)


def test_pictures_that_cannot_be_made_have_the_reason(transformer: Gateway, picture: bytes) -> None:
    cases = [
        (damage(picture), {"width": 80}, 422, "damaged or truncated"),
        (draw((2000, 1001)), {"width": 80}, 413, "too many pixels"),
        (picture, {"width": 3000, "height": 3000, "fit": "fill", "enlarge": "true"}, 413, "too many pixels"),
        (picture, {"crop": "10x10+9000+9000"}, 422, "cannot be done to it"),
    ]
    for body, params, status, reason in cases:
        response = transform(transformer, content=body, params=params)
        assert (response.status_code, response.json().get("reason")) == (status, reason), response.text
    open_answer(transform(transformer, content=picture, params={"width": 80}))

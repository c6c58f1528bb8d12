"""The binding of libwebp is used with libraries that it knows, and with no others."""

import ctypes
import io
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image, _webp

from forkresize.formats.webp import coded_pixels
from forkresize.image.decode.libwebp import LibWebP, find_libwebp

_PATH = str(_webp.__file__)

_FUNCTIONS = ("WebPInitDecoderConfigInternal", "WebPGetFeaturesInternal", "WebPDecode", "WebPGetDecoderVersion")


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    """Skip where the library is not found, and find it anew afterwards."""
    if find_libwebp() is None:
        pytest.skip("Pillow has a libwebp whose functions are not found")
    find_libwebp.cache_clear()
    yield
    find_libwebp.cache_clear()


@pytest.fixture
def with_function(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[..., int] | None], None]:
    """Put a function in the place of one of the library; None for a library without it."""
    load = ctypes.CDLL

    def replace(name: str, function: Callable[..., int] | None) -> None:
        def find(*arguments: Any, **options: Any) -> object:
            library = load(*arguments, **options)
            functions = {each: getattr(library, each) for each in _FUNCTIONS if each != name}
            return SimpleNamespace(**functions, **({name: function} if function else {}))

        monkeypatch.setattr(ctypes, "CDLL", find)

    return replace


def coded(mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (5, 7), (9, 8, 7, 6)[: len(mode)]).save(file, "WEBP", lossless=True, exact=True)
    return coded_pixels(file.getvalue())


def test_pixels_have_four_bytes() -> None:
    opaque, translucent = LibWebP(_PATH).decode(coded(), (5, 7), alpha=False), coded("RGBA")
    assert opaque is not None
    assert opaque[:] == bytes((9, 8, 7, 255)) * 35
    pixels = LibWebP(_PATH).decode(translucent, (5, 7), alpha=True)
    assert pixels is not None
    assert pixels[:] == bytes((9, 8, 7, 6)) * 35


@pytest.mark.parametrize(
    ("data", "size", "alpha"),
    [
        pytest.param(coded(), (7, 5), False, id="another size"),
        pytest.param(coded("RGBA"), (5, 7), False, id="transparency that is not declared"),
        pytest.param(coded()[:-8], (5, 7), False, id="an early end"),
        pytest.param(b"", (5, 7), False, id="nothing"),
    ],
)
def test_unexpected_files_are_refused(data: bytes, size: tuple[int, int], *, alpha: bool) -> None:
    assert LibWebP(_PATH).decode(data, size, alpha=alpha) is None


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_a_library_without_its_functions_is_not_used(name: str, with_function: Callable[..., None]) -> None:
    with_function(name, None)
    assert find_libwebp() is None


def test_a_library_that_is_not_loaded_stays_so(tmp_path: Any) -> None:
    with pytest.raises(OSError, match="missing"):
        LibWebP(str(tmp_path / "missing.so"))


def test_another_version_is_not_used(with_function: Callable[..., None]) -> None:
    with_function("WebPGetDecoderVersion", lambda: 0x020000)
    assert find_libwebp() is None


@pytest.mark.parametrize(("change", "is_known"), [(-4, False), (0, True), (4, False)])
def test_structures_of_other_sizes_are_not_used(
    change: int, *, is_known: bool, with_function: Callable[..., None]
) -> None:
    def initialize(buffer: Any, _version: int) -> int:
        ctypes.memset(buffer, 0, ctypes.sizeof(buffer) // 2 + change)
        return 1

    with_function("WebPInitDecoderConfigInternal", initialize)
    assert (find_libwebp() is not None) is is_known


def test_another_interface_is_not_used(with_function: Callable[..., None]) -> None:
    with_function("WebPInitDecoderConfigInternal", lambda *_: 0)
    assert find_libwebp() is None

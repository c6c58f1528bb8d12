import contextlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.errors import FieldError
from forkresize.gateway.imgproxy.geometry import SourceSize
from forkresize.gateway.imgproxy.grammar import ACCEPTED, BY_NAME, REFUSED
from forkresize.gateway.imgproxy.path import parse_path
from forkresize.gateway.imgproxy.recipe import Recipes
from forkresize.recipe import Recipe

PRESETS = {"thumb": Recipe.of(width=300, height=300, fit="cover", format="webp", quality=70)}


def encode(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("source", "key", "output"),
    [
        ("plain/photos/a.jpg", "a.jpg", None),
        ("plain/photos/a.jpg@webp", "a.jpg", "webp"),
        ("plain/photos/a.jpg@", "a.jpg", None),
        ("plain/photos/summer%202024/sea%402x.jpg@jpg", "summer 2024/sea@2x.jpg", "jpeg"),
        ("plain/photos%2Fs%C3%A9a.jpg", "séa.jpg", None),
        ("plain/photos/100%25.jpg", "100%.jpg", None),
        ("plain/photos/%252e%252e/a.jpg", "%2e%2e/a.jpg", None),
        (encode("photos/sea@2x.jpg"), "sea@2x.jpg", None),
        (encode("photos/sea@2x.jpg") + "=.avif", "sea@2x.jpg", "avif"),
        (encode("photos/a.jpg")[:5] + "/" + encode("photos/a.jpg")[5:] + ".png", "a.jpg", "png"),
    ],
)
def test_a_source_is_plain_or_in_base64_and_its_format_follows(source: str, key: str, output: str | None) -> None:
    found = parse_path(f"/width:300/{source}")
    assert (found.root, found.key, found.options.format) == ("photos", key, output)
    assert found.options.width == 300


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        ("", "source", "the path must have options and a source"),
        ("width:300/plain/photos/a.jpg", "source", "the path must have"),
        ("/" + "a" * 8192, "source", "in 8192 characters"),
        ("/width:300", "source", "is missing"),
        ("/plain/", "source", "is missing"),
        ("/plain/photos", "source", "names no picture"),
        ("/plain/photos/", "source", "names no picture"),
        ("/plain//a.jpg", "source", "names no picture"),
        ("/plain/photos/a@2x.jpg@webp", "source", "several formats, separated by '@'; write @ as %40"),
        ("/plain/photos/a.jpg@best", "format", "invalid value 'best': use one of"),
        ("/plain/photos/100%.jpg", "source", "write % as %25"),
        ("/plain/photos/%ff.jpg", "source", "is not UTF-8"),
        ("/a.b.c", "source", "several formats, separated by '.'"),
        ("/a+b", "source", "is not URL-safe Base64"),
        ("/abcde", "source", "is not URL-safe Base64"),
        ("/_w", "source", "is not UTF-8"),
        ("/fill/300/200/ce/0/plain/photos/a.jpg", "fill", "the basic URL format"),
        ("/300x200/plain/photos/a.jpg", "source", "'300x200' is not an option, which has a name and a colon"),
        ("/preset:other/plain/photos/a.jpg", "preset", "unknown preset 'other': use one of thumb"),
        ("/preset:thumb:other/plain/photos/a.jpg", "preset", "each is a whole recipe"),
        ("/pr:thumb/pr:other/plain/photos/a.jpg", "pr", "each is a whole recipe"),
        ("/plain:1/photos/a.jpg", "plain", "unknown option"),
    ],
)
def test_a_malformed_path_is_refused_by_the_name_of_what_is_wrong(path: str, field: str, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        parse_path(path, PRESETS)
    assert caught.value.field == field
    assert message in caught.value.message


def test_with_presets_only_the_name_of_a_preset_takes_the_place_of_options() -> None:
    found = parse_path("/thumb/plain/photos/a.jpg@png", PRESETS, only_presets=True)
    assert (found.options.preset, found.options.format, found.key) == ("thumb", "png", "a.jpg")


@pytest.mark.parametrize("path", ["/exp:9/cb:v1/thumb", "/thumb/exp:9/cb:v1", "/cb:v1/thumb/expires:9"])
@pytest.mark.parametrize("source", ["/plain/photos/a.jpg", "/cGhvdG9zL2EuanBn"])
def test_with_presets_only_urls_may_still_end_and_be_cached_for_long(path: str, source: str) -> None:
    found = parse_path(path + source, PRESETS, only_presets=True)
    assert (found.options.preset, found.options.expires, found.options.cachebuster) == ("thumb", 9, "v1")
    assert (found.root, found.key) == ("photos", "a.jpg")


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        ("/width:300/plain/photos/a.jpg", "width", "beside it only cachebuster, expires, filename, return_attachment"),
        ("/thumb/width:300/plain/photos/a.jpg", "width", "makes presets only"),
        ("/thumb:other/plain/photos/a.jpg", "thumb", "makes presets only"),
        ("/exp:x/thumb/plain/photos/a.jpg", "exp", "invalid value 'x'"),
        ("/plain/photos/a.jpg", "preset", "unknown preset 'plain'"),
        ("/exp:9", "preset", "is missing"),
        ("/", "preset", "is missing"),
        ("/thumb", "source", "is missing"),
    ],
)
def test_with_presets_only_what_else_changes_a_picture_is_refused(path: str, field: str, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        parse_path(path, PRESETS, only_presets=True)
    assert caught.value.field == field
    assert message in caught.value.message


def test_without_presets_none_is_proposed() -> None:
    with pytest.raises(FieldError, match="this gateway has no presets"):
        parse_path("/preset:thumb/plain/photos/a.jpg")


words = st.one_of(
    st.sampled_from([*BY_NAME, *REFUSED]),
    st.sampled_from("0 1 t -1 0.5 300 1e9 ce fp sm re jpeg auto fill thumb ff8000 %41 . @ plain".split()),
    st.text(max_size=6),
)
options = st.lists(words, min_size=1, max_size=6).map(":".join)
paths = st.one_of(
    st.text(max_size=60),
    st.lists(st.one_of(options, st.sampled_from(["plain/photos/a.jpg", "plain", encode("photos/a")])), max_size=8).map(
        lambda parts: "/" + "/".join(parts)
    ),
)


@given(paths, st.booleans())
def test_any_text_is_a_request_with_a_recipe_or_refused_with_a_field(path: str, only_presets: bool) -> None:
    recipes = Recipes(PRESETS)

    def outcome() -> tuple[object, object]:
        try:
            found = parse_path(path, PRESETS, only_presets=only_presets)
            return found, recipes.make(found.options, None, SourceSize(640, 480))
        except FieldError as error:
            return error.field, error.message

    assert outcome() == outcome()


@given(st.sampled_from(sorted(BY_NAME)), st.lists(st.text(":/09af.-", max_size=4), min_size=1, max_size=9))
def test_an_option_with_any_arguments_is_accepted_or_refused_with_a_field(name: str, texts: list[str]) -> None:
    path = f"/{name}:{':'.join(texts)}/plain/photos/a.jpg".replace("//", "/")
    with contextlib.suppress(FieldError):
        assert parse_path(path, PRESETS).root == "photos"


def test_no_option_has_the_name_of_another_one() -> None:
    names = [name for option in ACCEPTED for name in option.names]
    assert len(set(names)) == len(names)
    assert not set(names) & set(REFUSED)

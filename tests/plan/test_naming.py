"""The keys that templates give to outputs, and which templates are refused."""

import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forkresize.errors import FieldError
from forkresize.job import Source
from forkresize.plan import Naming
from forkresize.plan.naming import FIELDS
from forkresize.recipe import Format, Recipe, Rendition, Size
from forkresize.store import check_key

names = (
    st.binary(min_size=1, max_size=30)
    .map(os.fsdecode)
    .filter(lambda name: not {"\0", "/"} & {*name} and name not in {".", ".."})
)

PHOTO = Source("in/trip/a.b.JPG", "trip/a.b.JPG", size=1000, mtime_ns=5)


@pytest.mark.parametrize(
    ("template", "asked", "expected"),
    [
        ("{stem}{ext}", {}, "trip/a.b.JPG"),
        ("{stem}{ext}", {"format": Format.WEBP}, "trip/a.b.webp"),
        ("{stem}{ext}", {"format": Format.JPEG}, "trip/a.b.jpg"),
        ("{stem}{ext}", {"format": Format.TIFF}, "trip/a.b.tif"),
        ("{name}{ext}", {"format": Format.WEBP}, "trip/a.b.JPG.webp"),
        ("{stem}-{width}x{height}{ext}", {"width": 80, "height": 60}, "trip/a.b-80x60.JPG"),
        ("{dir}-{stem}{ext}", {}, "trip-a.b.JPG"),
        ("thumbs/{stem}{ext}", {}, "trip/thumbs/a.b.JPG"),
        ("{format}/{name}", {"format": Format.PNG}, "trip/png/a.b.JPG"),
        ("{format}/{name}", {}, "trip/jpg/a.b.JPG"),
        ("{{{stem}}}", {}, "trip/{a.b}"),
    ],
)
def test_a_template_is_filled_in(template: str, asked: dict[str, object], expected: str) -> None:
    assert Naming(Recipe.of(**asked), template).key_for(PHOTO) == expected


@pytest.mark.parametrize(
    ("template", "asked", "expected"),
    [
        (None, {}, "trip/IMG_1.HEIC.jpg"),
        (None, {"width": [80, 160]}, "trip/IMG_1-80w.HEIC.jpg"),
        ("{name}", {}, "trip/IMG_1.HEIC.jpg"),
        ("{format}/{stem}{ext}", {}, "trip/jpg/IMG_1.HEIC.jpg"),
        (None, {"format": Format.PNG}, "trip/IMG_1.png"),
        ("{name}{ext}", {"format": Format.PNG}, "trip/IMG_1.HEIC.png"),
    ],
)
def test_an_output_in_place_of_a_format_that_cannot_be_written_has_its_suffix(
    template: str | None, asked: dict[str, object], expected: str
) -> None:
    outputs = Naming(Recipe.of(**asked), template).outputs(Source("in/trip/IMG_1.HEIC", "trip/IMG_1.HEIC"))
    assert outputs[0].key == expected


def test_a_source_without_a_directory_has_an_empty_dir_field() -> None:
    assert Naming(Recipe.of(), "{dir}/{name}").key_for(Source("in/a.jpg", "a.jpg")) == "a.jpg"


@pytest.mark.parametrize(
    "template",
    [
        "{stem",
        "stem}",
        "{size}",
        "{}",
        "{0}",
        "{stem.__class__}",
        "{stem[0]}",
        "{stem!r}",
        "{stem:>99}",
        "",
        "/abs/{stem}",
        "../{stem}",
        "{stem}/../../x",
        "{dir}../{name}",
        ".forkresize/lock",
        "{dir}.{ext}./{name}",
        "{stem}/",
        "{stem}/.",
        "{dir}",
        "{ext}",
        "{format}",
        "{dir}/{ext}",
        "x/{dir}{format}",
        "{ext}{ext}/{name}",
        ".{ext}/{name}",
        "\ud800{stem}",
        "{stem}\0",
    ],
)
def test_an_invalid_template_is_refused(template: str) -> None:
    with pytest.raises(FieldError, match=r"^name: "):
        Naming(Recipe.of(), template)


@pytest.mark.parametrize("template", ["{ext}", "{format}", "{dir}/{format}", "{ext}{ext}/{stem}"])
def test_a_field_that_is_never_empty_may_be_the_whole_name(template: str) -> None:
    key = Naming(Recipe.of(format=Format.WEBP), template).key_for(Source("in/a.", "a."))
    assert key[-1] not in "/."


templates = st.lists(
    st.sampled_from([*(f"{{{field}}}" for field in FIELDS), "/", ".", "..", "-", " ", "{{", "é", "\n", "\udcff", "\0"]),
    max_size=6,
).map("".join)
folders = st.lists(names, max_size=2)


@given(templates, folders, names, st.sampled_from([None, "webp"]))
@example("{ext}{ext}/{name}", [], "a.", None)
@example("{stem}/.", ["b"], "...", None)
def test_a_valid_template_gives_every_source_a_valid_key(
    template: str, folder: list[str], name: str, output: str | None
) -> None:
    try:
        naming = Naming(Recipe.of(width=8, height=8, format=output), template)
    except FieldError:
        return
    key = naming.key_for(Source("x", "/".join([*folder, name])))
    assert check_key(key) == key
    assert os.fsencode(key)


@pytest.mark.parametrize("side", ["width", "height"])
def test_a_side_that_is_not_set_has_no_field(side: str) -> None:
    with pytest.raises(FieldError, match=f"{side}. has no value"):
        Naming(Recipe.of(), f"{{stem}}-{{{side}}}")


@given(names)
def test_special_characters_in_names_have_no_meaning(name: str) -> None:
    assert Naming(Recipe.of()).key_for(Source("x", f"dir/{name}")) == f"dir/{name}"


def test_the_hash_changes_with_source_and_recipe() -> None:
    def name(source: Source, width: int) -> str:
        return os.path.basename(Naming(Recipe.of(width=width), "{hash8}").key_for(source))

    others = [name(Source("in/b", "b", 1000, 5), 80), name(Source("in/a", "a", 1001, 5), 80)]
    others += [name(Source("in/a", "a", 1000, 6), 80), name(Source("in/a", "a", 1000, 5), 81)]
    assert len({name(Source("in/a", "a", 1000, 5), 80), *others}) == 5
    assert all(len(each) == 8 for each in others)


@given(
    st.sets(names, min_size=2, max_size=20),
    st.sampled_from(["{stem}{ext}", "{name}", "x-{name}", "{stem}-small{ext}", "{stem}{ext}.jpg", "a.{stem}{ext}"]),
)
def test_injective_templates_never_give_two_sources_one_key(found: set[str], template: str) -> None:
    naming = Naming(Recipe.of(), template)
    if naming.is_injective:
        assert len({naming.key_for(Source(name, name)) for name in found}) == len(found)


@pytest.mark.parametrize(
    ("template", "output"), [("{stem}{ext}", Format.PNG), ("{stem}", None), ("x", None), ("{hash8}", None)]
)
def test_templates_that_may_collide_are_not_injective(template: str, output: Format | None) -> None:
    assert not Naming(Recipe.of(format=output), template).is_injective


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"width": [80, 40]}, ["a-80w.jpg", "a-40w.jpg"]),
        ({"height": [80, 40]}, ["a-80h.jpg", "a-40h.jpg"]),
        ({"width": [80, 40], "height": [60, 60]}, ["a-80w.jpg", "a-40w.jpg"]),
        ({"width": 80, "height": [60, 40]}, ["a-60h.jpg", "a-40h.jpg"]),
        ({"width": [80, 80, 40], "height": [60, 50, 60]}, ["a-80x60.jpg", "a-80x50.jpg", "a-40x60.jpg"]),
        ({"format": ["webp", "jpeg"]}, ["a.webp", "a.jpg"]),
        ({"width": [80, 40], "format": ["webp", "keep"]}, ["a-80w.webp", "a-80w.jpg", "a-40w.webp", "a-40w.jpg"]),
        ({"width": 80}, ["a.jpg"]),
    ],
)
def test_default_names_of_renditions_contain_what_differs(asked: dict[str, object], expected: list[str]) -> None:
    naming = Naming(Recipe.of(**asked))
    outputs = naming.outputs(Source("in/a.jpg", "a.jpg"))
    assert [output.key for output in outputs] == [f"{name}" for name in expected]
    assert [output.rendition for output in outputs] == list(range(len(expected)))


@pytest.mark.parametrize("asked", [{"width": [80, 40]}, {"format": ["webp", "keep"]}])
def test_a_template_that_gives_renditions_one_name_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(FieldError, match="several renditions one name"):
        Naming(Recipe.of(**asked), "{name}")


def test_renditions_that_differ_in_no_field_are_refused() -> None:
    recipe = Recipe(renditions=(Rendition(size=Size(width=80)), Rendition(size=Size(long_edge=90))))
    with pytest.raises(FieldError, match="several renditions one name"):
        Naming(recipe)


def test_a_format_that_is_requested_twice_is_made_once() -> None:
    naming = Naming(Recipe.of(format=["keep", "webp"]))
    assert [each.key for each in naming.outputs(Source("in/a.webp", "a.webp"))] == ["a.webp"]
    assert [each.key for each in naming.outputs(Source("in/a.jpg", "a.jpg"))] == ["a.jpg", "a.webp"]


def test_flat_outputs_have_no_directory_and_may_collide() -> None:
    naming = Naming(Recipe.of(width=80), flat=True)
    assert naming.key_for(PHOTO) == "a.b.JPG"
    assert not naming.is_injective

import os

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forkresize.errors import UsageError
from forkresize.job import Source
from forkresize.plan import Naming
from forkresize.plan.naming import FIELDS
from forkresize.recipe import Format, Recipe, Rendition, Size

names = st.binary(min_size=1, max_size=30).filter(lambda name: not set(name) & {0, ord("/")}).map(os.fsdecode)

PHOTO = Source("in/trip/a.b.JPG", "trip/a.b.JPG", size=1000, mtime_ns=5)


@pytest.mark.parametrize(
    ("template", "asked", "expected"),
    [
        ("{stem}{ext}", {}, "out/trip/a.b.JPG"),
        ("{stem}{ext}", {"format": Format.WEBP}, "out/trip/a.b.webp"),
        ("{stem}{ext}", {"format": Format.JPEG}, "out/trip/a.b.jpg"),
        ("{stem}{ext}", {"format": Format.TIFF}, "out/trip/a.b.tif"),
        ("{name}{ext}", {"format": Format.WEBP}, "out/trip/a.b.JPG.webp"),
        ("{stem}-{width}x{height}{ext}", {"width": 80, "height": 60}, "out/trip/a.b-80x60.JPG"),
        ("{dir}-{stem}{ext}", {}, "out/trip-a.b.JPG"),
        ("thumbs/{stem}{ext}", {}, "out/trip/thumbs/a.b.JPG"),
        ("{format}/{name}", {"format": Format.PNG}, "out/trip/png/a.b.JPG"),
        ("{format}/{name}", {}, "out/trip/jpg/a.b.JPG"),
        ("{{{stem}}}", {}, "out/trip/{a.b}"),
    ],
)
def test_a_template_is_filled_in(template: str, asked: dict[str, object], expected: str) -> None:
    assert Naming("out", Recipe.of(**asked), template).place(PHOTO) == expected


def test_a_file_at_the_top_has_no_directory_in_its_name() -> None:
    assert Naming("out", Recipe.of(), "{dir}/{name}").place(Source("in/a.jpg", "a.jpg")) == "out/a.jpg"


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
def test_a_template_that_can_not_be_is_refused(template: str) -> None:
    with pytest.raises(UsageError, match=r"^--name: "):
        Naming("out", Recipe.of(), template)


@pytest.mark.parametrize("template", ["{ext}", "{format}", "{dir}/{format}", "{ext}{ext}/{stem}"])
def test_what_is_never_empty_may_be_all_of_a_name(template: str) -> None:
    place = Naming("out", Recipe.of(format=Format.WEBP), template).place(Source("in/a.", "a."))
    assert place.startswith("out/")
    assert place[-1] not in "/."


templates = st.lists(
    st.sampled_from([*(f"{{{field}}}" for field in FIELDS), "/", ".", "..", "-", " ", "{{", "é", "\n", "\udcff", "\0"]),
    max_size=6,
).map("".join)
folders = st.lists(names.filter(lambda name: name not in {".", ".."}), max_size=2)


@given(templates, folders, names.filter(lambda name: name not in {".", ".."}), st.sampled_from([None, "webp"]))
@example("{ext}{ext}/{name}", [], "a.", None)
@example("{stem}/.", ["b"], "...", None)
def test_a_template_that_is_taken_gives_every_source_a_file_below_the_destination(
    template: str, folder: list[str], name: str, output: str | None
) -> None:
    try:
        naming = Naming("out", Recipe.of(width=8, height=8, format=output), template)
    except UsageError:
        return
    path = naming.place(Source("x", "/".join([*folder, name])))
    *way, last = path.removeprefix("out/").split("/")
    assert path.startswith("out/")
    assert last not in {"", ".", ".."}
    assert ".." not in way
    assert b"\0" not in os.fsencode(path)


@pytest.mark.parametrize("side", ["width", "height"])
def test_a_side_that_was_not_asked_for_has_no_name(side: str) -> None:
    with pytest.raises(UsageError, match=f"without --{side}"):
        Naming("out", Recipe.of(), f"{{stem}}-{{{side}}}")


@given(names)
def test_a_name_is_never_syntax(name: str) -> None:
    assert Naming("out", Recipe.of()).place(Source("x", f"dir/{name}")) == f"out/dir/{name}"


def test_the_hash_changes_with_source_and_recipe() -> None:
    def name(source: Source, width: int) -> str:
        return os.path.basename(Naming("out", Recipe.of(width=width), "{hash8}").place(source))

    others = [name(Source("in/b", "b", 1000, 5), 80), name(Source("in/a", "a", 1001, 5), 80)]
    others += [name(Source("in/a", "a", 1000, 6), 80), name(Source("in/a", "a", 1000, 5), 81)]
    assert len({name(Source("in/a", "a", 1000, 5), 80), *others}) == 5
    assert all(len(each) == 8 for each in others)


@given(
    st.sets(names, min_size=2, max_size=20),
    st.sampled_from(["{stem}{ext}", "{name}", "x-{name}", "{stem}-small{ext}", "{stem}{ext}.jpg", "a.{stem}{ext}"]),
)
def test_names_that_are_called_injective_never_meet(found: set[str], template: str) -> None:
    naming = Naming("out", Recipe.of(), template)
    if naming.is_injective:
        assert len({naming.place(Source(name, name)) for name in found}) == len(found)


@pytest.mark.parametrize(
    ("template", "output"), [("{stem}{ext}", Format.PNG), ("{stem}", None), ("x", None), ("{hash8}", None)]
)
def test_names_that_may_meet_are_not_called_injective(template: str, output: Format | None) -> None:
    assert not Naming("out", Recipe.of(format=output), template).is_injective


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
def test_renditions_are_told_apart_by_what_differs(asked: dict[str, object], expected: list[str]) -> None:
    naming = Naming("out", Recipe.of(**asked))
    outputs = naming.outputs(Source("in/a.jpg", "a.jpg"))
    assert [output.path for output in outputs] == [f"out/{name}" for name in expected]
    assert [output.rendition for output in outputs] == list(range(len(expected)))


@pytest.mark.parametrize("asked", [{"width": [80, 40]}, {"format": ["webp", "keep"]}])
def test_a_template_that_gives_renditions_one_name_is_refused(asked: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="several renditions one name"):
        Naming("out", Recipe.of(**asked), "{name}")


def test_renditions_that_no_field_tells_apart_are_refused() -> None:
    recipe = Recipe(renditions=(Rendition(size=Size(width=80)), Rendition(size=Size(long_edge=90))))
    with pytest.raises(UsageError, match="several renditions one name"):
        Naming("out", recipe)


def test_the_source_s_own_format_is_made_once_where_it_is_asked_for_twice() -> None:
    naming = Naming("out", Recipe.of(format=["keep", "webp"]))
    assert [each.path for each in naming.outputs(Source("in/a.webp", "a.webp"))] == ["out/a.webp"]
    assert [each.path for each in naming.outputs(Source("in/a.jpg", "a.jpg"))] == ["out/a.jpg", "out/a.webp"]


def test_flat_outputs_lie_side_by_side_and_may_meet() -> None:
    naming = Naming("out", Recipe.of(width=80), flat=True)
    assert naming.place(PHOTO) == "out/a.b.JPG"
    assert not naming.is_injective

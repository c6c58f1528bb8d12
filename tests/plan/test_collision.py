import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forkresize.errors import CollisionError
from forkresize.exit_policy import ExitCode, exit_code_for_error
from forkresize.job import Source
from forkresize.plan import Collisions, Naming, OnCollision, OutputNames, find_collisions, identity
from forkresize.recipe import Format, Recipe

PNG = Naming("out", Recipe.of(format=Format.PNG))
KEEP = Naming("out", Recipe.of())


def everything_is_a_picture(_: str) -> bool:
    return True


def find(
    names: list[str],
    policy: OnCollision = OnCollision.ERROR,
    naming: Naming = PNG,
    *,
    folded: bool = False,
    is_picture: Callable[[str], bool] = everything_is_a_picture,
) -> Collisions:
    sources = [Source(f"in/{name}", name) for name in names]
    return find_collisions(lambda: sources, OutputNames(naming, folded), policy, is_picture)


def test_two_pictures_for_one_output_are_refused_by_name() -> None:
    with pytest.raises(CollisionError, match=r"'out/a\.png' would be made from 'in/a\.bmp' and 'in/a\.jpg'") as refusal:
        find(["a.bmp", "a.jpg", "b.jpg"])
    assert exit_code_for_error(refusal.value) is ExitCode.USAGE
    assert "--on-collision suffix" in str(refusal.value)


def test_many_collisions_are_told_in_few_lines() -> None:
    with pytest.raises(CollisionError, match="… and 95 more") as refusal:
        find([f"{number}.{suffix}" for number in range(100) for suffix in ("jpg", "bmp")])
    assert len(str(refusal.value).splitlines()) == 8


@pytest.mark.parametrize("policy", OnCollision)
def test_what_is_no_picture_collides_with_nothing_and_is_marked_itself(policy: OnCollision) -> None:
    found = find(["a.jpg", "a.xmp", "a.txt", "b.md", "b.rst"], policy, is_picture=lambda path: path.endswith(".jpg"))
    marks = {"in/a.xmp": "-xmp", "in/a.txt": "-txt", "in/b.md": "-md", "in/b.rst": "-rst"}
    assert found == Collisions(marks=marks)


def test_one_name_in_two_directories_is_no_collision() -> None:
    assert find(["x/a.jpg", "y/a.jpg"]) == Collisions()


def test_the_second_is_skipped_and_told_of_the_first() -> None:
    assert find(["a.bmp", "a.jpg", "a.tif"], OnCollision.SKIP).left_out == {
        "in/a.jpg": "in/a.bmp",
        "in/a.tif": "in/a.bmp",
    }


def test_all_of_a_group_are_marked_by_their_suffix() -> None:
    assert find(["a.bmp", "a.JPG"], OnCollision.SUFFIX).marks == {"in/a.bmp": "-bmp", "in/a.JPG": "-jpg"}
    assert PNG.place(Source("in/a.bmp", "a.bmp"), 0, "-bmp") == "out/a-bmp.png"


def test_a_mark_makes_no_collision_of_its_own() -> None:
    names = ["a.jpg", "a.png", "a-jpg.gif", "a-png.gif"]
    marks = find(names, OnCollision.SUFFIX).marks
    assert set(marks) == {"in/a.jpg", "in/a.png"}
    assert len({PNG.place(Source(name, name), 0, marks.get(f"in/{name}", "")) for name in names}) == 4


def test_a_mark_does_not_hang_on_how_a_source_is_spelled() -> None:
    def marks(root: str) -> list[str]:
        sources = [Source(f"{root}/a.jpg", "a.jpg"), Source(f"{root}/A.jpg", "A.jpg")]
        names = OutputNames(KEEP, folded=True)
        return list(find_collisions(lambda: sources, names, OnCollision.SUFFIX, everything_is_a_picture).marks.values())

    assert marks("in") == marks("./in")


def test_sources_with_one_name_in_two_roots_are_marked_apart() -> None:
    sources = [Source("a/photos/x.jpg", "photos/x.jpg"), Source("b/photos/x.jpg", "photos/x.jpg")]
    names = OutputNames(KEEP, folded=False)
    found = find_collisions(lambda: sources, names, OnCollision.SUFFIX, everything_is_a_picture)
    assert len({KEEP.place(source, 0, found.marks[source.path]) for source in sources}) == 2


@pytest.mark.parametrize("policy", [OnCollision.SKIP, OnCollision.SUFFIX])
def test_a_second_spelling_does_not_hide_a_collision(policy: OnCollision) -> None:
    sources = [Source("a.jpg", "a.jpg"), Source("a.png", "a.png"), Source("./a.png", "a.png")]
    found = find_collisions(lambda: sources, OutputNames(PNG, folded=False), policy, everything_is_a_picture)
    assert "a.png" in {**found.left_out, **found.marks}


def test_marks_tell_apart_what_differs_in_case_only() -> None:
    marks = find(["a.jpg", "A.jpg"], OnCollision.SUFFIX, KEEP, folded=True).marks
    assert len(set(marks.values())) == 2


@pytest.mark.parametrize(
    "names", [["a.jpg", "A.JPG"], ["é.jpg", unicodedata.normalize("NFD", "é.jpg")], ["Dir/a.jpg", "dir/a.jpg"]]
)
def test_names_are_compared_as_the_destination_would(names: list[str]) -> None:
    assert find(names, naming=KEEP) == Collisions()
    with pytest.raises(CollisionError):
        find(names, naming=KEEP, folded=True)


def test_a_source_that_is_named_twice_is_made_once() -> None:
    assert find(["a.jpg", "b.jpg", "a.jpg"]) == Collisions(repeated=frozenset({identity("in/a.jpg")}))
    spelled = [Source("in/a.jpg", "a.jpg"), Source("./in/a.jpg", "a.jpg")]
    found = find_collisions(lambda: spelled, OutputNames(PNG, folded=False), OnCollision.ERROR, everything_is_a_picture)
    assert found == Collisions(repeated=frozenset({identity("in/a.jpg")}))


@given(st.lists(st.text("ab.", min_size=1, max_size=5), max_size=60))
def test_a_group_is_found_exactly_where_an_output_has_two_sources(names: list[str]) -> None:
    names = [f"{name}x.jpg" for name in names] + [f"{name}x.bmp" for name in names[::2]]
    outputs: dict[str, set[str]] = {}
    for name in names:
        outputs.setdefault(PNG.place(Source(name, name)), set()).add(f"in/{name}")
    expected = set().union(*(group for group in outputs.values() if len(group) > 1))
    assert set(find(names, OnCollision.SUFFIX).marks) == expected

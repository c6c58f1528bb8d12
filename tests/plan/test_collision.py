"""Which sources share an output, and what is done about them."""

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
from forkresize.store import LocalStore

PNG = Naming(Recipe.of(format=Format.PNG))
KEEP = Naming(Recipe.of())


def accept_all(_: str) -> bool:
    return True


def find(
    names: list[str],
    policy: OnCollision = OnCollision.ERROR,
    naming: Naming = PNG,
    *,
    case_sensitive: bool = True,
    is_picture: Callable[[str], bool] = accept_all,
) -> Collisions:
    sources, location = [Source(f"in/{name}", name) for name in names], LocalStore("out").location
    return find_collisions(lambda: sources, OutputNames(naming, case_sensitive), policy, is_picture, location)


def test_two_pictures_for_one_output_are_refused_and_named() -> None:
    with pytest.raises(CollisionError, match=r"'out/a\.png' would be made from 'in/a\.bmp' and 'in/a\.jpg'") as refusal:
        find(["a.bmp", "a.jpg", "b.jpg"])
    assert exit_code_for_error(refusal.value) is ExitCode.USAGE


def test_many_collisions_are_reported_in_few_lines() -> None:
    with pytest.raises(CollisionError, match="… and 95 more") as refusal:
        find([f"{number}.{suffix}" for number in range(100) for suffix in ("jpg", "bmp")])
    assert len(str(refusal.value).splitlines()) == 7


@pytest.mark.parametrize("policy", OnCollision)
def test_other_files_collide_with_nothing_and_get_a_suffix_themselves(policy: OnCollision) -> None:
    found = find(["a.jpg", "a.xmp", "a.txt", "b.md", "b.rst"], policy, is_picture=lambda path: path.endswith(".jpg"))
    suffixes = {"in/a.xmp": "-xmp", "in/a.txt": "-txt", "in/b.md": "-md", "in/b.rst": "-rst"}
    assert found == Collisions(suffixes=suffixes)


def test_one_name_in_two_directories_does_not_collide() -> None:
    assert find(["x/a.jpg", "y/a.jpg"]) == Collisions()


def test_later_sources_are_skipped_with_the_path_of_the_first() -> None:
    assert find(["a.bmp", "a.jpg", "a.tif"], OnCollision.SKIP).skipped == {
        "in/a.jpg": "in/a.bmp",
        "in/a.tif": "in/a.bmp",
    }


def test_all_sources_of_a_group_get_their_extension_as_suffix() -> None:
    assert find(["a.bmp", "a.JPG"], OnCollision.SUFFIX).suffixes == {"in/a.bmp": "-bmp", "in/a.JPG": "-jpg"}
    assert PNG.key_for(Source("in/a.bmp", "a.bmp"), 0, "-bmp") == "a-bmp.png"


def test_a_suffix_causes_no_further_collision() -> None:
    names = ["a.jpg", "a.png", "a-jpg.gif", "a-png.gif"]
    suffixes = find(names, OnCollision.SUFFIX).suffixes
    assert set(suffixes) == {"in/a.jpg", "in/a.png"}
    assert len({PNG.key_for(Source(name, name), 0, suffixes.get(f"in/{name}", "")) for name in names}) == 4


def test_suffixes_do_not_depend_on_the_spelling_of_a_path() -> None:
    def suffixes(root: str) -> list[str]:
        sources = [Source(f"{root}/a.jpg", "a.jpg"), Source(f"{root}/A.jpg", "A.jpg")]
        names = OutputNames(KEEP, case_sensitive=False)
        return list(find_collisions(lambda: sources, names, OnCollision.SUFFIX, accept_all, str).suffixes.values())

    assert suffixes("in") == suffixes("./in")


def test_sources_with_one_name_in_two_roots_get_different_suffixes() -> None:
    sources = [Source("a/photos/x.jpg", "photos/x.jpg"), Source("b/photos/x.jpg", "photos/x.jpg")]
    names = OutputNames(KEEP, case_sensitive=True)
    found = find_collisions(lambda: sources, names, OnCollision.SUFFIX, accept_all, str)
    assert len({KEEP.key_for(source, 0, found.suffixes[source.path]) for source in sources}) == 2


@pytest.mark.parametrize("policy", [OnCollision.SKIP, OnCollision.SUFFIX])
def test_a_second_spelling_does_not_hide_a_collision(policy: OnCollision) -> None:
    sources = [Source("a.jpg", "a.jpg"), Source("a.png", "a.png"), Source("./a.png", "a.png")]
    found = find_collisions(lambda: sources, OutputNames(PNG, case_sensitive=True), policy, accept_all, str)
    assert "a.png" in {**found.skipped, **found.suffixes}


def test_suffixes_differ_for_names_that_differ_in_case_only() -> None:
    suffixes = find(["a.jpg", "A.jpg"], OnCollision.SUFFIX, KEEP, case_sensitive=False).suffixes
    assert len(set(suffixes.values())) == 2


@pytest.mark.parametrize(
    "names", [["a.jpg", "A.JPG"], ["é.jpg", unicodedata.normalize("NFD", "é.jpg")], ["Dir/a.jpg", "dir/a.jpg"]]
)
def test_names_are_compared_as_the_output_store_compares_them(names: list[str]) -> None:
    assert find(names, naming=KEEP) == Collisions()
    with pytest.raises(CollisionError):
        find(names, naming=KEEP, case_sensitive=False)


def test_a_source_that_is_named_twice_is_a_duplicate() -> None:
    assert find(["a.jpg", "b.jpg", "a.jpg"]) == Collisions(duplicates=frozenset({identity("in/a.jpg")}))
    spelled = [Source("in/a.jpg", "a.jpg"), Source("./in/a.jpg", "a.jpg")]
    found = find_collisions(lambda: spelled, OutputNames(PNG, case_sensitive=True), OnCollision.ERROR, accept_all, str)
    assert found == Collisions(duplicates=frozenset({identity("in/a.jpg")}))


@given(st.lists(st.text("ab.", min_size=1, max_size=5), max_size=60))
def test_a_group_is_found_exactly_where_an_output_has_two_sources(names: list[str]) -> None:
    names = [f"{name}x.jpg" for name in names] + [f"{name}x.bmp" for name in names[::2]]
    outputs: dict[str, set[str]] = {}
    for name in names:
        outputs.setdefault(PNG.key_for(Source(name, name)), set()).add(f"in/{name}")
    expected = set().union(*(group for group in outputs.values() if len(group) > 1))
    assert set(find(names, OnCollision.SUFFIX).suffixes) == expected

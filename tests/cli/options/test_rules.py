from forkresize.walk import Rule
from tests.protocols import Parse


def include(pattern: str) -> Rule:
    return Rule(include=True, pattern=pattern)


def exclude(pattern: str) -> Rule:
    return Rule(include=False, pattern=pattern)


def test_flags_are_rules_in_their_order_across_both_options(parse: Parse) -> None:
    values = parse("--exclude", "a", "--include", "b", "--exclude", "c")
    assert values["rules"] == (exclude("a"), include("b"), exclude("c"))


def test_the_key_that_comes_first_in_a_file_decides_first(parse: Parse) -> None:
    assert parse(project="exclude = ['a']\ninclude = ['b']")["rules"] == (exclude("a"), include("b"))
    assert parse(project="include = ['b']\nexclude = ['a']")["rules"] == (include("b"), exclude("a"))


def test_flags_come_before_files(parse: Parse) -> None:
    assert parse("--include", "x", project="exclude = ['a']")["rules"] == (include("x"), exclude("a"))


def test_includes_of_the_environment_come_before_its_excludes(parse: Parse) -> None:
    environment = {"FORKRESIZE_EXCLUDE": "a", "FORKRESIZE_INCLUDE": "b"}
    assert parse(env=environment)["rules"] == (include("b"), exclude("a"))

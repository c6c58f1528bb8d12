from forkresize.cli.options.model import Option


def test_an_option_has_a_key_a_field_and_a_variable() -> None:
    option = Option("-d", "--max-depth", default=3)
    assert (option.key, option.field, option.variable) == ("max-depth", "max_depth", "FORKRESIZE_MAX_DEPTH")
    assert (option.flags, option.default, option.opposite) == (("-d", "--max-depth"), "3", None)
    assert option.in_files
    assert not option.takes_no_value


def test_the_name_of_a_value_may_differ_from_its_flag() -> None:
    assert Option("--json", "as_json", is_flag=True).field == "as_json"


def test_a_pair_of_flags_has_one_key() -> None:
    option = Option("--progressive/--baseline", default=False)
    assert (option.key, option.opposite, option.default) == ("progressive", "baseline", "false")
    assert option.flags == ("--progressive", "--baseline")
    assert option.takes_no_value


def test_a_default_may_be_described_in_the_help() -> None:
    assert Option("--workers", help="Processes. [default: the CPUs]").default == "the CPUs"


def test_options_that_print_or_choose_settings_are_not_in_files() -> None:
    assert (Option("--doctor").in_files, Option("--doctor").variable) == (False, None)
    assert (Option("--config").in_files, Option("--config").variable) == (False, "FORKRESIZE_CONFIG")

"""Identifiers of runs."""

from forkresize.gateway.runs.run import is_id, new_id


def test_identifiers_grow_and_differ() -> None:
    early, late = new_id(lambda: 1.0), new_id(lambda: 2.0)
    assert early < late
    assert is_id(early)
    assert new_id(lambda: 1.0) != early
    assert not is_id(early.upper() + "\n")

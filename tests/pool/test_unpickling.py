"""What the pool lets a worker's answers be made of."""

import pickle
from enum import StrEnum
from pathlib import Path

import pytest

from forkresize.pool.unpickling import AnswerReader


class Word(StrEnum):
    YES = "yes"


class Old:
    """Pickled as Python before 3.11.4 pickles the member of an enumeration."""

    def __init__(self, kind: object, name: str) -> None:
        self._arguments = kind, name

    def __reduce__(self) -> tuple[object, tuple[object, str]]:
        return getattr, self._arguments


def test_the_member_of_an_enumeration_comes_out_however_it_was_pickled() -> None:
    read = AnswerReader((Word,))
    assert read(pickle.dumps(Old(Word, "YES"))) is Word.YES
    assert read(pickle.dumps(Word.YES)) is Word.YES


@pytest.mark.parametrize(("kind", "name"), [(Word, "mro"), (Word, "__class__"), (Path, "home"), ("text", "format")])
def test_nothing_else_is_got_of_anything(kind: object, name: str) -> None:
    with pytest.raises(pickle.UnpicklingError, match="may not"):
        AnswerReader((Word, Path))(pickle.dumps(Old(kind, name)))


def test_a_class_that_was_not_told_of_does_not_come_out() -> None:
    with pytest.raises(pickle.UnpicklingError, match="may not send a pathlib"):
        AnswerReader((Word,))(pickle.dumps(Path("a")))

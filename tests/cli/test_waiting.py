"""What the user sees while a run waits for a store or a database."""

import logging
import threading

import pytest

from forkresize.cli.waiting import announce_waiting
from forkresize.observer import Observer

LOG = logging.getLogger("forkresize.store")


class Recorder(Observer):
    def __init__(self) -> None:
        self.notices: list[tuple[str, int]] = []

    def on_notice(self, text: str) -> None:
        self.notices.append((text, threading.get_ident()))


def test_warnings_are_printed_before_there_are_observers(capsys: pytest.CaptureFixture[str]) -> None:
    with announce_waiting():
        LOG.warning("waiting for %s", "s3://b")
        LOG.info("nothing of interest")
    assert capsys.readouterr().err == "forkresize: waiting for s3://b\n"


def test_observers_get_the_warnings_of_other_threads_in_their_own() -> None:
    recorder = Recorder()
    with announce_waiting() as notices:
        notices.observers = (recorder,)
        LOG.warning("at once")
        thread = threading.Thread(target=LOG.warning, args=("later",))
        thread.start()
        thread.join()
        assert [text for text, _ in recorder.notices] == ["at once"]
        notices.on_tick(())
    assert recorder.notices == [("at once", threading.get_ident()), ("later", threading.get_ident())]


def test_the_logger_is_as_before_afterwards() -> None:
    logger = logging.getLogger("forkresize")
    before = list(logger.handlers), logger.propagate
    with announce_waiting():
        assert list(logger.handlers) != before[0]
    assert (list(logger.handlers), logger.propagate) == before

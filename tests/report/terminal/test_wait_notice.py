from forkresize.job import Source
from forkresize.outcome import UNCHANGED, Outcome, OutputRef
from forkresize.report.terminal.wait_notice import WaitNotice


def test_it_tells_what_is_waited_for_and_nothing_else() -> None:
    told: list[str] = []
    notice = WaitNotice(told.append)
    notice(Outcome(OutputRef(Source("a", "a")), UNCHANGED))
    assert told == []
    notice.on_waiting_for_lock()
    assert told == ["waiting for another run to free the destination"]

"""The base of progress views."""

from forkresize.report.terminal.view import ProgressView


class _View(ProgressView):
    def __init__(self, now: list[float]) -> None:
        super().__init__(0.5, iter([1] * 3), lambda: now[0])
        self.counts: list[int] = []
        self.closed = False

    def draw(self) -> None:
        self.counts.append(self._sources.count)

    def print_line(self, line: str) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.closed = True


def test_ticks_draw_once_per_interval_with_the_counted_sources() -> None:
    now = [0.0]
    view = _View(now)
    for seconds in (0.0, 0.4, 0.5, 0.9, 1.1):
        now[0] = seconds
        view.on_tick([])
    assert view.counts == [3, 3, 3]


def test_view_is_closed_when_the_context_ends() -> None:
    with _View([0.0]) as view:
        assert not view.closed
    assert view.closed

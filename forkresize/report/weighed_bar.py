"""A tqdm bar of sources that are weighed by their sizes: add_weights."""

from typing import Any

from forkresize.report.work import WorkEstimate

_FORMAT = "{l_bar}{bar}| {counted}/{total_fmt} [{elapsed}<{remaining}, {speed}{postfix}]"


def add_weights(base: Any) -> Any:
    """Return a bar that follows a WorkEstimate, as a subclass of a class of tqdm.

    It starts no thread and shares no lock between processes, so that the program can fork. Its length and the time left
    follow the work, its text counts sources. A format of the user's own has the time left alone.
    """

    class WeighedBar(base):  # type: ignore[misc]
        """See ``add_weights``."""

        monitor_interval = 0
        work: WorkEstimate | None = None

        def follow(self, work: WorkEstimate) -> None:
            """Show another estimate from now on, and draw if it is time to."""
            self.work = work
            self.n = work.fraction * self.total if self.total and self.bar_format is None else work.count
            self.update(0)

        @property
        def format_dict(self) -> dict[str, Any]:
            """What the bar is made of."""
            values: dict[str, Any] = super().format_dict
            work = self.work
            if work is None or not values["total"]:
                return values
            left, count = work.seconds_left, work.count
            speed = self.format_sizeof(count / values["elapsed"]) if values["elapsed"] else "?"
            values |= {"counted": str(count), "speed": f"{speed}{values['unit']}/s"}
            if left and values["total"] > values["n"]:
                values["rate"] = (values["total"] - values["n"]) / left
            if values["bar_format"] is None:
                values["bar_format"] = _FORMAT
            return values

    return WeighedBar

"""Draw the times of tools as bars, one panel per workload. Requires matplotlib."""

from textwrap import fill

PER_ROW = 3
"""Panels side by side."""

TITLE_WIDTH = 40
"""Characters of a title in a line."""


def chart(workloads: dict[str, dict[str, float]], path: str) -> None:
    """Draw the times.

    Args:
        workloads: by title, the wall time of each tool relative to forkresize.
        path: path of the SVG.
    """
    from matplotlib import pyplot as plt

    plt.rcParams["svg.fonttype"] = "none"
    plt.rcParams["svg.hashsalt"] = "forkresize"
    rows = -(-len(workloads) // PER_ROW)
    figure, axes = plt.subplots(rows, PER_ROW, figsize=(3.6 * PER_ROW, 2.4 * rows), squeeze=False)
    for axis in axes.flat[len(workloads) :]:
        axis.set_visible(False)
    for axis, (title, times) in zip(axes.flat, workloads.items(), strict=False):
        names = sorted(times, key=lambda name: times[name], reverse=True)
        colors = ["#d9480f" if name.startswith("forkresize") else "#adb5bd" for name in names]
        axis.barh(names, [times[name] for name in names], color=colors)
        axis.set_title(fill(title, TITLE_WIDTH), fontsize=8)
        axis.set_xlabel("wall time relative to forkresize", fontsize=7)
        axis.tick_params(labelsize=7)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})

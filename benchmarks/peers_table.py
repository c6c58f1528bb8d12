"""Make the chart and the table of the readme from the figures of one run of peers.py.

    python -m benchmarks.peers_table peers.json --chart docs/images/peers.svg --readme README.md

The workloads on which another tool is faster come first, then the others, those with the smallest lead first. The table
replaces what is between the lines <!-- peers --> and <!-- /peers -->; without a readme, it is printed.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.chart import chart

BEGIN, END = "<!-- peers -->\n", "<!-- /peers -->\n"

NO_PEERS = frozenset({"empty Python"})
"""Tools that do not make the outputs."""

ALIKE = 0.01
"""Sizes that differ by less are not worth a remark."""

Ratios = dict[str, float]


def ratios(tools: Mapping[str, Mapping[str, Any]]) -> Ratios:
    """Return the wall time of each tool relative to that of the first one, the median of the rounds."""
    own = next(iter(tools.values()))["wall"]
    return {
        name: median(theirs / ours for ours, theirs in zip(own, tool["wall"], strict=True))
        for name, tool in tools.items()
    }


def lead(times: Ratios) -> float:
    """Return the time of the fastest other tool relative to ours: below 1, it is faster."""
    return min((time for name, time in list(times.items())[1:] if name not in NO_PEERS), default=float("inf"))


def table(results: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table in Markdown."""
    yield "| workload | the time that others take, as a multiple of forkresize's |\n"
    yield "| --- | --- |\n"
    for workload in ordered(results):
        tools, times = workload["tools"], ratios(workload["tools"])
        own = next(iter(tools))
        cells = (cell(name, times[name], tools[name], tools[own]) for name in times if name != own)
        slower = "**not the fastest:** " if lead(times) < 1 else ""
        yield f"| {slower}{workload['name']} | {', '.join(cells)} |\n"


def cell(name: str, time: float, tool: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """Return the figure of one tool: its time, and its bytes if they differ."""
    text = f"{name} {time:.2f}"
    size = tool["bytes"] / own["bytes"] if own["bytes"] and tool["bytes"] else 1
    return text if abs(size - 1) < ALIKE else f"{text} ({size:.2f} of the bytes)"


def ordered(results: Mapping[str, Any]) -> list[Any]:
    """Return the workloads with other tools, those with the smallest lead first."""
    compared = [workload for workload in results.values() if len(workload["tools"]) > 1]
    return sorted(compared, key=lambda workload: lead(ratios(workload["tools"])))


def main() -> None:
    """Read the figures, and write or print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", type=Path, help="what peers.py --json wrote")
    parser.add_argument("--chart", help="file for an SVG; needs matplotlib")
    parser.add_argument("--readme", type=Path, help="file whose table is replaced")
    arguments = parser.parse_args()
    results = json.loads(arguments.figures.read_text(encoding="utf-8"))
    made = "".join(table(results))
    if arguments.readme:
        before, begin, rest = arguments.readme.read_text(encoding="utf-8").partition(BEGIN)
        _, end, after = rest.partition(END)
        if not end:
            raise SystemExit(f"{arguments.readme} has no lines {BEGIN.strip()} and {END.strip()}")
        arguments.readme.write_text(f"{before}{begin}{made}{end}{after}", encoding="utf-8")
    else:
        print(made, end="")
    if arguments.chart:
        chart({workload["name"]: ratios(workload["tools"]) for workload in ordered(results)}, arguments.chart)


if __name__ == "__main__":
    main()

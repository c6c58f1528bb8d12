"""Simulate a run on a cluster whose nodes are lost all the time: its duration, and what is busy first.

Only events are simulated; no picture is made. See ``--help`` for the options, and ``simulation.py`` for the model.
Run it with ``-m`` from the root of the repository.
"""

import argparse
import json
from pathlib import Path

from msgspec.structs import asdict, fields

from benchmarks.simulation import Cluster, Simulation


def parse() -> argparse.Namespace:
    """Read the command line: one option for each attribute of the cluster."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for field in fields(Cluster):
        flag = f"--{field.name.replace('_', '-')}"
        parser.add_argument(flag, type=type(field.default), default=field.default, help="[%(default)s]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to a file")
    return parser.parse_args()


def main() -> None:
    """Simulate one run and print its figures."""
    arguments = vars(parse())
    path = arguments.pop("json")
    result = Simulation(Cluster(**arguments)).run()
    ratio = result.makespan / result.ideal
    print(f"makespan    {result.makespan:12,.0f} s, {ratio:.3f} times the ideal {result.ideal:,.0f} s")
    print(f"listed after{result.listed_after:12,.0f} s")
    print(f"chunks      {result.chunks:12,}, taken {result.chunks_taken:,} times")
    print(f"nodes lost  {result.losses:12,}, with {result.lost_seconds / result.worker_seconds:.2%} of the work")
    for name, share in sorted(result.busy.items(), key=lambda each: -each[1]):
        print(f"{name:12}{share:12.1%} busy")
    if path:
        path.write_text(json.dumps({**asdict(result), "saturated": result.saturated}, indent=2) + "\n")


if __name__ == "__main__":
    main()

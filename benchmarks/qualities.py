"""Find the qualities at which all formats look alike, by SSIMULACRA2, a metric that sees color.

    pip install ssimulacra2
    python -m benchmarks.qualities PHOTOS
    python -m benchmarks.qualities PHOTOS --width 800 --quality webp=78,82,86 --quality avif=55,62,68

Each photograph is reduced once, without loss. From these pixels, each format is encoded at each quality. The table has
the mean score and the mean bytes over all photographs and widths; 100 is identical, 90 is visually lossless, 70 is
high quality. The last lines have the quality of each format at which the mean score is that of the first format.
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from PIL import Image

from forkresize.formats import DEFAULT_QUALITY
from forkresize.image.transform import transform
from forkresize.recipe import Recipe

WIDTHS = (800, 1600)
AROUND = (-6, 0, 6, 12)
"""Qualities to try by default, relative to each format's default."""


class Trial(NamedTuple):
    """One photograph at one width, format and quality."""

    format: str
    quality: int
    score: float
    size: int


def try_qualities(path: Path, width: int, qualities: Mapping[str, Sequence[int]]) -> Iterator[Trial]:
    """Yield a trial for each quality of each format."""
    from ssimulacra2 import compute_ssimulacra2

    [reduced] = transform(path.read_bytes(), Recipe.of(width=width, format="png", effort=1, metadata="none"))
    with tempfile.TemporaryDirectory() as folder:
        reference, distorted = Path(folder, "reference.png"), Path(folder, "distorted.png")
        Image.open(io.BytesIO(reduced.data)).convert("RGB").save(reference, compress_level=1)
        for name, tried in qualities.items():
            for quality in tried:
                [made] = transform(reference.read_bytes(), Recipe.of(format=name, quality=quality))
                Image.open(io.BytesIO(made.data)).convert("RGB").save(distorted, compress_level=1)
                yield Trial(name, quality, compute_ssimulacra2(str(reference), str(distorted)), len(made.data))


def find_quality(means: Mapping[int, float], score: float) -> float | None:
    """Return the quality at which the mean score is reached, by interpolation; None if it is outside."""
    for (low, below), (high, above) in pairwise(sorted(means.items())):
        if below <= score <= above:
            return low + (high - low) * (score - below) / (above - below)
    return None


def print_table(trials: Sequence[Trial], names: Sequence[str]) -> None:
    """Print means by format and quality, and the qualities that look like the first format at its default."""
    means: dict[str, dict[int, float]] = {name: {} for name in names}
    print("format  quality  score  deviation  bytes")
    for name, quality in sorted({(each.format, each.quality) for each in trials}):
        own = [each for each in trials if (each.format, each.quality) == (name, quality)]
        scores = [each.score for each in own]
        means[name][quality] = fmean(scores)
        spread = stdev(scores) if len(scores) > 1 else 0.0
        print(f"{name:7} {quality:7} {fmean(scores):6.2f} {spread:10.2f} {fmean(each.size for each in own):8.0f}")
    first = names[0]
    target = means[first][DEFAULT_QUALITY[first]]
    for name in names[1:]:
        found = find_quality(means[name], target)
        print(f"{name} at {'no tried quality' if found is None else f'{found:.1f}'} looks like {first} at its default")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--width", type=int, action="append")
    parser.add_argument("--quality", action="append", default=[], metavar="FORMAT=N,N")
    options = parser.parse_args()
    qualities = {name: [default + step for step in AROUND] for name, default in DEFAULT_QUALITY.items()}
    first = next(iter(qualities))
    qualities[first] = [DEFAULT_QUALITY[first]]
    for each in options.quality:
        name, _equals, numbers = each.partition("=")
        qualities[name] = [int(number) for number in numbers.split(",")]
    trials = []
    for path in sorted(options.photos.iterdir()):
        if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
            for width in options.width or WIDTHS:
                for trial in try_qualities(path, width, qualities):
                    trials.append(trial)
                    print(
                        f"{path.name} {width} {trial.format} {trial.quality} {trial.score:.2f} {trial.size}",
                        file=sys.stderr,
                    )
    print_table(trials, list(qualities))


if __name__ == "__main__":
    main()

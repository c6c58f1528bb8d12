"""Measure the start-up time, relative to an empty Python program: --version, --help, and one photograph.

python -m benchmarks.startup --rounds 21
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageFilter

from benchmarks.paired import compare

COMMAND = os.path.join(os.path.dirname(sys.executable), "forkresize")
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


def draw(path: Path) -> None:
    """Draw a baseline JPEG of three megapixels, about as large as a photograph."""
    noise = Image.effect_noise((2048, 1536), 40).filter(ImageFilter.GaussianBlur(1))
    shape = Image.radial_gradient("L").resize(noise.size)
    Image.merge("RGB", (noise, shape, Image.blend(noise, shape, 0.5))).save(path, quality=88)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21, help="runs of each command [21]")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        photo, made, again = Path(folder, "photo.jpg"), Path(folder, "out"), Path(folder, "again")
        draw(photo)
        compare(
            {
                "python -c pass": [sys.executable, "-c", "pass"],
                "forkresize --version": [COMMAND, "--version"],
                "forkresize --help": [COMMAND, "--help"],
                "forkresize, one photograph": [COMMAND, photo, made, "--width", "800"],
                "forkresize, nothing to do": [COMMAND, photo, again, "--width", "800"],
            },
            rounds,
            # The warm-up writes the compiled modules.
            env={name: value for name, value in os.environ.items() if name != NO_BYTECODE},
            before=lambda: shutil.rmtree(made, ignore_errors=True),
        )


if __name__ == "__main__":
    main()

"""A node that dies when it is about to render a picture whose name contains ``poison``, as if its machine had ended."""

import os
import signal
import sys
from typing import Any

from forkresize.batch.remote.renderer import Renderer
from forkresize.daemon import main

_submit = Renderer.submit


def submit(renderer: Renderer, job: Any, recipe: Any, source: Any) -> Any:
    if "poison" in job.source.path:
        os.kill(os.getpid(), signal.SIGKILL)
    return _submit(renderer, job, recipe, source)


if __name__ == "__main__":
    Renderer.submit = submit  # type: ignore[assignment,method-assign]
    sys.exit(main(sys.argv[1:]))

"""What a worker of a node does with a picture in place of rendering it, by the name of the picture."""

import os
import signal
import time
from typing import Any

from forkresize.batch.remote.render_task import Result, render_task
from forkresize.pool import WithFiles


def render(task: Any) -> WithFiles[Result]:
    """Die of a picture that is named ``deadly``, take a minute for one that is named ``slow``, and render others."""
    name = (task.value if isinstance(task, WithFiles) else task).name
    if b"deadly" in name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"slow" in name:
        time.sleep(60)
    return render_task(task)

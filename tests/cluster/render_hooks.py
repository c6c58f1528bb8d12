"""What a worker of a node does with a picture in place of rendering it, by the name of the picture."""

import os
import signal
import time
from typing import Any

from forkresize.batch.remote.render_task import Result, render_task
from forkresize.pool import WithFiles


def render(task: WithFiles[Any]) -> WithFiles[Result]:
    """Die of a picture that is named ``deadly``, take a minute for one that is named ``slow``, and render others."""
    if b"deadly" in task.value.name:
        os.kill(os.getpid(), signal.SIGSEGV)
    if b"slow" in task.value.name:
        time.sleep(60)
    return render_task(task)

"""A node whose workers do what ``render_hooks`` says."""

import sys
from typing import Any

from forkresize.batch.remote import renderer
from forkresize.daemon import main

if __name__ == "__main__":
    hooked: Any = renderer
    hooked.render_task = "tests.cluster.render_hooks:render"
    sys.exit(main(sys.argv[1:]))

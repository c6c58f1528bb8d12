"""A node, or a command, of another version: OTHER_PROTOCOL and OTHER_RENDERING are the numbers that it has."""

import os
import sys

from forkresize.batch import fingerprint
from forkresize.cluster import protocol

if __name__ == "__main__":
    # Before any other module takes the numbers over.
    protocol.VERSION = int(os.environ.get("OTHER_PROTOCOL", protocol.VERSION))
    fingerprint.RENDER_VERSION = int(os.environ.get("OTHER_RENDERING", fingerprint.RENDER_VERSION))
    from forkresize.daemon import main

    sys.exit(main(sys.argv[1:]))

"""Run iiif-validator-ng against a server, and print its results as JSON: ``python validate_ng.py BASE_URL IDENTIFIER``.

In the environment of the validator, which is not ours. Its own command prints a table, and always exits with 0.
"""

import json
import sys

from iiif_validator.tests.test import IIIFVersion, TargetServer  # type: ignore[import-not-found]
from iiif_validator.validate import run_tests  # type: ignore[import-not-found]

server = TargetServer(sys.argv[1], sys.argv[2], IIIFVersion.V3)
found = [
    (test.__name__, bool(result.success), str(result))
    for test, results in run_tests(server, max_threads=2)
    for result in (results if isinstance(results, list) else [results])
]
sys.stdout.write(json.dumps(found))

"""The version of what the programs of a cluster exchange, besides messages."""

VERSION = 2
"""Version of specifications, manifests and outcomes together.

Increase it when one of their fields or its meaning changes, and record the new ones for the tests; see
``tests/cluster/recorded``. Nodes leave a run of another version to other nodes.
"""


def describe_other(what: str, version: int) -> str:
    """Return why something of another version is not read."""
    advice = "use the same version of forkresize for the command and all nodes"
    return f"{what} has version {version} of the protocol, and this program version {VERSION}: {advice}"

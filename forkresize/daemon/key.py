"""``forkresized key``: API keys of a gateway."""

import sys

import click

from forkresize.cli.types import WordChoice

_ROLES = ("reader", "submitter", "admin")


@click.group(short_help="Create API keys for a gateway.")
def key() -> None:
    """Create API keys for a gateway."""


@key.command(short_help="Create an API key.")
@click.option("--role", type=WordChoice(_ROLES), required=True, help="What its owner may do.")
@click.option("--name", required=True, metavar="NAME", help="Whose key it is, as logs and rate limits name it.")
def create(role: str, name: str) -> None:
    """Create an API key: print it, and the line for the file of --api-keys.

    The key is not stored anywhere, and cannot be shown again. To revoke it, remove its line from the file.
    """
    from forkresize.gateway.access.api_keys import create_key

    created = create_key(name, role)
    sys.stderr.write("forkresized: the key, for its owner; it is not shown again:\n")
    sys.stderr.flush()
    sys.stdout.write(f"{created.key}\n")
    sys.stdout.flush()
    sys.stderr.write(f"forkresized: the line for the file of --api-keys:\n{created.line}\n")

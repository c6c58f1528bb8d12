"""Who sends a request: Role and Principal."""

import enum

from msgspec import Struct


class Role(enum.IntEnum):
    """What a caller may do; each role may do what the ones before it may."""

    ANONYMOUS = 0
    READER = 1
    SUBMITTER = 2
    ADMIN = 3

    @property
    def label(self) -> str:
        """Its name in files, tokens and documents."""
        return self.name.lower()


ROLES = {role.label: role for role in Role if role is not Role.ANONYMOUS}
"""The roles that credentials carry, by name."""


class Principal(Struct, frozen=True):
    """Who sends a request.

    Attributes:
        name: ``key:NAME`` of an API key, ``token:SUBJECT`` of a token; empty for a caller without credentials.
        role: what it may do.
    """

    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Return whether it may do what a role may do."""
        return self.role >= role


ANONYMOUS = Principal("", Role.ANONYMOUS)
"""A caller without credentials."""

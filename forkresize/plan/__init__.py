"""Sources and a Recipe to Jobs: names, collisions, order, what must not be overwritten. Opens and makes no file."""

from forkresize.plan.collision import Collisions, OnCollision, OutputNames, find_collisions, identity
from forkresize.plan.guard import OverwriteGuard
from forkresize.plan.naming import Naming
from forkresize.plan.order import Order, prioritize
from forkresize.plan.shard import Shard

__all__ = [
    "Collisions",
    "Naming",
    "OnCollision",
    "Order",
    "OutputNames",
    "OverwriteGuard",
    "Shard",
    "find_collisions",
    "identity",
    "prioritize",
]

"""Sources and a Recipe to Jobs: names, collisions, order, what must not be overwritten. Opens and makes no file."""

from forkresize.plan.collision import Collisions, OnCollision, OutputNames, find_collisions, identity
from forkresize.plan.guard import Guard
from forkresize.plan.naming import Naming
from forkresize.plan.order import Order, arrange
from forkresize.plan.shard import Shard

__all__ = [
    "Collisions",
    "Guard",
    "Naming",
    "OnCollision",
    "Order",
    "OutputNames",
    "Shard",
    "arrange",
    "find_collisions",
    "identity",
]

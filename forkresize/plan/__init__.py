"""What to make of the sources: names, collisions, staleness, order, and the overwrite guard."""

from forkresize.plan.collision import Collisions, OnCollision, OutputNames, find_collisions, identity
from forkresize.plan.guard import OverwriteGuard
from forkresize.plan.naming import Naming, has_substitute
from forkresize.plan.order import Order, prioritize
from forkresize.plan.output_file import has_picture_suffix, recipe_for_file
from forkresize.plan.shard import Shard
from forkresize.plan.staleness import Compare, IfExists, Policy

__all__ = [
    "Collisions",
    "Compare",
    "IfExists",
    "Naming",
    "OnCollision",
    "Order",
    "OutputNames",
    "OverwriteGuard",
    "Policy",
    "Shard",
    "find_collisions",
    "has_picture_suffix",
    "has_substitute",
    "identity",
    "prioritize",
    "recipe_for_file",
]

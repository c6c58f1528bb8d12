"""The operation of every step; the module of the step's name declares it."""

from collections.abc import Mapping
from importlib import import_module

from forkresize.image.steps.operation import Operation
from forkresize.recipe import STEPS, Step

OPERATIONS: Mapping[type[Step], Operation] = {
    kind: import_module(f"forkresize.image.steps.{kind.__name__.lower()}").OPERATION for kind in STEPS
}


def operation_of(step: Step) -> Operation:
    """Return how a step is done."""
    return OPERATIONS[type(step)]

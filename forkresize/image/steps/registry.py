"""The operation of every step; the module of the step's name declares it, and is loaded when it is first asked for."""

from functools import cache
from importlib import import_module

from forkresize.image.steps.operation import Operation
from forkresize.recipe import Step


@cache
def operation_for(kind: type[Step]) -> Operation:
    """Return how the steps of a class are done."""
    operation: Operation = import_module(f"forkresize.image.steps.{kind.__name__.lower()}").OPERATION
    return operation


def operation_of(step: Step) -> Operation:
    """Return how a step is done."""
    return operation_for(type(step))

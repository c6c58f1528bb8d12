"""What a worker may do, and the kernel's means to hold it to that. Knows no work and no picture."""

from forkresize.pool.sandbox.confinement import Confinement, SandboxMode
from forkresize.pool.sandbox.lending import Lending
from forkresize.pool.sandbox.sandbox import Sandbox, missing_layers, refuse_unless_possible

__all__ = ["Confinement", "Lending", "Sandbox", "SandboxMode", "missing_layers", "refuse_unless_possible"]

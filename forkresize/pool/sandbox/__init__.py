"""What a worker may do, and the kernel's means to hold it to that. Knows no work and no picture."""

from forkresize.pool.sandbox.fd_channel import FdChannel
from forkresize.pool.sandbox.policy import SandboxMode, SandboxPolicy
from forkresize.pool.sandbox.sandbox import Sandbox, missing_layers, require_support

__all__ = ["FdChannel", "Sandbox", "SandboxMode", "SandboxPolicy", "missing_layers", "require_support"]

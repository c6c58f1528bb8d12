"""Restricts what a worker may do, by several layers of the kernel. See SandboxPolicy and Sandbox."""

from forkresize.pool.sandbox.fd_channel import FdChannel
from forkresize.pool.sandbox.policy import SandboxMode, SandboxPolicy
from forkresize.pool.sandbox.sandbox import Sandbox, missing_layers, require_support

__all__ = ["FdChannel", "Sandbox", "SandboxMode", "SandboxPolicy", "missing_layers", "require_support"]

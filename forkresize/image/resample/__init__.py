"""Resampling kernels."""

"""Runs on many machines: chunks of jobs, their manifests and states, and the nodes that work on them."""

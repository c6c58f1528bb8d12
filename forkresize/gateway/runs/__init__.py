"""Batches by HTTP: on the nodes of a cluster if there is one, and on this machine otherwise."""

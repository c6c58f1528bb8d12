"""Runs with object stores: the bytes of pictures come and go in this process, which neither decodes nor forks."""

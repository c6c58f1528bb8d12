"""Resize folders of pictures on all cores, in supervised forked workers."""

"""Gain maps: the small pictures beside a JPEG from which HDR is made of it."""

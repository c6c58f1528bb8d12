"""Identify, probe and decode sources, with tolerance for damage beside the pixels."""

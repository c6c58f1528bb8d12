"""Observers that show and record outcomes, a module each, so that only what is asked for is imported."""

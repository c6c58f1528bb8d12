"""Records of a run for other programs: JSON lines, CSV, logs and metrics."""

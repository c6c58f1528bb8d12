"""The options of the command, by help panel."""

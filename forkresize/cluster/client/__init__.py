"""The client of a cluster: publish the chunks of a run, follow them, and give their outcomes to its observers."""

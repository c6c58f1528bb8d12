"""The records of runs: in PostgreSQL, where all gateways of a cluster see them, or in a file of this machine."""

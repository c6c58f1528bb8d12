"""The SQL scripts that create the tables of clusters, numbered in the order in which they are applied."""

"""Progress views and summaries for a person at a terminal."""

"""SQL scripts that create the tables, for PostgreSQL and SQLite alike."""

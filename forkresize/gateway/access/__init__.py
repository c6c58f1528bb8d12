"""Who may do what: credentials, roles, the table of routes, and rate limits."""

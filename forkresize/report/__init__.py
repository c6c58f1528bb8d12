"""Who listens to outcomes. Each reporter is its own module, so that only what is asked for is imported."""

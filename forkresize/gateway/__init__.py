"""Pictures on demand and batches by HTTP."""

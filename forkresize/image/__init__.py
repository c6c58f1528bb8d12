"""Pictures from bytes to bytes: ``transform.py`` is the entrance. No module opens sources or writes outputs."""

"""The formats that are read and written, and the optional decoder plug-ins."""

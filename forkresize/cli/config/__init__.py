"""Settings from files, presets and the environment."""

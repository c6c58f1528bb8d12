"""Color spaces, profiles and conversions."""

"""Target sizes, crop boxes and regions. Pure arithmetic."""

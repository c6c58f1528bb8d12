"""Pictures on demand, with the URLs of imgproxy."""

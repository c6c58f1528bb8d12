"""What is done to the pixels of a picture, a file each. Each returns at once when it has nothing to do."""

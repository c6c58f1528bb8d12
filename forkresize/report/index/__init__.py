"""Files that list the outputs for a web site: manifest and srcset."""

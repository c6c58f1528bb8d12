"""What the command prints about itself: version, help, diagnostics, completion."""

"""What a watermark looks like, for an output of a given size. Puts it on no picture."""

"""Pictures by independent encoders, in every mode that they write, as forkresize and independent decoders see them."""

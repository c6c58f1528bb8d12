"""One picture: decode, the listed steps, encode, write. Each module is imported by whoever needs it; none is here."""

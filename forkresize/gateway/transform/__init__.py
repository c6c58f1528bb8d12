"""Pictures that come with their request, and go with its answer: ``POST /v1/transform``."""

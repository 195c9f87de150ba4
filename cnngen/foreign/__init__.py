"""A model that exists, in whatever framework -> one flat graph of our ops."""

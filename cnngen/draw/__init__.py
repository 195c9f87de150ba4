"""Pictures of networks, as a person would draw them."""

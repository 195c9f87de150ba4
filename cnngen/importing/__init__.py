"""A model by its name, its class or its file -> a spec, and the proof that both are one network."""

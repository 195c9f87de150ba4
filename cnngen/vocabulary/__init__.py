"""The vocabulary of PyTorch and Keras: what their layers and arguments are here."""

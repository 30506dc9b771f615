"""How fast training is here: against PyTorch, plain Keras, a bare loop, and the machine itself."""

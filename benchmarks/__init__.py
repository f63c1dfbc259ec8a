"""Theory and networks on one figure, from one command: ``python -m benchmarks``."""

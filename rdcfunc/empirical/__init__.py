"""Answers on samples: any points of R^k may reproduce them."""

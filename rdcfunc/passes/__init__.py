"""Passes over the rows of samples: what letters that are points of R^k earn and are used for, in bounded memory."""

"""Gaussian sources under squared error: closed forms, convex programs, and their certificate."""

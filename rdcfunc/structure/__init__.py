"""Distortions with structure: kernels that are applied and not formed, and what they certify."""

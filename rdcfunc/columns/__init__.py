"""Where columns come from, and what the best of them would earn at given prices."""

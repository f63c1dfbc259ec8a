"""The interior point's parts: the saddle, what divergences add to it, its support, and the way in and out."""

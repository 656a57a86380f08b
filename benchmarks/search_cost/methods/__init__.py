"""Search methods under comparison, a module each."""

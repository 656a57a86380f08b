"""How far from the best the configuration is that ``make tune`` recommends."""

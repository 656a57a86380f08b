"""Numbers as people read them."""


def readable(value: object) -> str:
    """Four significant digits, no exponent for everyday sizes; empty text for None."""
    if not isinstance(value, int | float):
        return "" if value is None else str(value)
    if value == int(value) and abs(value) < 1e7:
        return str(int(value))
    return f"{value:.4g}" if abs(value) < 1000 or abs(value) >= 1e7 else f"{value:.0f}"

"""Which trials no other trial beats in both cost and rate."""

from collections.abc import Sequence


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that nothing dominates, by rising cost.

    A point is dominated when another costs no more and gives no less, and is better in one of both.

    Args:
        points: Pairs of cost (smaller is better) and rate (larger is better).
    """
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1], i))
    front: list[int] = []
    for index in order:
        if not front or points[index][1] > points[front[-1]][1]:
            front.append(index)
    return front

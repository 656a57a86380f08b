import numpy as np

from benchmarks.search_cost.figures import save
from benchmarks.search_cost.method import Sample
from benchmarks.search_cost.surfaces import path_figure, projected, surface_figure
from tests.benchmarks.search_cost.cases import SIZE, bump, case

KNOBS = ("batch_size", "cpu_cores")


def test_a_square_is_the_best_over_the_other_knobs():
    best = projected(bump(0), case(np.arange(SIZE)).values, KNOBS)
    # Index = 8 cores + 2 batch + gpu: the V100 is the larger of each two.
    np.testing.assert_array_equal(best[:, 0], [1, 3, 5, 7])
    np.testing.assert_array_equal(best[3], [7, 15, 23])
    np.testing.assert_array_equal(projected(bump(0), bump(0).values, KNOBS[::-1]).shape, (3, 4))


def test_panels_before_after_and_truth(tmp_path):
    samples = [Sample(index, float(index)) for index in range(10)]
    seen = []

    def predictor(searched, given):
        seen.append(len(given))
        return searched.values

    figure = surface_figure(bump(10), predictor, samples, KNOBS)
    assert seen == [0, 8, 10]
    titles = [axis.get_title(loc="left") for axis in figure.axes[:4]]
    assert titles == ["before any sample", "after 8 samples", "after 10 samples", "truth"]
    save(figure, tmp_path / "surface.png")
    assert (tmp_path / "surface.png").stat().st_size < 150_000


def test_path_numbers_the_samples():
    samples = [Sample(index, 1.0) for index in (0, 1, 8, 23)]
    axis = path_figure(bump(23), samples, KNOBS).axes[0]
    assert [text.get_text() for text in axis.texts] == ["1,2", "3", "4"]

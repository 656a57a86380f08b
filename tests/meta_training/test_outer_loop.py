"""The meta-gradient against one worked out by hand, and against finite differences."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from meta_training.outer_loop import adam_update, initial_parameters, meta_loss, part
from meta_training.plan import BEST, LETTER, Plan
from suggestion.knob_features import NUM_FEATURES
from suggestion.meta_model import hidden

tf = pytest.importorskip("tensorflow")

RATE = 0.0625
ONE_LAYER = replace(LETTER, inner_rates={"kernel_out": RATE})


def tasks(num_tasks: int = 1) -> list[Any]:
    rng = np.random.default_rng(5)
    x, query_x = rng.standard_normal((2, 1, num_tasks, 4, NUM_FEATURES))
    y, query_y = 0.1 * rng.standard_normal((2, 1, num_tasks, 4))
    return [tf.constant(array) for array in (x, y, np.ones_like(y), query_x, query_y)]


def parameters(plan: Plan) -> dict[str, Any]:
    drawn = initial_parameters(plan, np.random.default_rng(3))
    return {name: tf.constant(value, tf.float64) for name, value in drawn.items()}


def meta_gradient(plan: Plan, of: str, at: dict[str, Any], drawn: list[Any]) -> Any:
    with tf.GradientTape() as tape:
        tape.watch(at)
        loss, _ = meta_loss(at, drawn, plan)
    return tape.gradient(loss, at[of]).numpy()


@pytest.mark.parametrize("first_order", [False, True])
def test_meta_gradient_by_hand(first_order: bool) -> None:
    # Adapted is the last layer w alone, so that both losses are quadratic in it:
    #   theta' = theta - alpha g(theta),  d/dtheta L_q(theta') = (I - alpha H) g_q(theta'),
    # with H = 2/n Phi' C Phi of the samples; to first order H is left out.
    plan = replace(ONE_LAYER, first_order=first_order)
    at, drawn = parameters(plan), tasks()
    x, y, _, query_x, query_y = (array.numpy()[0, 0] for array in drawn)
    weights = {name: value[0] for name, value in part(at, "weights").items()}
    phi, query_phi = hidden(weights, x).numpy(), hidden(weights, query_x).numpy()
    centring = np.eye(4) - 1 / 4
    w = weights["kernel_out"].numpy()[:, 0]
    hessian = 2 / 4 * phi.T @ centring @ phi
    gradient = -2 / 4 * phi.T @ centring @ (y - phi @ w)
    assert np.linalg.norm(gradient) < 1
    adapted = w - RATE * gradient
    # The query is predicted after the shift that suits the samples best.
    shifted = query_phi - phi.mean(0)
    error = query_y - y.mean() - shifted @ adapted
    query_gradient = -2 / 4 * shifted.T @ error
    factor = np.eye(128) if first_order else np.eye(128) - RATE * hessian
    found = meta_gradient(plan, "weights/kernel_out", at, drawn)[0, :, 0]
    np.testing.assert_allclose(found, factor @ query_gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "name", ["weights/kernel_hidden", "weights/context", "rates/kernel_in", "head/log_local_rate"]
)
def test_meta_gradient_by_finite_differences(name: str) -> None:
    plan = replace(BEST, num_members=1)
    at, drawn = parameters(plan), tasks(2)
    found = meta_gradient(plan, name, at, drawn)
    direction = np.random.default_rng(0).standard_normal(found.shape)
    step = 1e-6

    def loss(sign: float) -> float:
        moved = {**at, name: at[name] + sign * step * direction}
        return float(meta_loss(moved, drawn, plan)[0])

    slope = (loss(1) - loss(-1)) / (2 * step)
    assert np.sum(found * direction) == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_first_order_leaves_the_second_derivatives_out() -> None:
    at, drawn = parameters(BEST), tasks()
    drawn = [tf.repeat(array, BEST.num_members, axis=0) for array in drawn]
    name = "weights/kernel_hidden"
    second = meta_gradient(BEST, name, at, drawn)
    first = meta_gradient(replace(BEST, first_order=True), name, at, drawn)
    assert not np.allclose(first, second, rtol=1e-3)


def test_members_start_apart_and_the_letter_has_one_rate() -> None:
    drawn = initial_parameters(BEST, np.random.default_rng(0))
    assert not np.array_equal(drawn["weights/kernel_in"][0], drawn["weights/kernel_in"][1])
    letter = initial_parameters(LETTER, np.random.default_rng(0))
    assert not part(letter, "head")
    for rates in part(letter, "rates").values():
        np.testing.assert_array_equal(rates, np.float32(0.01))


def test_the_first_step_of_adam_goes_down_by_the_rate() -> None:
    at = {"a": tf.constant([1.0, -1.0]), "fixed": tf.constant(3.0)}
    moments = {f"{m}/{k}": tf.zeros_like(v) for m in ("first", "second") for k, v in at.items()}
    gradients = {"a": tf.constant([0.2, -0.1])}
    updated, _ = adam_update(at, gradients, moments, tf.constant(1.0), tf.constant(0.01))
    np.testing.assert_allclose(updated["a"], [0.99, -0.99], atol=1e-6)
    assert updated["fixed"] is at["fixed"]

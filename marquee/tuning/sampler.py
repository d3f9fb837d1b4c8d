"""Ask Optuna which options to try next, a batch at a time, and tell it what came of them, in order.

Optuna draws and models; it stores nothing. Its storage keeps trials but not the state of the sampler, so a
study that goes on there asks for other trials than an undisturbed one. A killed search is repeated from the
start instead, with the results that `store` has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from marquee.config.search import Choice, Range, Space
from marquee.errors import MarqueeError

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.distributions import BaseDistribution

DIGITS = 3  # significant ones of a number that is tried: what a person would write into params.yaml


class Sampler:
    """The tree-structured Parzen estimator (Bergstra et al. 2011), multivariate, after ten random trials."""

    def __init__(self, space: Space, defaults: Mapping[str, Any], higher_is_better: bool, seed: int) -> None:
        optuna = require_optuna()
        whole = {key for key, value in defaults.items() if isinstance(value, int)}
        self.searched = space
        self.space = {key: _distribution(space[key], key in whole) for key in defaults}
        sampler = optuna.samplers.TPESampler(seed=seed % 2**32, multivariate=True)
        direction = "maximize" if higher_is_better else "minimize"
        self.study: Study = optuna.create_study(direction=direction, sampler=sampler)

    def ask(self, n: int) -> list[tuple[Trial, dict[str, Any]]]:
        """Return (what to tell the result to, options) of `n` trials."""
        asked = [self.study.ask(self.space) for _ in range(n)]
        return [
            (trial, {key: _short(value, self.searched[key]) for key, value in trial.params.items()})
            for trial in asked
        ]

    def tell_defaults(self, options: Mapping[str, Any], value: float) -> None:
        from optuna.trial import create_trial

        self.study.add_trial(create_trial(params=dict(options), distributions=self.space, value=value))

    def tell(self, trial: Trial, values: Mapping[int, float], finished: bool) -> None:
        """Tell what a trial reached: rung -> value. One that was stopped ranks behind any that finished."""
        from optuna.trial import TrialState

        if finished:
            self.study.tell(trial, values[max(values)])
            return
        for rung, value in values.items():
            trial.report(value, rung)
        self.study.tell(trial, state=TrialState.PRUNED)


def importances(
    space: Space, trials: Sequence[tuple[Mapping[str, Any], float]], higher_is_better: bool
) -> dict[str, float]:
    """Return option -> the fraction of the variance of `trials`' values that it explains.

    By a functional analysis of variance of a random forest (Hutter et al. 2014); nothing where all values
    are equal or too few.
    """
    optuna = require_optuna()
    if len(trials) < 2 or len({value for _, value in trials}) < 2:
        return {}
    sampler = Sampler(space, trials[0][0], higher_is_better, 0)
    for options, value in trials:
        sampler.tell_defaults(options, value)
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    found = optuna.importance.get_param_importances(sampler.study, evaluator=evaluator)
    return {key: round(float(found[key]), 6) for key in trials[0][0] if key in found}


def require_optuna() -> Any:
    """Return the package. Raises MarqueeError where it is not installed."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise MarqueeError("`marquee tune` needs optuna: install it with `pip install .[tune]`") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _distribution(searched: Any, whole: bool) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(searched, Choice):
        return CategoricalDistribution(searched.values)
    if whole:
        return IntDistribution(int(searched.low), int(searched.high), log=searched.log)
    return FloatDistribution(searched.low, searched.high, log=searched.log)


def _short(value: Any, within: Range | Choice) -> Any:
    """Return a number with `DIGITS` digits, moved into its range where rounding left it."""
    if not isinstance(value, float) or isinstance(within, Choice):
        return value
    return min(max(float(f"{value:.{DIGITS}g}"), within.low), within.high)

"""Search in batches: ask for trials, stop most of them early, and tell the sampler in the trials' order.

    batch of 10   all run for 1/6 of the epochs of the defaults' fit, the best 3 to 1/3, the best to its end

The defaults are trial 0 and run to their end first. No decision depends on a clock or on the order in which
fits end, so the trials are the same for any number of workers and after a crash (successive halving: Jamieson
and Talwalkar 2016, with synchronous rungs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from marquee.config.search import Space
from marquee.errors import MarqueeError
from marquee.files import remove
from marquee.tuning import store
from marquee.tuning.sampler import Sampler
from marquee.tuning.store import Fit, Fitted
from marquee.tuning.trials import run_closed
from marquee.tuning.worker import Workers

BATCH = 10
FRACTIONS = (6, 3)  # of the epochs of the defaults' fit: one over these, at which trials pause
KEPT = (3, 1)  # trials of a batch that go on after each pause


@dataclass
class Trial:
    """One set of options and what its fits reached.

    values  rung -> the value on the validation data; the search's last rung is a whole fit
    """

    number: int
    options: dict[str, Any]
    values: dict[int, float] = field(default_factory=dict)
    epochs: int = 0  # that it ran; 0 for a closed form
    error: str = ""  # of a fit that failed
    seconds: float = 0.0
    peak_mib: int | None = None


class Search:
    """Try `n_trials` sets of options; `report` is called after each fit with how many there were.

    rungs   epochs at which trials pause; for a closed form 0, which stands for some validation users
    trials  in the order in which they were asked for; number 0 are the defaults
    """

    def __init__(
        self, workers: Workers, space: Space, n_trials: int, report: Callable[[int], None] = lambda fits: None
    ) -> None:
        self.workers, self.job, self.space, self.report = workers, workers.job, space, report
        self.rungs: list[int] = []
        defaults = Trial(0, searched(self.job.model({}).options, space))
        self.trials, self.n_fits = [defaults], 0
        curve = self._fit(self.trials, 0)[0].curve
        if defaults.error:
            raise MarqueeError(
                f"the defaults of {self.job.name} cannot be fitted, so there is nothing to compare with: "
                f"{defaults.error}"
            )
        whole = defaults.values.pop(0)
        self.rungs = sorted({-(-len(curve) // part) for part in FRACTIONS} - {len(curve)}) if curve else [0]
        for rung, epochs in enumerate(self.rungs):
            if epochs:
                defaults.values[rung] = self.job.best_of(curve[:epochs])
            else:
                self._fit([defaults], rung)
        defaults.values[self.last] = whole
        self.sampler = Sampler(space, defaults.options, self.job.higher_is_better, self.job.seed)
        self.sampler.tell_defaults(defaults.options, whole)
        while len(self.trials) < n_trials:
            before = len(self.trials)
            self._batch(min(BATCH - before % BATCH, n_trials - before))

    @property
    def last(self) -> int:
        """The number of the rung that is a whole fit."""
        return len(self.rungs)

    def ranked(self, rung: int, trials: Sequence[Trial] | None = None) -> list[Trial]:
        """Return those of `trials` (all) that reached `rung`, the best first, equals by number."""
        sign = -1 if self.job.higher_is_better else 1
        reached = [trial for trial in (self.trials if trials is None else trials) if rung in trial.values]
        return sorted(reached, key=lambda trial: (sign * trial.values[rung], trial.number))

    def _batch(self, n: int) -> None:
        """Ask for `n` trials, run them rung by rung, and tell the sampler in their order."""
        asked = self.sampler.ask(n)
        batch = [Trial(len(self.trials) + place, options) for place, (_, options) in enumerate(asked)]
        self.trials += batch
        going = batch
        for rung, kept in zip(range(self.last), KEPT[-self.last :], strict=self.last > 0):
            self._fit(going, rung)
            going = self.ranked(rung, going)[: -(-kept * n // BATCH)]
            for trial in batch:
                if trial not in going:
                    remove(store.checkpoint(self.job.folder, trial.number))
        self._fit(going, self.last)
        for (told, _), trial in zip(asked, batch, strict=True):
            self.sampler.tell(told, trial.values, self.last in trial.values)

    def _fit(self, trials: Sequence[Trial], rung: int) -> list[Fitted]:
        """Fit each of `trials` up to `rung`, those that the store has aside, and note what they reached."""
        whole = rung == self.last
        epochs = None if whole or not self.rungs[rung] else self.rungs[rung]
        fits = {
            Fit(trial.number, trial.options, epochs, partial=not whole and epochs is None): trial
            for trial in trials
        }
        found = {}
        for fit in fits:
            if stored := store.read(self.job.folder, fit):
                found[fit] = self._done(stored)
        left = [fit for fit in fits if fit not in found]
        if left and left[0].partial:
            running = run_closed(self.job, left, self.workers.data)
        else:
            running = self.workers.run(left)
        for fit, fitted in running:
            found[fit] = self._done(fitted)
        for fit, trial in fits.items():
            fitted = found[fit]
            trial.seconds += fitted.seconds
            trial.peak_mib = max(filter(None, (trial.peak_mib, fitted.peak_mib)), default=None)
            trial.epochs, trial.error = max(trial.epochs, len(fitted.curve)), trial.error or fitted.error
            if fitted.value is not None:
                trial.values[rung] = fitted.value
        return [found[fit] for fit in fits]

    def _done(self, fitted: Fitted) -> Fitted:
        self.n_fits += 1
        self.report(self.n_fits)
        return fitted


def searched(options: Any, space: Space) -> dict[str, Any]:
    """Return the values of the options that are searched: one outside of its range is left as it is."""
    return {key: value for key, value in asdict(options).items() if key in space and value in space[key]}

//! Rates, averages and maxima over the last while, as Kafka's metrics have them (`SampledStat`): a few samples, each of a fixed width,
//! the oldest of which goes when a new one begins.

use std::collections::VecDeque;

/// How far back to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampling {
    /// Milliseconds of one sample.
    pub width_ms: u64,
    /// How many are kept.
    pub samples: usize,
}

/// Values of the last while.
#[derive(Clone, Debug)]
pub struct Window {
    sampling: Sampling,
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    start_ms: u64,
    count: u64,
    sum: f64,
    max: f64,
}

impl Window {
    /// Nothing yet.
    pub fn new(sampling: Sampling) -> Self {
        Self { sampling, samples: VecDeque::new() }
    }

    /// Takes a value in, at `now_ms`.
    pub fn record(&mut self, now_ms: u64, value: f64) {
        if self.samples.back().is_none_or(|last| now_ms >= last.start_ms + self.sampling.width_ms) {
            self.samples.push_back(Sample { start_ms: now_ms, count: 0, sum: 0.0, max: f64::NEG_INFINITY });
            if self.samples.len() > self.sampling.samples {
                self.samples.pop_front();
            }
        }
        let sample = self.samples.back_mut().expect("one was there or has been made");
        sample.count += 1;
        sample.sum += value;
        sample.max = sample.max.max(value);
    }

    fn live(&self, now_ms: u64) -> impl Iterator<Item = &Sample> {
        let age_ms = self.sampling.width_ms * self.sampling.samples as u64;
        self.samples.iter().filter(move |sample| now_ms < sample.start_ms + age_ms)
    }

    /// The sum of the values per second. A window that is not full counts as if it had been empty before.
    pub fn rate(&self, now_ms: u64) -> f64 {
        let Some(oldest) = self.live(now_ms).next() else { return 0.0 };
        let least_ms = self.sampling.width_ms * (self.sampling.samples as u64 - 1).max(1);
        let elapsed_ms = now_ms.saturating_sub(oldest.start_ms).max(least_ms);
        self.live(now_ms).map(|sample| sample.sum).sum::<f64>() * 1_000.0 / elapsed_ms as f64
    }

    /// The average; NaN if there are no values, as Kafka says it.
    pub fn avg(&self, now_ms: u64) -> f64 {
        let count: u64 = self.live(now_ms).map(|sample| sample.count).sum();
        self.live(now_ms).map(|sample| sample.sum).sum::<f64>() / count as f64
    }

    /// The largest; NaN if there are no values.
    pub fn max(&self, now_ms: u64) -> f64 {
        self.live(now_ms).map(|sample| sample.max).fold(f64::NAN, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(values: &[(u64, f64)]) -> Window {
        let mut window = Window::new(Sampling { width_ms: 1_000, samples: 2 });
        values.iter().for_each(|(now, value)| window.record(*now, *value));
        window
    }

    #[test]
    fn the_last_samples_count() {
        for (values, now, rate, avg, max) in [
            (&[(0, 10.0)][..], 500, 10.0, 10.0, 10.0),
            (&[(0, 10.0), (500, 20.0)], 1_000, 30.0, 15.0, 20.0),
            (&[(0, 10.0), (1_500, 20.0)], 2_000, 20.0, 20.0, 20.0),
            (&[(0, 99.0), (1_000, 10.0), (2_000, 20.0)], 2_500, 20.0, 15.0, 20.0),
        ] {
            let window = window(values);
            assert_eq!((window.rate(now), window.avg(now), window.max(now)), (rate, avg, max), "{values:?} at {now}");
        }
    }

    #[test]
    fn nothing_is_nan_but_for_the_rate() {
        for (window, now) in [(window(&[]), 0), (window(&[(0, 5.0)]), 10_000)] {
            assert_eq!(window.rate(now), 0.0);
            assert!(window.avg(now).is_nan() && window.max(now).is_nan());
        }
    }
}

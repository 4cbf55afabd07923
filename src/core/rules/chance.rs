//! Rules that fire at random.

use std::fmt;

/// With which probability a rule fires.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Chance {
    /// From 0, never, to 1, always.
    pub probability: f64,
    /// What the sequence follows from. `None`: each process has a sequence of its own.
    pub seed: Option<u64>,
}

impl Chance {
    /// This, if the probability is one.
    pub fn sound(self) -> Option<Chance> {
        (0.0..=1.0).contains(&self.probability).then_some(self)
    }

    /// Whether the call with this ordinal, from 1, is hit. The answer follows from the two numbers alone, so a
    /// sequence can be repeated, and calls of several threads need no common state but their ordinals.
    pub fn fires(&self, ordinal: u64, seed: u64) -> bool {
        let random = mix(mix(seed) ^ ordinal);
        // The upper 53 bits are a number below 1 that an f64 can hold.
        ((random >> 11) as f64) * (1.0 / (1u64 << 53) as f64) < self.probability
    }
}

/// SplitMix64's step: every bit of the result depends on every bit of the number.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// As the keys of a rule.
impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chance {}", self.probability)?;
        match self.seed {
            Some(seed) => write!(f, " seed {seed}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(probability: f64, seed: u64) -> usize {
        let chance = Chance { probability, seed: None };
        (1..=100_000).filter(|ordinal| chance.fires(*ordinal, seed)).count()
    }

    #[test]
    fn as_often_as_it_says() {
        for seed in 0..8 {
            assert_eq!((hits(0.0, seed), hits(1.0, seed)), (0, 100_000));
            // Five standard deviations.
            assert!(hits(0.05, seed).abs_diff(5_000) < 345, "{}", hits(0.05, seed));
            assert!(hits(0.5, seed).abs_diff(50_000) < 791, "{}", hits(0.5, seed));
        }
    }

    #[test]
    fn a_seed_repeats_its_sequence_and_another_has_another() {
        let chance = Chance { probability: 0.5, seed: Some(7) };
        let sequence = |seed| (1..=64).map(|ordinal| chance.fires(ordinal, seed)).collect::<Vec<_>>();
        assert_eq!(sequence(7), sequence(7));
        assert_ne!(sequence(7), sequence(8));
    }
}

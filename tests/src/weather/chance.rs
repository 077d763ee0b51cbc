//! Chance that can be repeated: every decision is a number made from the seed, the name of what is decided, and how often that
//! was decided before. Neither time nor the order of other decisions plays a part.

/// The `n`-th number of this name, from 0 up to 1.
pub(super) fn number(seed: u64, name: &str, n: u64) -> f64 {
    // FNV-1a over seed, name and count, then a finalizer, since its low bits alone are poor.
    let bytes = seed.to_le_bytes().into_iter().chain(name.bytes()).chain(n.to_le_bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // 32 bits are enough, and a float holds them exactly.
    f64::from(u32::try_from((hash ^ (hash >> 31)) >> 32).unwrap_or_default()) / 4_294_967_296.0
}

/// As [`number`], from the first of `range` up to the second.
pub(super) fn within(range: [f64; 2], seed: u64, name: &str, n: u64) -> f64 {
    number(seed, name, n).mul_add(range[1] - range[0], range[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_has_the_same_answer_and_another_seed_another_one() {
        let series = |seed| (0..50).map(|n| number(seed, "W1", n).to_bits()).collect::<Vec<_>>();
        assert_eq!(series(1), series(1));
        assert_ne!(series(1), series(2));
        assert_ne!(number(1, "W1", 0).to_bits(), number(1, "W2", 0).to_bits());
    }

    #[test]
    fn numbers_are_spread_evenly() {
        let hits = (0..10_000).filter(|n| number(7, "W3", *n) < 0.2).count();
        assert!((1_800..2_200).contains(&hits), "{hits}");
        let all = (0..1_000).map(|n| within([5.0, 15.0], 7, "role", n));
        assert!(all.into_iter().all(|seconds| (5.0..15.0).contains(&seconds)));
    }
}

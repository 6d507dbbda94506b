//! Chance that depends on a seed and a name alone: whatever is drawn for a service, a trace or a series is the
//! same in every run, in the incident and in its reference, and whatever else there is.

/// FNV-1a's offset basis and prime.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// A number in `[0, 1)`, uniform over names. Parts are told apart: `["ab", "c"]` is not `["a", "bc"]`.
pub(super) fn uniform<'a>(seed: u64, parts: impl IntoIterator<Item = &'a [u8]>) -> f64 {
    let mut hash = BASIS ^ mix(seed);
    for part in parts {
        for byte in part.iter().chain(&(part.len() as u64).to_le_bytes()) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    }
    // The 53 bits that a float holds.
    (mix(hash) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finalizer of SplitMix64, which spreads what FNV leaves in the low bits.
fn mix(mut value: u64) -> u64 {
    value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_uniform_and_depend_on_seed_and_parts() {
        let draw = |seed: u64, name: &str| uniform(seed, [name.as_bytes()]);
        let many: Vec<f64> = (0..10_000).map(|number| draw(7, &format!("svc-{number}"))).collect();
        let mean = many.iter().sum::<f64>() / many.len() as f64;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        let tenth = many.iter().filter(|value| **value < 0.1).count();
        assert!((900..1_100).contains(&tenth), "{tenth}");
        assert_ne!(draw(7, "a"), draw(8, "a"));
        assert_ne!(uniform(7, [&b"ab"[..], b"c"]), uniform(7, [&b"a"[..], b"bc"]));
        assert_eq!(draw(7, "a"), draw(7, "a"));
    }
}

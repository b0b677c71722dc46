//! What a GPU can do at most, by its name: dense bf16 products with f32 sums, from NVIDIA's data sheets, in TFLOP/s.
//!
//! Data sheets print twice as much, with an asterisk for sparsity. A card that is not here has no share, and is given with
//! `--peak-tflops`.

/// More words before fewer: an `H100 PCIe` is another card than the `H100`.
const PEAKS: [(&str, f64); 7] = [
    ("H200", 989.0),
    ("H100 PCIe", 756.0),
    ("H100", 989.0),
    ("A100", 312.0),
    ("L40S", 362.0),
    ("L4", 121.0),
    ("RTX 4090", 165.0),
];

/// The peak of the device that the driver calls `name`.
pub fn bf16_tflops(name: &str) -> Option<f64> {
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let has_all = |key: &str| key.split(' ').all(|word| words.contains(&word));
    let mut peaks = PEAKS.iter();
    peaks.find(|(key, _)| has_all(key)).map(|(_, peak)| *peak)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_known_by_the_drivers_names() {
        for (name, peak) in [
            ("NVIDIA H100 80GB HBM3", Some(989.0)),
            ("NVIDIA H100 PCIe", Some(756.0)),
            ("NVIDIA H200", Some(989.0)),
            ("NVIDIA A100-SXM4-80GB", Some(312.0)),
            ("NVIDIA L4", Some(121.0)),
            ("NVIDIA L40S", Some(362.0)),
            ("NVIDIA GeForce RTX 4090", Some(165.0)),
            ("NVIDIA GeForce RTX 3060", None),
            ("cpu", None),
        ] {
            assert_eq!(bf16_tflops(name), peak, "{name}");
        }
    }
}

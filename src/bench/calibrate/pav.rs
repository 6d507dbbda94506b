/// A run of values that share one fitted value.
struct Block {
    value: f64,
    weight: f64,
    count: usize,
}

/// The non-decreasing sequence nearest to `values`, by weighted least squares: pool adjacent violators
/// (Ayer et al. 1955). Weights have to be positive; of unequal lengths the shorter counts.
pub fn pav(values: &[f64], weights: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<Block> = Vec::new();
    for (value, weight) in values.iter().zip(weights) {
        let mut block = Block { value: *value, weight: *weight, count: 1 };
        while let Some(last) = blocks.pop_if(|last| last.value >= block.value) {
            let weight = last.weight + block.weight;
            block = Block {
                value: (last.value * last.weight + block.value * block.weight) / weight,
                weight,
                count: last.count + block.count,
            };
        }
        blocks.push(block);
    }
    blocks.iter().flat_map(|block| std::iter::repeat_n(block.value, block.count)).collect()
}

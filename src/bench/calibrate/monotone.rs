use super::{Sample, pav};
use crate::domain::Decibans;

/// Samples that fit to one value.
#[derive(Clone, Copy)]
struct Block {
    raws: f64,
    rights: f64,
    count: f64,
}

impl Block {
    fn add(&mut self, other: Self) {
        self.raws += other.raws;
        self.rights += other.rights;
        self.count += other.count;
    }
}

/// Cases by which what was seen leans towards what the odds say of themselves. The incidents at hand are few, and
/// whoever set the weights of the arguments had seen them: what fits them best promises too much to others.
const LEAN: f64 = 6.0;

/// Points of the isotonic fit, both ascending. Each block leans towards the odds as they are.
pub fn isotonic(samples: &[Sample]) -> Vec<(Decibans, f64)> {
    let mut sorted: Vec<&Sample> = samples.iter().collect();
    sorted.sort_by(|a, b| a.raw.total_cmp(&b.raw));
    // Equal scores cannot be told apart.
    let mut blocks: Vec<(Decibans, Block)> = Vec::new();
    for sample in sorted {
        let weight = sample.weight;
        let one = Block {
            raws: sample.raw * weight,
            rights: f64::from(u8::from(sample.right)) * weight,
            count: weight,
        };
        match blocks.last_mut() {
            Some((raw, block)) if *raw == sample.raw => block.add(one),
            _ => blocks.push((sample.raw, one)),
        }
    }
    let mut blocks: Vec<Block> = blocks.into_iter().map(|(_, block)| block).collect();
    pool(&mut blocks, |block| block.rights / block.count, |block| block.count);
    let stated = |block: &Block| 1.0 / (1.0 + 10_f64.powf(-block.raws / block.count / 10.0));
    let leaning = |block: &Block| (block.rights + LEAN * stated(block)) / (block.count + LEAN);
    pool(&mut blocks, leaning, |block| block.count + LEAN);
    // Blocks pooled in the second round lean again, which may undo an order by a hair.
    let values: Vec<f64> = blocks.iter().map(leaning).collect();
    let weights: Vec<f64> = blocks.iter().map(|block| block.count + LEAN).collect();
    let values = pav(&values, &weights);
    blocks.iter().map(|block| block.raws / block.count).zip(values).collect()
}

/// Joins neighbours whose fitted values are the same.
fn pool(blocks: &mut Vec<Block>, value: impl Fn(&Block) -> f64, weight: impl Fn(&Block) -> f64) {
    let values: Vec<f64> = blocks.iter().map(value).collect();
    let weights: Vec<f64> = blocks.iter().map(weight).collect();
    let fitted = pav(&values, &weights);
    let mut pooled: Vec<(f64, Block)> = Vec::new();
    for (block, fitted) in blocks.iter().zip(fitted) {
        match pooled.last_mut() {
            Some((value, last)) if *value == fitted => last.add(*block),
            _ => pooled.push((fitted, *block)),
        }
    }
    *blocks = pooled.into_iter().map(|(_, block)| block).collect();
}

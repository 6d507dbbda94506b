//! Packs items into few queries, within a budget.

use super::{Inventory, Item, item::Reading};
use crate::promql::{Selector, quote};

/// Label that tells the parts of a joined query apart.
pub(crate) const KEY: &str = "quell_part";
/// Most metrics in one query of levels, and most expressions joined in one query.
const MAX_LEVELS: usize = 200;
const MAX_JOINED: usize = 10;
/// Most samples that one query should give.
const MAX_SAMPLES: usize = 500_000;

/// What may be spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    pub(crate) queries: usize,
    pub(crate) series: usize,
    pub(crate) samples: usize,
}

/// Items that are pulled with one query.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Item>,
    samples: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// In order of what matters most.
    pub(crate) batches: Vec<Batch>,
    /// Series and metrics that the budget has no room for.
    pub(crate) left_out: (usize, usize),
}

/// Packs items into queries. `points` is the number of samples of each series.
pub(crate) fn plan(items: Vec<Item>, points: usize, allowance: Allowance) -> Plan {
    let mut plan = Plan::default();
    let (mut series, mut samples) = (allowance.series, allowance.samples);
    for item in items {
        let cost = item.series.saturating_mul(points);
        let fits = item.series <= series && cost <= samples;
        let room = plan.batches.iter().position(|batch| batch.takes(&item, cost));
        if !fits || (room.is_none() && plan.batches.len() >= allowance.queries) {
            plan.left_out.0 += item.series;
            plan.left_out.1 += 1;
            continue;
        }
        series -= item.series;
        samples -= cost;
        match room.and_then(|index| plan.batches.get_mut(index)) {
            Some(batch) => {
                batch.items.push(item);
                batch.samples += cost;
            }
            None => plan.batches.push(Batch { items: vec![item], samples: cost }),
        }
    }
    plan
}

impl Batch {
    fn takes(&self, item: &Item, cost: usize) -> bool {
        let Some(first) = self.items.first() else { return false };
        let alike = match (first.reading, item.reading) {
            (Reading::Level, Reading::Level) => {
                first.carrier == item.carrier && self.items.len() < MAX_LEVELS
            }
            (Reading::Level, _) | (_, Reading::Level) => false,
            _ => self.items.len() < MAX_JOINED,
        };
        alike && self.samples.saturating_add(cost) <= MAX_SAMPLES
    }

    /// Series that it should give.
    pub(crate) fn series(&self) -> usize {
        self.items.iter().map(|item| item.series).sum()
    }

    /// The query.
    pub(crate) fn expression(&self, inventory: &Inventory, range: &str) -> String {
        let expression = |item: &Item| item.expression(&inventory.selector(item.carrier), range);
        match self.items.as_slice() {
            [] => String::new(),
            [only] => expression(only),
            [first, ..] if first.reading == Reading::Level => {
                let mut selector: Selector = inventory.selector(first.carrier);
                selector.any_of("__name__", self.items.iter().map(|item| item.name.as_str()));
                selector.to_string()
            }
            items => {
                let parts: Vec<String> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| {
                        let key = quote(&index.to_string());
                        format!("label_replace({}, \"{KEY}\", {key}, \"\", \"\")", expression(item))
                    })
                    .collect();
                parts.join(" or ")
            }
        }
    }

    /// Which item a series of the answer belongs to.
    pub(crate) fn item_of(&self, labels: &quell_sdk::signal::Labels) -> Option<&Item> {
        match self.items.as_slice() {
            [only] => Some(only),
            [first, ..] if first.reading == Reading::Level => {
                let name = labels.get("__name__")?;
                self.items.iter().find(|item| item.name == *name)
            }
            items => items.get(labels.get(KEY)?.parse::<usize>().ok()?),
        }
    }

    /// Two halves, for when the server will not take the whole; nothing if it cannot be divided.
    pub(crate) fn halves(mut self) -> Option<[Self; 2]> {
        if self.items.len() < 2 {
            return None;
        }
        let rest = self.items.split_off(self.items.len() / 2);
        let half = self.samples / 2;
        Some([Self { items: self.items, samples: half }, Self { items: rest, samples: half }])
    }
}

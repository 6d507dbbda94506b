use std::collections::BTreeMap;

/// Rows that fit on one page of the disk.
pub(super) const ROWS_PER_PAGE: usize = 100;
/// Pages read to go down an index.
const INDEX_DEPTH: usize = 3;
/// Most rows that a lookup gives back.
const LIMIT: usize = 20;

/// Rows of integers under named columns; the first column is the key and has an index that stays.
pub(super) struct Table {
    columns: &'static [&'static str],
    rows: Vec<Vec<i64>>,
    /// At this many rows the oldest makes room.
    capacity: usize,
    inserted: usize,
    indexes: BTreeMap<String, Index>,
}

struct Index {
    column: usize,
    entries: BTreeMap<i64, Vec<usize>>,
}

/// What an operation read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    pub(super) rows: usize,
    pub(super) pages: usize,
    pub(super) sequential: bool,
}

impl Table {
    pub(super) fn new(columns: &'static [&'static str], capacity: usize) -> Self {
        let mut table = Self { columns, rows: Vec::new(), capacity, inserted: 0, indexes: BTreeMap::new() };
        table.create_index("primary key", columns.first().copied().unwrap_or_default());
        table
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The newest rows where a column has a value; `None` when there is no such column.
    pub(super) fn select(&self, column: &str, value: i64) -> Option<(Vec<Vec<i64>>, Work)> {
        let (found, work) = self.find(column, value)?;
        let rows = found.iter().rev().take(LIMIT).filter_map(|row| self.rows.get(*row).cloned()).collect();
        Some((rows, work))
    }

    /// Takes an amount off a column in each row of a key; answers how many rows changed.
    pub(super) fn take(&mut self, column: &str, amount: i64, key: &str, value: i64) -> Option<(usize, Work)> {
        let position = self.position(column)?;
        let (found, mut work) = self.find(key, value)?;
        for row in &found {
            if let Some(cell) = self.rows.get_mut(*row).and_then(|row| row.get_mut(position)) {
                *cell = cell.saturating_sub(amount);
            }
        }
        work.pages += 1;
        Some((found.len(), work))
    }

    /// Adds a row; the key is given when the columns leave it out. `None` when a column is unknown.
    pub(super) fn insert(&mut self, columns: &[String], values: &[i64]) -> Option<(i64, Work)> {
        let mut row = vec![0; self.columns.len()];
        let id = i64::try_from(self.inserted + 1).ok()?;
        *row.first_mut()? = id;
        for (column, value) in columns.iter().zip(values) {
            *row.get_mut(self.position(column)?)? = *value;
        }
        let id = row.first().copied()?;
        let at = self.inserted % self.capacity;
        if let Some(old) = self.rows.get(at) {
            for index in self.indexes.values_mut() {
                index.forget(old, at);
            }
        }
        for index in self.indexes.values_mut() {
            index.learn(&row, at);
        }
        match self.rows.get_mut(at) {
            Some(slot) => *slot = row,
            None => self.rows.push(row),
        }
        self.inserted += 1;
        Some((id, Work { rows: 1, pages: 1 + self.indexes.len(), sequential: false }))
    }

    pub(super) fn create_index(&mut self, name: &str, column: &str) -> bool {
        let Some(column) = self.position(column) else { return false };
        let mut index = Index { column, entries: BTreeMap::new() };
        for (at, row) in self.rows.iter().enumerate() {
            index.learn(row, at);
        }
        self.indexes.insert(name.to_owned(), index);
        true
    }

    pub(super) fn drop_index(&mut self, name: &str) -> bool {
        self.indexes.remove(name).is_some()
    }

    fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| *name == column)
    }

    /// By an index when one covers the column, else by reading every row.
    fn find(&self, column: &str, value: i64) -> Option<(Vec<usize>, Work)> {
        let position = self.position(column)?;
        if let Some(index) = self.indexes.values().find(|index| index.column == position) {
            let found = index.entries.get(&value).cloned().unwrap_or_default();
            let work = Work { rows: found.len(), pages: INDEX_DEPTH, sequential: false };
            return Some((found, work));
        }
        let matches = |row: &Vec<i64>| row.get(position) == Some(&value);
        let found = self.rows.iter().enumerate().filter(|(_, row)| matches(row)).map(|(at, _)| at).collect();
        let rows = self.rows.len();
        Some((found, Work { rows, pages: rows.div_ceil(ROWS_PER_PAGE), sequential: true }))
    }
}

impl Index {
    fn learn(&mut self, row: &[i64], at: usize) {
        if let Some(value) = row.get(self.column) {
            self.entries.entry(*value).or_default().push(at);
        }
    }

    fn forget(&mut self, row: &[i64], at: usize) {
        let Some(value) = row.get(self.column) else { return };
        if let Some(places) = self.entries.get_mut(value) {
            places.retain(|place| *place != at);
            if places.is_empty() {
                self.entries.remove(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filled(values: &[i64], capacity: usize) -> Table {
        let mut table = Table::new(&["id", "customer_id"], capacity);
        table.create_index("by_customer", "customer_id");
        for value in values {
            table.insert(&["customer_id".to_owned()], &[*value]).expect("the column is there");
        }
        table
    }

    #[test]
    fn a_dropped_index_makes_each_lookup_read_all_rows() {
        let mut table = filled(&(0..1000).map(|n| n % 10).collect::<Vec<_>>(), 5000);
        let (rows, work) = table.select("customer_id", 3).expect("column");
        assert_eq!((rows.len(), work.sequential, work.pages), (LIMIT, false, INDEX_DEPTH));
        assert!(table.drop_index("by_customer"));
        let (same, work) = table.select("customer_id", 3).expect("column");
        assert_eq!(same, rows);
        assert_eq!(work, Work { rows: 1000, pages: 10, sequential: true });
        assert!(!table.drop_index("by_customer"));
    }

    proptest! {
        /// With or without its index, and after the oldest rows made room, a lookup finds the same rows.
        #[test]
        fn index_and_scan_agree(values in prop::collection::vec(0i64..8, 0..60), capacity in 1usize..40) {
            let mut table = filled(&values, capacity);
            prop_assert!(table.rows() <= capacity);
            let indexed: Vec<_> = (0..8).map(|v| sorted(table.select("customer_id", v))).collect();
            table.drop_index("by_customer");
            let scanned: Vec<_> = (0..8).map(|v| sorted(table.select("customer_id", v))).collect();
            for (one, other) in indexed.iter().zip(&scanned) {
                if one.len() < LIMIT { prop_assert_eq!(one, other); } else { prop_assert_eq!(one.len(), other.len()); }
            }
        }
    }

    fn sorted(found: Option<(Vec<Vec<i64>>, Work)>) -> Vec<Vec<i64>> {
        let mut rows = found.expect("column").0;
        rows.sort();
        rows
    }
}

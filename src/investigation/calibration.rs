use std::sync::LazyLock;

use crate::domain::CalibrationTable;

static TABLE: LazyLock<Result<CalibrationTable, String>> =
    LazyLock::new(|| CalibrationTable::parse(include_str!("calibration.json")));

/// The map from raw score to probability that ships with the program, as `quell calibrate` wrote it.
///
/// # Errors
/// Says what is wrong with the file; a test sees to it that nothing is.
pub fn calibration() -> Result<&'static CalibrationTable, &'static str> {
    TABLE.as_ref().map_err(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_is_sound_and_says_where_it_is_from() {
        let table = calibration().expect("a sound table");
        let from = &table.provenance;
        assert!(from.cases >= 10 && from.groups >= 3 && !from.datasets.is_empty(), "{from:?}");
        assert!(["isotonic", "platt"].contains(&from.method.as_str()) && !from.date.is_empty(), "{from:?}");
        assert!(table.apply(-300.0) < table.apply(300.0), "a table that tells nothing apart");
    }
}

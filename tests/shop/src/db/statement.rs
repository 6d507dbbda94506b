/// A statement that the database takes. Columns and tables are by name; `$1` and `$2` are parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Statement {
    /// `SELECT a, b FROM table WHERE column = $1`: all columns of the newest rows that match.
    Select { table: String, column: String },
    /// `INSERT INTO table (a, b) VALUES ($1, $2)`
    Insert { table: String, columns: Vec<String> },
    /// `UPDATE table SET a = a - $2 WHERE b = $1`
    Take { table: String, column: String, key: String },
    /// `CREATE INDEX name ON table (column)`
    CreateIndex { name: String, table: String, column: String },
    /// `DROP INDEX name`
    DropIndex { name: String },
}

impl Statement {
    /// From its text; `None` for what this database cannot do.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let spaced: String =
            text.chars().map(|c| if matches!(c, '(' | ')' | ',' | ';') { ' ' } else { c }).collect();
        let words: Vec<&str> = spaced.split_whitespace().collect();
        match words.as_slice() {
            ["SELECT", columns @ .., "FROM", table, "WHERE", column, "=", "$1"] if !columns.is_empty() => {
                Some(Self::Select { table: (*table).into(), column: (*column).into() })
            }
            ["INSERT", "INTO", table, rest @ ..] => {
                let split = rest.iter().position(|word| *word == "VALUES")?;
                let (columns, values) = rest.split_at_checked(split)?;
                let values = values.get(1..)?;
                let numbered =
                    values.iter().enumerate().all(|(index, value)| *value == format!("${}", index + 1));
                (numbered && !columns.is_empty() && values.len() == columns.len()).then(|| Self::Insert {
                    table: (*table).into(),
                    columns: columns.iter().map(|column| (*column).to_owned()).collect(),
                })
            }
            ["UPDATE", table, "SET", column, "=", same, "-", "$2", "WHERE", key, "=", "$1"]
                if column == same =>
            {
                Some(Self::Take { table: (*table).into(), column: (*column).into(), key: (*key).into() })
            }
            ["CREATE", "INDEX", name, "ON", table, column] => Some(Self::CreateIndex {
                name: (*name).into(),
                table: (*table).into(),
                column: (*column).into(),
            }),
            ["DROP", "INDEX", name] => Some(Self::DropIndex { name: (*name).into() }),
            _ => None,
        }
    }

    /// The verb, for metrics and span names.
    pub(crate) fn verb(&self) -> &'static str {
        match self {
            Self::Select { .. } => "SELECT",
            Self::Insert { .. } => "INSERT",
            Self::Take { .. } => "UPDATE",
            Self::CreateIndex { .. } => "CREATE INDEX",
            Self::DropIndex { .. } => "DROP INDEX",
        }
    }

    /// The table it is about; empty for `DROP INDEX`.
    pub(crate) fn table(&self) -> &str {
        match self {
            Self::Select { table, .. }
            | Self::Insert { table, .. }
            | Self::Take { table, .. }
            | Self::CreateIndex { table, .. } => table,
            Self::DropIndex { .. } => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_the_forms_it_takes_and_no_other() {
        assert_eq!(
            Statement::parse("SELECT id, total FROM orders WHERE customer_id = $1"),
            Some(Statement::Select { table: "orders".into(), column: "customer_id".into() })
        );
        assert_eq!(
            Statement::parse("INSERT INTO orders (customer_id, total) VALUES ($1, $2)"),
            Some(Statement::Insert {
                table: "orders".into(),
                columns: vec!["customer_id".into(), "total".into()]
            })
        );
        assert_eq!(
            Statement::parse("UPDATE stock SET available = available - $2 WHERE sku = $1"),
            Some(Statement::Take { table: "stock".into(), column: "available".into(), key: "sku".into() })
        );
        assert_eq!(Statement::parse("DROP INDEX x"), Some(Statement::DropIndex { name: "x".into() }));
        for wrong in ["", "SELECT", "DELETE FROM orders", "INSERT INTO t (a, b) VALUES ($1)", "DROP TABLE t"]
        {
            assert_eq!(Statement::parse(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,80}", words in prop::collection::vec(
            prop::sample::select(vec!["SELECT", "INSERT", "INTO", "UPDATE", "SET", "VALUES", "WHERE", "=", "$1", "-", "x"]), 0..12)
        ) {
            let _nothing_known_of_it = Statement::parse(&text);
            let _nor_of_this = Statement::parse(&words.join(" "));
        }
    }
}

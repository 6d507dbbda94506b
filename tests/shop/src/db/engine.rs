use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Semaphore;

use super::{
    statement::Statement,
    table::{Table, Work},
};
use crate::services::Jitter;

/// Time that the disk takes for one page.
const PAGE: Duration = Duration::from_millis(1);
/// Reads that the disk serves at the same time.
const DISK_QUEUE: usize = 16;

const CUSTOMERS: i64 = 2000;
const ORDERS_AT_START: i64 = 40_000;
const SKUS: i64 = 500;

/// The tables, and the disk that they are on.
pub(crate) struct Engine {
    tables: Mutex<BTreeMap<&'static str, Table>>,
    disk: Semaphore,
    jitter: Jitter,
}

/// What a statement gave, and what it cost.
pub(super) struct Outcome {
    pub(super) rows: Vec<Vec<i64>>,
    pub(super) work: Work,
}

impl Engine {
    /// With the tables of the shop filled and indexed.
    pub(crate) fn new(jitter: Jitter) -> Self {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut orders = Table::new(&["id", "customer_id", "total"], 60_000);
        for order in 0..ORDERS_AT_START {
            orders.insert(&own(&["customer_id", "total"]), &[order * 7 % CUSTOMERS, 500 + order % 9000]);
        }
        orders.create_index(super::INDEX, "customer_id");
        let mut stock = Table::new(&["sku", "available"], 1000);
        for sku in 0..SKUS {
            stock.insert(&own(&["sku", "available"]), &[sku, 1_000_000]);
        }
        let mut coupons = Table::new(&["code", "percent"], 100);
        for code in 0..100 {
            coupons.insert(&own(&["code", "percent"]), &[code, 5 + code % 20]);
        }
        let tables = BTreeMap::from([("orders", orders), ("stock", stock), ("coupons", coupons)]);
        Self { tables: Mutex::new(tables), disk: Semaphore::new(DISK_QUEUE), jitter }
    }

    /// Runs a statement: the rows at once, then the wait for the disk. `Err` says what was wrong with it.
    pub(super) async fn run(&self, statement: &Statement, parameters: &[i64]) -> Result<Outcome, String> {
        let outcome = self.compute(statement, parameters)?;
        let pages = u32::try_from(outcome.work.pages).unwrap_or(u32::MAX);
        let cost = self.jitter.around(PAGE * pages);
        let _turn = self.disk.acquire().await.map_err(|_| "the disk is gone".to_owned())?;
        tokio::time::sleep(cost).await;
        Ok(outcome)
    }

    /// Rows in a table, for its gauge.
    pub(super) fn sizes(&self) -> Vec<(&'static str, usize)> {
        self.lock().iter().map(|(name, table)| (*name, table.rows())).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, Table>> {
        // A panic while a row was written leaves a row too few, nothing worse.
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn compute(&self, statement: &Statement, parameters: &[i64]) -> Result<Outcome, String> {
        let mut tables = self.lock();
        if let Statement::DropIndex { name } = statement {
            let dropped = tables.values_mut().any(|table| table.drop_index(name));
            return dropped.then(Outcome::of_schema).ok_or_else(|| format!("index {name:?} does not exist"));
        }
        let name = statement.table();
        let table = tables.get_mut(name).ok_or_else(|| format!("relation {name:?} does not exist"))?;
        let parameter = |at: usize| {
            parameters.get(at).copied().ok_or_else(|| format!("there is no parameter ${}", at + 1))
        };
        let unknown = || format!("a column of {name:?} does not exist");
        match statement {
            Statement::Select { column, .. } => {
                let (rows, work) = table.select(column, parameter(0)?).ok_or_else(unknown)?;
                Ok(Outcome { rows, work })
            }
            Statement::Take { column, key, .. } => {
                let (changed, work) =
                    table.take(column, parameter(1)?, key, parameter(0)?).ok_or_else(unknown)?;
                Ok(Outcome { rows: vec![vec![i64::try_from(changed).unwrap_or(i64::MAX)]], work })
            }
            Statement::Insert { columns, .. } => {
                if columns.len() != parameters.len() {
                    return Err(format!("{} values for {} columns", parameters.len(), columns.len()));
                }
                let (id, work) = table.insert(columns, parameters).ok_or_else(unknown)?;
                Ok(Outcome { rows: vec![vec![id]], work })
            }
            Statement::CreateIndex { name, column, .. } => {
                if table.create_index(name, column) {
                    Ok(Outcome::of_schema())
                } else {
                    Err(unknown())
                }
            }
            Statement::DropIndex { .. } => Err(unknown()),
        }
    }
}

impl Outcome {
    fn of_schema() -> Self {
        Self { rows: Vec::new(), work: Work { rows: 0, pages: 1, sequential: false } }
    }
}

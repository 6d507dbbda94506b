//! The queue of investigations, inside the writer's open transaction.
//!
//! Who holds what stands in the table `work`; when a hold ends is kept here in memory, since every hold
//! ends with the process anyway and the wall clock may jump. An investigation that was handed out five
//! times and still is not finished is handed out further, but after a growing pause, so that one that
//! kills its workers does not keep them from the others.

use std::{collections::HashMap, time::Duration};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::time::Instant;

use crate::{domain::IncidentId, journal::Claim};

/// Attempts that follow each other without a pause.
const EAGER_ATTEMPTS: u32 = 5;
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
const LONGEST_LEASE: Duration = Duration::from_secs(24 * 3_600);

type Key = (i64, String);

/// What a worker that asks for work gets.
#[derive(Debug)]
pub(super) enum Claimed {
    Work(Claim),
    /// Nothing is free; something may be at this moment.
    Nothing {
        until: Option<Instant>,
    },
}

#[derive(Clone, Default)]
struct Holds {
    /// End of the lease of what is held.
    leases: HashMap<Key, Instant>,
    /// Earliest next attempt of what is free but has failed often.
    pauses: HashMap<Key, Instant>,
}

#[derive(Default)]
pub(super) struct Queue {
    holds: Holds,
    /// As it was before the open transaction.
    before: Option<Holds>,
    /// Something may have become free in the open transaction.
    freed: bool,
}

impl Queue {
    /// Frees everything that an earlier process held.
    pub(super) fn open(connection: &Connection, now: Instant) -> rusqlite::Result<Self> {
        connection.execute("UPDATE work SET worker = NULL WHERE worker IS NOT NULL", [])?;
        let mut queue = Self::default();
        let mut statement =
            connection.prepare("SELECT incident, investigation, attempts FROM work WHERE attempts >= ?1")?;
        let mut rows = statement.query([EAGER_ATTEMPTS])?;
        while let Some(row) = rows.next()? {
            queue.pause((row.get(0)?, row.get(1)?), row.get(2)?, now);
        }
        Ok(queue)
    }

    /// The transaction is in: `true` when waiting workers should ask again.
    pub(super) fn committed(&mut self) -> bool {
        self.before = None;
        std::mem::take(&mut self.freed)
    }

    pub(super) fn rolled_back(&mut self) {
        if let Some(before) = self.before.take() {
            self.holds = before;
        }
        self.freed = false;
    }

    pub(super) fn enter(
        &mut self,
        connection: &Connection,
        incident: i64,
        investigation: &str,
        position: i64,
        budget_seconds: u64,
    ) -> rusqlite::Result<()> {
        let budget = i64::try_from(budget_seconds).unwrap_or(i64::MAX);
        connection
            .prepare_cached(
                "INSERT INTO work (incident, investigation, position, budget_seconds)
                 VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?
            .execute(params![incident, investigation, position, budget])?;
        self.freed = true;
        Ok(())
    }

    pub(super) fn leave(
        &mut self,
        connection: &Connection,
        incident: i64,
        investigation: &str,
    ) -> rusqlite::Result<()> {
        connection
            .prepare_cached("DELETE FROM work WHERE incident = ?1 AND investigation = ?2")?
            .execute(params![incident, investigation])?;
        let key = (incident, investigation.to_owned());
        let holds = self.change();
        holds.leases.remove(&key);
        holds.pauses.remove(&key);
        Ok(())
    }

    /// Hands out the oldest that is free.
    pub(super) fn claim(
        &mut self,
        connection: &Connection,
        worker: &str,
        lease: Duration,
        now: Instant,
    ) -> rusqlite::Result<Claimed> {
        self.expire(connection, now)?;
        let mut statement = connection.prepare_cached(
            "SELECT w.incident, w.investigation, i.id, w.attempts, w.budget_seconds
             FROM work w JOIN incidents i ON i.key = w.incident
             WHERE w.worker IS NULL ORDER BY w.position",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key: Key = (row.get(0)?, row.get(1)?);
            if self.holds.pauses.get(&key).is_some_and(|pause| *pause > now) {
                continue;
            }
            let attempt = row.get::<_, u32>(3)?.saturating_add(1);
            let claim = Claim {
                incident: IncidentId(row.get(2)?),
                investigation: key.1.clone(),
                attempt,
                budget: Duration::from_secs(row.get::<_, i64>(4)?.cast_unsigned()),
            };
            connection
                .prepare_cached(
                    "UPDATE work SET worker = ?3, attempts = ?4 WHERE incident = ?1 AND investigation = ?2",
                )?
                .execute(params![key.0, key.1, worker, attempt])?;
            let holds = self.change();
            holds.pauses.remove(&key);
            holds.leases.insert(key, now + lease.min(LONGEST_LEASE));
            return Ok(Claimed::Work(claim));
        }
        let moments = self.holds.leases.values().chain(self.holds.pauses.values());
        Ok(Claimed::Nothing { until: moments.filter(|moment| **moment > now).min().copied() })
    }

    /// Extends a hold; `false` when the worker has it no more.
    pub(super) fn renew(
        &mut self,
        connection: &Connection,
        claim: &Claim,
        worker: &str,
        lease: Duration,
        now: Instant,
    ) -> rusqlite::Result<bool> {
        let Some(key) = held(connection, claim, worker)? else { return Ok(false) };
        self.change().leases.insert(key, now + lease.min(LONGEST_LEASE));
        Ok(true)
    }

    /// Gives a hold back; nothing when the worker has it no more. `unseen`: the worker never got the
    /// claim, so it does not count as an attempt.
    pub(super) fn release(
        &mut self,
        connection: &Connection,
        claim: &Claim,
        worker: &str,
        unseen: bool,
        now: Instant,
    ) -> rusqlite::Result<()> {
        let Some(key) = held(connection, claim, worker)? else { return Ok(()) };
        let attempts = claim.attempt.saturating_sub(u32::from(unseen));
        connection
            .prepare_cached(
                "UPDATE work SET worker = NULL, attempts = ?3 WHERE incident = ?1 AND investigation = ?2",
            )?
            .execute(params![key.0, key.1, attempts])?;
        self.change().leases.remove(&key);
        self.pause(key, attempts, now);
        self.freed = true;
        Ok(())
    }

    fn expire(&mut self, connection: &Connection, now: Instant) -> rusqlite::Result<()> {
        let ended = self.holds.leases.iter().filter(|(_, until)| **until <= now);
        let ended: Vec<Key> = ended.map(|(key, _)| key.clone()).collect();
        for key in ended {
            let attempts: Option<u32> = connection
                .prepare_cached(
                    "UPDATE work SET worker = NULL WHERE incident = ?1 AND investigation = ?2
                     RETURNING attempts",
                )?
                .query_row(params![key.0, key.1], |row| row.get(0))
                .optional()?;
            self.change().leases.remove(&key);
            if let Some(attempts) = attempts {
                self.pause(key, attempts, now);
            }
        }
        Ok(())
    }

    fn pause(&mut self, key: Key, attempts: u32, now: Instant) {
        if let Some(beyond) = attempts.checked_sub(EAGER_ATTEMPTS) {
            let pause = Duration::from_secs(1 << beyond.min(16)).min(LONGEST_PAUSE);
            self.change().pauses.insert(key, now + pause);
        }
    }

    /// The holds, after keeping what a rollback needs.
    fn change(&mut self) -> &mut Holds {
        if self.before.is_none() {
            self.before = Some(self.holds.clone());
        }
        &mut self.holds
    }
}

fn held(connection: &Connection, claim: &Claim, worker: &str) -> rusqlite::Result<Option<Key>> {
    let key: Option<i64> = connection
        .prepare_cached(
            "SELECT w.incident FROM work w JOIN incidents i ON i.key = w.incident
             WHERE i.id = ?1 AND w.investigation = ?2 AND w.worker = ?3 AND w.attempts = ?4",
        )?
        .query_row(params![claim.incident.0, claim.investigation, worker, claim.attempt], |row| row.get(0))
        .optional()?;
    Ok(key.map(|incident| (incident, claim.investigation.clone())))
}

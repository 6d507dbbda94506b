//! The one thread that writes: takes what waits, runs it in one transaction, commits, then answers.

use std::{
    fs::File,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rusqlite::Connection;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};

use super::{
    failure::Place,
    live::{Hub, lock},
    open,
    prepare::Prepared,
    queue::{Claimed, Queue},
    store::{Failed, Store, Written},
};
use crate::journal::{Appended, Claim, Error, Result};

/// Commands in one transaction at most; their bytes are bounded by the queue.
const GROUP: usize = 1_024;

pub(super) type Reply<T> = oneshot::Sender<Result<T>>;

pub(super) enum Command {
    Append {
        batches: Vec<Prepared>,
        bytes: usize,
        reply: Reply<Vec<Appended>>,
    },
    Claim {
        worker: String,
        lease: Duration,
        now: Instant,
        reply: Reply<Claimed>,
    },
    Renew {
        claim: Claim,
        worker: String,
        lease: Duration,
        now: Instant,
        reply: Reply<bool>,
    },
    Release {
        claim: Claim,
        worker: String,
        now: Instant,
        reply: Reply<()>,
    },
    /// A claim that its worker never saw: it went away while waiting.
    Unclaim {
        claim: Claim,
        worker: String,
        now: Instant,
    },
    NextNumber {
        reply: Reply<u64>,
    },
    Close,
}

/// What a command came to, if the commit succeeds.
enum Done {
    Appended(Result<Vec<Written>>),
    Claimed(Claimed),
    Renewed(bool),
    Number(u64),
    Nothing,
}

pub(super) struct Writer {
    pub(super) connection: Arc<Mutex<Connection>>,
    pub(super) place: Place,
    pub(super) hub: Arc<Hub>,
    /// Counts up when work may have become free.
    pub(super) work: watch::Sender<u64>,
    pub(super) queued_bytes: Arc<AtomicUsize>,
    pub(super) queue: Queue,
    pub(super) store: Store,
    /// Whether commits reach the disk before they return, as the connection is set now.
    pub(super) synced: bool,
    /// The folder is ours until the writer is gone.
    pub(super) _lock: Option<File>,
}

impl Writer {
    /// Runs until told to close, or until nobody can send any more.
    pub(super) fn run(mut self, mut receiver: mpsc::Receiver<Command>) {
        let mut commands = Vec::with_capacity(64);
        let mut returned = Vec::new();
        while receiver.blocking_recv_many(&mut commands, GROUP) > 0 {
            if commands.iter().any(|command| matches!(command, Command::Close)) {
                // What is queued already still goes in.
                receiver.close();
            }
            self.group(&mut commands, &mut returned);
            while !returned.is_empty() {
                commands.append(&mut returned);
                self.group(&mut commands, &mut returned);
            }
        }
        self.checkpoint();
    }

    /// One transaction. Claims that nobody waits for any more come back as commands in `returned`.
    fn group(&mut self, commands: &mut Vec<Command>, returned: &mut Vec<Command>) {
        let bytes: usize = commands.iter().map(Command::bytes).sum();
        match self.transact(commands) {
            Ok(done) => {
                let freed = self.queue.committed();
                for (command, done) in commands.drain(..).zip(done) {
                    self.answer(command, done, returned);
                }
                if freed {
                    self.work.send_modify(|count| *count += 1);
                }
            }
            Err(error) => {
                tracing::error!(%error, commands = commands.len(), "journal write failed");
                self.store.forget();
                self.queue.rolled_back();
                for command in commands.drain(..) {
                    command.refuse(&error);
                }
            }
        }
        self.queued_bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    fn transact(&mut self, commands: &[Command]) -> Result<Vec<Done>> {
        let shared = Arc::clone(&self.connection);
        let connection = lock(&shared);
        let run = |sql: &str, doing: &str| {
            connection.execute_batch(sql).map_err(|error| self.place.sqlite(doing, 0, &error))
        };
        let synced = commands.iter().any(Command::must_be_synced);
        if synced != self.synced {
            let sql = if synced { open::SYNCED } else { open::WRITTEN };
            run(sql, "cannot set how commits are synced")?;
            self.synced = synced;
        }
        run("BEGIN IMMEDIATE", "cannot begin a write")?;
        let mut done = Vec::with_capacity(commands.len());
        let mut result = Ok(());
        for command in commands {
            match command.apply(&connection, &mut self.store, &mut self.queue, &self.place) {
                Ok(one) => done.push(one),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        if result.is_ok() {
            result = run("COMMIT", "cannot commit");
        }
        if result.is_err() && !connection.is_autocommit() {
            // SQLite has already told what went wrong; this only ends the transaction.
            run("ROLLBACK", "cannot roll back").or_else(|error| {
                tracing::error!(%error, "journal rollback failed");
                Ok(())
            })?;
        }
        result.map(|()| done)
    }

    fn answer(&self, command: Command, done: Done, returned: &mut Vec<Command>) {
        match (command, done) {
            (Command::Append { batches, reply, .. }, Done::Appended(Ok(written))) => {
                for (batch, one) in batches.into_iter().zip(&written) {
                    if !one.appended.duplicate {
                        self.hub.publish(batch, one.first_seq, one.last_position);
                        self.hub.advance(one.last_position);
                    }
                }
                send(reply, Ok(written.into_iter().map(|one| one.appended).collect()));
            }
            (Command::Append { reply, .. }, Done::Appended(Err(error))) => send(reply, Err(error)),
            (Command::Claim { worker, now, reply, .. }, Done::Claimed(claimed)) => {
                if let Err(Ok(Claimed::Work(claim))) = reply.send(Ok(claimed)) {
                    returned.push(Command::Unclaim { claim, worker, now });
                }
            }
            (Command::Renew { reply, .. }, Done::Renewed(kept)) => send(reply, Ok(kept)),
            (Command::Release { reply, .. }, Done::Nothing) => send(reply, Ok(())),
            (Command::NextNumber { reply }, Done::Number(number)) => send(reply, Ok(number)),
            // The others ask for no answer; `apply` pairs each command with its own outcome.
            (_, _) => {}
        }
    }

    /// Leaves one file behind, not a file and its log.
    fn checkpoint(&self) {
        let checkpoint = lock(&self.connection).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = checkpoint {
            // Nothing is lost: the next open reads the log.
            tracing::warn!(%error, "journal checkpoint at close failed");
        }
    }
}

impl Command {
    fn bytes(&self) -> usize {
        if let Self::Append { bytes, .. } = self { *bytes } else { 0 }
    }

    /// Whether it must survive power loss before it is answered. Who holds work need not: every hold ends
    /// with the process. Nor need a number: the log is in order, so whatever append makes it known to
    /// anybody takes it to the disk as well.
    fn must_be_synced(&self) -> bool {
        matches!(self, Self::Append { .. })
    }

    fn apply(
        &self,
        connection: &Connection,
        store: &mut Store,
        queue: &mut Queue,
        place: &Place,
    ) -> Result<Done> {
        let fail = |error: rusqlite::Error| place.sqlite("cannot write the work queue", 0, &error);
        Ok(match self {
            Self::Append { batches, .. } => match store.append_all(connection, queue, batches) {
                Ok(written) => Done::Appended(Ok(written)),
                Err(Failed::Refused(error)) => Done::Appended(Err(error)),
                Err(Failed::Broken(error)) => return Err(error),
            },
            Self::Claim { worker, lease, now, .. } => {
                Done::Claimed(queue.claim(connection, worker, *lease, *now).map_err(fail)?)
            }
            Self::Renew { claim, worker, lease, now, .. } => {
                Done::Renewed(queue.renew(connection, claim, worker, *lease, *now).map_err(fail)?)
            }
            Self::Release { claim, worker, now, .. } => {
                queue.release(connection, claim, worker, false, *now).map_err(fail)?;
                Done::Nothing
            }
            Self::Unclaim { claim, worker, now } => {
                queue.release(connection, claim, worker, true, *now).map_err(fail)?;
                Done::Nothing
            }
            Self::NextNumber { .. } => Done::Number(store.count(connection, "incident")?),
            Self::Close => Done::Nothing,
        })
    }

    fn refuse(self, error: &Error) {
        match self {
            Self::Append { reply, .. } => send(reply, Err(again(error))),
            Self::Claim { reply, .. } => send(reply, Err(again(error))),
            Self::Renew { reply, .. } => send(reply, Err(again(error))),
            Self::Release { reply, .. } => send(reply, Err(again(error))),
            Self::NextNumber { reply } => send(reply, Err(again(error))),
            Self::Unclaim { .. } | Self::Close => {}
        }
    }
}

/// The same failure for one more caller.
fn again(error: &Error) -> Error {
    match error {
        Error::Storage { path, message } => Error::Storage { path: path.clone(), message: message.clone() },
        Error::Corrupt { path, position, message } => {
            Error::Corrupt { path: path.clone(), position: *position, message: message.clone() }
        }
        Error::Conflict { incident, expected, actual } => {
            Error::Conflict { incident: incident.clone(), expected: *expected, actual: *actual }
        }
        Error::Overloaded => Error::Overloaded,
        Error::Closed => Error::Closed,
    }
}

/// A caller that has gone away wants no answer.
fn send<T>(reply: Reply<T>, result: Result<T>) {
    drop(reply.send(result));
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::journal::sqlite::schema;

    fn writer() -> Writer {
        let place = Place::new("in memory");
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection, &place).unwrap();
        connection.execute_batch(open::SYNCED).unwrap();
        Writer {
            connection: Arc::new(Mutex::new(connection)),
            place: place.clone(),
            hub: Arc::new(Hub::new(0)),
            work: watch::Sender::new(0),
            queued_bytes: Arc::default(),
            queue: Queue::default(),
            store: Store::new(place),
            synced: true,
            _lock: None,
        }
    }

    fn number() -> Command {
        Command::NextNumber { reply: oneshot::channel().0 }
    }

    fn append() -> Command {
        Command::Append { batches: Vec::new(), bytes: 0, reply: oneshot::channel().0 }
    }

    #[test]
    fn an_append_is_synced_whatever_it_shares_its_commit_with() {
        const FULL: i64 = 2;
        let mut writer = writer();
        let groups = [
            (vec![append()], true),
            (vec![number()], false),
            (vec![number(), append(), number()], true),
            (vec![number(), number()], false),
            (vec![append(), append()], true),
        ];
        for (group, synced) in groups {
            let many = group.len();
            assert_eq!(writer.transact(&group).unwrap().len(), many);
            let level: i64 =
                lock(&writer.connection).query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
            assert_eq!(level == FULL, synced);
        }
    }
}

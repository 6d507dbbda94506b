//! Large files, read side by side by as many threads as there are processors.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// Jobs that wait to be done.
#[derive(Default)]
pub(super) struct Work<'a> {
    /// With the size of each.
    jobs: Vec<(u64, Box<dyn FnOnce() + Send + 'a>)>,
}

/// What a job gives, once it is done.
pub(super) struct Pending<T>(Arc<Mutex<Option<T>>>);

impl<T> Pending<T> {
    /// `None` before the job was done.
    pub(super) fn take(self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<'a> Work<'a> {
    /// Puts a job on the list. `size` says how long it takes beside others.
    pub(super) fn add<T: Send + 'a>(&mut self, size: u64, job: impl FnOnce() -> T + Send + 'a) -> Pending<T> {
        let done = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&done);
        let job = Box::new(move || {
            let found = job();
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        });
        self.jobs.push((size, job));
        Pending(done)
    }

    /// Does everything on the list, what takes longest first. A job that panics panics here.
    pub(super) fn run(mut self) {
        self.jobs.sort_by_key(|(size, _)| *size);
        let helpers = thread::available_parallelism().map_or(1, usize::from).min(self.jobs.len());
        let jobs = Mutex::new(self.jobs);
        let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let work = || {
            while let Some((_, job)) = next() {
                job();
            }
        };
        thread::scope(|scope| {
            for _ in 1..helpers {
                scope.spawn(work);
            }
            work();
        });
    }
}

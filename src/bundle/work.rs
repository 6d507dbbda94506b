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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn every_job_gives_what_it_found() {
        let mut work = Work::default();
        let pending: Vec<_> = (0..50_u64).map(|number| work.add(number % 7, move || number * 2)).collect();
        work.run();
        let found: Vec<_> = pending.into_iter().map(Pending::take).collect();
        assert_eq!(found, (0..50).map(|number| Some(number * 2)).collect::<Vec<_>>());
    }

    #[test]
    fn no_jobs_are_no_work_and_a_job_that_was_not_done_gives_nothing() {
        Work::default().run();
        assert_eq!(Work::default().add(1, || 5).take(), None);
    }

    #[test]
    fn a_job_that_panics_does_not_pass_for_an_empty_file() {
        let mut work = Work::default();
        let _other = work.add(1, || 1);
        let _failing: Pending<u8> = work.add(2, || panic!("a defect"));
        assert!(catch_unwind(AssertUnwindSafe(|| work.run())).is_err());
    }
}

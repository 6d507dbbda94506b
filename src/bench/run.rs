use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::{Answer, Answered, Dataset, Perturbation};
use crate::{
    bundle,
    domain::{Investigation, Payload},
    investigation::investigate,
    runbook::Library,
};

/// How cases are answered.
#[derive(Clone, Debug)]
pub struct Options {
    /// Cases at a time. Times are only worth something with one.
    pub jobs: usize,
    /// Wall time for each case.
    pub budget: Duration,
    pub perturbation: Perturbation,
}

impl Default for Options {
    fn default() -> Self {
        Self { jobs: 1, budget: Duration::from_secs(60), perturbation: Perturbation::default() }
    }
}

/// Told of each answer as it comes, in order of the cases.
pub trait Watch {
    /// `found` is the whole answer, if there is one.
    fn answered(&mut self, case: &Answered, found: Option<&Investigation>);
}

impl<F: FnMut(&Answered, Option<&Investigation>)> Watch for F {
    fn answered(&mut self, case: &Answered, found: Option<&Investigation>) {
        self(case, found);
    }
}

/// Answers every case, in order. A case that cannot be opened or answered says so in its place.
pub async fn run(
    dataset: &Dataset,
    options: &Options,
    library: &Arc<Library>,
    watch: &mut impl Watch,
) -> Vec<Answered> {
    let cases = dataset.selected().map(|(name, path)| {
        let (name, path, library) = (name.clone(), path.clone(), Arc::clone(library));
        async move {
            let started = Instant::now();
            let found = answer(path, options, library).await;
            (name, started.elapsed().as_secs_f64(), found)
        }
    });
    let mut answers = stream::iter(cases).buffered(options.jobs.max(1));
    let mut all = Vec::with_capacity(dataset.selected().len());
    while let Some((case, seconds, found)) = answers.next().await {
        let (answer, found) = match found {
            Ok(found) => (Answer::of(&found), Some(found)),
            Err(why) => (Err(why), None),
        };
        let answered = Answered { case, seconds, answer };
        watch.answered(&answered, found.as_ref());
        all.push(answered);
    }
    all
}

async fn answer(path: PathBuf, options: &Options, library: Arc<Library>) -> Result<Investigation, String> {
    let perturbation = options.perturbation.clone();
    let opening = tokio::task::spawn_blocking(move || open(&path, &perturbation));
    let bundle = opening.await.map_err(|error| format!("the bundle was not opened: {error}"))??;
    let mut request = bundle
        .request("", None, options.budget)
        .ok_or("the bundle has no alert that names a service; add one, as the page would have been")?;
    request.onset_shift = options.perturbation.onset_shift;
    let nobody = Arc::new(|_: Payload| {});
    Ok(Box::pin(investigate(request, bundle.sources(), library, nobody, CancellationToken::new())).await)
}

fn open(path: &Path, perturbation: &Perturbation) -> Result<bundle::Bundle, String> {
    let mut bundle = bundle::open(path, bundle::Options::default()).map_err(|error| error.to_string())?;
    perturbation.apply(&mut bundle);
    Ok(bundle)
}

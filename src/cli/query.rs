//! `quell query`: runs a query of evidence again, or one that a person typed.

use std::{path::Path, sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use quell_proto::v1::{QueryRequest, QueryResponse};
use quell_sdk::{ErrorKind, signal::Window};
use tokio_util::sync::CancellationToken;

use super::{
    Exit,
    args::{Global, Query},
    client,
    exit::{Failure, Result},
    local, moments,
    output::Out,
    render, runbooks,
};
use crate::{
    api::convert::{self, Wire},
    domain::Language,
    investigation::{self, Sources},
    query::{self, Limits, Question},
    runbook::Library,
};

/// How far back to look when nothing says so.
const LOOKBACK: Duration = Duration::from_secs(3600);

/// What is to be run.
#[derive(Debug, PartialEq)]
enum What {
    Text(String),
    Evidence { incident: Option<String>, id: String },
}

/// Runs it and prints what came. Ends with 3 when nothing was found, 4 when a source failed.
pub(super) async fn run(args: Query, global: &Global, out: &Out) -> Result<Exit> {
    let what = what(&args)?;
    fitting(&args, &what)?;
    let answer = match (&args.scope.bundle, what) {
        (Some(path), What::Text(text)) => {
            let bundle = local::open(path, args.scope.lenient, out).await?;
            let window = bundle.manifest.window;
            let question = question(&args, text, window.end, window)?;
            of_sources(&bundle.sources(), question, args.limit).await?
        }
        (Some(_), What::Evidence { incident: Some(_), .. }) => {
            return Err(Failure::usage(
                "an incident lives on a server; leave out --bundle, or name the evidence alone",
            ));
        }
        (Some(path), What::Evidence { id, .. }) => of_bundle(&args, path, &id, out).await?,
        (None, What::Evidence { incident: None, id }) => {
            return Err(Failure::usage(format!(
                "which {id}? name its incident (quell query INC-7 {id}) or its bundle (--bundle DIR); a metric of that \
                 name is queried with --language promql"
            )));
        }
        (None, What::Evidence { incident: Some(incident_id), id }) => {
            let request = QueryRequest {
                incident_id,
                evidence_id: id,
                limit: limit(args.limit),
                ..QueryRequest::default()
            };
            ask(request, global).await?
        }
        (None, What::Text(text)) => {
            let now = Timestamp::now();
            let question = question(&args, text, now, Window::ending_at(now, LOOKBACK))?;
            let request = QueryRequest {
                language: question.language.as_str().to_owned(),
                query: question.query,
                window: Some(question.window.to_wire()),
                step: question.step.map(convert::duration),
                source: args.source.clone().unwrap_or_default(),
                limit: limit(args.limit),
                ..QueryRequest::default()
            };
            ask(request, global).await?
        }
    };
    print(&answer, out)
}

fn limit(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

/// One word that looks like evidence, or an incident and evidence; anything else is a query.
fn what(args: &Query) -> Result<What> {
    let is_evidence = |word: &str| {
        word.strip_prefix(['E', 'e'])
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    match args.what.as_slice() {
        [incident, id] if is_evidence(id) => {
            Ok(What::Evidence { incident: Some(incident.clone()), id: id.to_ascii_uppercase() })
        }
        [id] if is_evidence(id) && args.language.is_none() => {
            Ok(What::Evidence { incident: None, id: id.to_ascii_uppercase() })
        }
        [text] => Ok(What::Text(text.clone())),
        words => Err(Failure::usage(format!(
            "\"{}\" is neither one query nor an incident and its evidence; put a query between quotes",
            words.join("\" \"")
        ))),
    }
}

/// Refuses flags that would change nothing: whoever gives them expects that they do.
fn fitting(args: &Query, what: &What) -> Result<()> {
    let is_evidence = matches!(what, What::Evidence { .. });
    let (scope, working) = (&args.scope, &args.working);
    let of_bundle = [
        ("--service", scope.service.is_some()),
        ("--at", scope.at.is_some()),
        ("--budget", working.budget.is_some()),
        ("--runbooks", !working.runbooks.is_empty()),
        ("--since", is_evidence && scope.since.is_some()),
    ];
    if let Some((flag, _)) = of_bundle.iter().find(|(_, given)| *given)
        && !(is_evidence && scope.bundle.is_some())
    {
        return Err(Failure::usage(format!(
            "{flag} says how a bundle was investigated and is for its evidence (--bundle DIR E12); leave it out"
        )));
    }
    if scope.lenient && scope.bundle.is_none() {
        return Err(Failure::usage("--lenient is for a bundle; leave it out, or add --bundle DIR"));
    }
    let of_query = [("--start", args.start.is_some()), ("--end", args.end.is_some())];
    if let Some((flag, _)) = of_query.iter().find(|(_, given)| is_evidence && *given) {
        return Err(Failure::usage(format!("evidence has a window of its own; leave out {flag}")));
    }
    if args.start.is_some() && scope.since.is_some() {
        return Err(Failure::usage("--start and --since say the same; leave out one"));
    }
    Ok(())
}

fn question(args: &Query, query: String, now: Timestamp, all: Window) -> Result<Question> {
    let language = match args.language.as_deref() {
        Some(name) => query::parse(name).ok_or_else(|| {
            Failure::usage(format!("--language {name} is none of promql, logql, traceql, changes"))
        })?,
        None if query.trim() == "changes" => Language::Change,
        None => query::guess(&query).map_err(|error| failure(&error))?,
    };
    let end = match &args.end {
        Some(end) => moments::parse(end, now, &TimeZone::system())?,
        None => all.end,
    };
    let start = match args.start.as_ref().or(args.scope.since.as_ref()) {
        Some(start) => moments::parse(start, now, &TimeZone::system())?,
        // Without a start, the time before the end that was asked for.
        None if all.start < end => all.start,
        None => Window::ending_at(end, LOOKBACK).start,
    };
    if start > end {
        return Err(Failure::usage(format!("--start {start} is after --end {end}")));
    }
    Ok(Question {
        language,
        query,
        window: Window { start, end },
        step: args.step,
        sources: args.source.iter().cloned().collect(),
        limits: limits(args.limit),
    })
}

fn limits(items: usize) -> Limits {
    Limits { items, ..Limits::default() }
}

async fn ask(request: QueryRequest, global: &Global) -> Result<QueryResponse> {
    let answer = client::investigations(global).await?.query(request).await;
    Ok(answer.map_err(|status| client::failure(&status))?.into_inner())
}

async fn of_sources(sources: &Sources, question: Question, limit: usize) -> Result<QueryResponse> {
    let replies = query::run(sources, &question).await.map_err(|error| failure(&error))?;
    Ok(convert::replies(&question, replies, limits(limit)))
}

/// Investigates a bundle as `quell investigate --bundle` does, and runs the query of its evidence.
async fn of_bundle(args: &Query, path: &Path, id: &str, out: &Out) -> Result<QueryResponse> {
    let bundle = local::open(path, args.scope.lenient, out).await?;
    let service = args.scope.service.as_deref().unwrap_or_default();
    let request = local::of_bundle(&args.scope, service, args.working.budget(), &bundle)?;
    let (library, findings) = Library::load(&args.working.runbooks, true);
    runbooks::report(&findings, out);
    let sources = bundle.sources();
    let library = Arc::new(library);
    let nobody = Arc::new(|_| {});
    let found =
        investigation::investigate(request, sources.clone(), library, nobody, CancellationToken::new());
    let found = Box::pin(found).await;
    let evidence = found.evidence.iter().find(|evidence| evidence.id.to_string() == id).ok_or_else(|| {
        let last = found.evidence.iter().map(|evidence| evidence.id).max();
        let known = last.map_or_else(|| "it has none".to_owned(), |last| format!("there is E1 to {last}"));
        Failure::new(Exit::NotFound, format!("{} has no evidence {id}; {known}", path.display()))
    })?;
    let repeat = query::repeat(&sources, evidence, found.onset).await.map_err(|error| failure(&error))?;
    Ok(QueryResponse {
        evidence: Some(evidence.to_wire()),
        figures: repeat.figures.iter().map(convert::figure).collect(),
        ..convert::replies(&repeat.question, repeat.replies, limits(args.limit))
    })
}

fn failure(error: &quell_sdk::Error) -> Failure {
    let exit = match error.kind {
        ErrorKind::BadRequest | ErrorKind::Unsupported => Exit::Usage,
        ErrorKind::NotFound => Exit::NotFound,
        ErrorKind::Timeout => Exit::Timeout,
        ErrorKind::Unauthorized => Exit::Unauthorized,
        _ => Exit::General,
    };
    Failure::new(exit, error)
}

fn print(answer: &QueryResponse, out: &Out) -> Result<Exit> {
    if out.is_for_people() {
        out.text(&render::query(answer, out.format == super::args::Output::Wide, out.width))?;
    } else {
        out.value(answer)?;
    }
    let is_missing = |state: &str| state == "missing";
    let missing = answer.answers.iter().filter(|answer| {
        answer.completeness.as_ref().is_some_and(|completeness| is_missing(&completeness.state))
    });
    let found = answer.answers.iter().any(|answer| answer.found > 0);
    Ok(match (missing.count(), found) {
        (0, true) => Exit::Ok,
        (0, false) => Exit::Inconclusive,
        _ => Exit::Partial,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str], language: Option<&str>) -> Query {
        Query {
            what: words.iter().map(|word| (*word).to_owned()).collect(),
            language: language.map(str::to_owned),
            ..Query::default()
        }
    }

    #[test]
    fn evidence_is_told_from_queries() {
        let evidence = |incident: Option<&str>| What::Evidence {
            incident: incident.map(str::to_owned),
            id: "E12".to_owned(),
        };
        let what = |words: &[&str], language| super::what(&typed(words, language)).ok();
        assert_eq!(what(&["INC-7", "e12"], None), Some(evidence(Some("INC-7"))));
        assert_eq!(what(&["E12"], None), Some(evidence(None)));
        assert_eq!(what(&["E12"], Some("promql")), Some(What::Text("E12".to_owned())));
        assert_eq!(what(&["Errors"], None), Some(What::Text("Errors".to_owned())));
        assert_eq!(what(&["sum(up)"], None), Some(What::Text("sum(up)".to_owned())));
        assert_eq!(what(&["sum", "(up)"], None), None);
    }

    #[test]
    fn windows_default_to_all_and_end_where_asked() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let all = Window::new(at("2026-03-01T10:00:00Z"), at("2026-03-01T11:00:00Z"));
        let window = |start: Option<&str>, end: Option<&str>| {
            let args = Query {
                start: start.map(str::to_owned),
                end: end.map(str::to_owned),
                ..typed(&["up"], None)
            };
            question(&args, "up".to_owned(), all.end, all).map(|question| question.window).ok()
        };
        assert_eq!(window(None, None), Some(all));
        assert_eq!(window(Some("15m"), None), Some(Window::new(at("2026-03-01T10:45:00Z"), all.end)));
        let early = at("2026-03-01T09:00:00Z");
        assert_eq!(
            window(None, Some("2026-03-01T09:00:00Z")),
            Some(Window::ending_at(early, LOOKBACK)),
            "an end before the recording has its own hour"
        );
        assert_eq!(window(Some("5m"), Some("10m")), None, "the start is after the end");
    }
}

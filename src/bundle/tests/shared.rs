use std::path::PathBuf;

use super::*;

/// Recorded incidents that nobody here made, if they are at hand.
fn cases() -> Vec<PathBuf> {
    let root = std::env::var_os("QUELL_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"))
        .join("bench");
    let folders = |path: &Path| -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(path) else { return Vec::new() };
        entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    };
    let mut cases: Vec<PathBuf> = folders(&root)
        .iter()
        .flat_map(|set| folders(set))
        .flat_map(|case| if case.ends_with("_reference") { folders(&case) } else { vec![case] })
        .collect();
    cases.sort();
    if cases.is_empty() {
        // A test's own output is shown only when it fails; what was not checked has to be seen when it passes.
        let said = format!("ABSENT: no recorded incidents under {}; set QUELL_SHARED\n", root.display());
        std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes()).expect("standard error");
    }
    cases
}

#[test]
fn every_recorded_incident_opens_in_full() {
    let mut last_set = None;
    for path in cases() {
        // Cases of one set share their references: they are read for the first one alone.
        let set = path.parent().map(Path::to_owned);
        let with_reference = set != last_set;
        last_set = set;
        let start = std::time::Instant::now();
        let bundle =
            open::load(&path, Options::default(), with_reference).unwrap_or_else(|error| panic!("{error}"));
        println!(
            "{:>6.1} ms {} ({} series, {} logs, {} spans, {} changes)",
            start.elapsed().as_secs_f64() * 1e3,
            path.display(),
            bundle.store.series.len(),
            bundle.store.logs.len(),
            bundle.store.spans.len(),
            bundle.store.changes.len(),
        );
        // A few logs have no time; few of them name a span that was not recorded.
        for skipped in &bundle.skipped {
            println!("          {}: {}", skipped.file, skipped.dropped);
            assert_eq!((skipped.lines, skipped.file.as_str()), (0, "logs.jsonl.zst"), "{}", path.display());
            assert!(skipped.dropped.items() < 50, "{}", path.display());
        }
        assert!(bundle.recorded.metrics && !bundle.store.series.is_empty(), "{}", path.display());
        assert_eq!(bundle.recorded.traces, !bundle.store.spans.is_empty(), "{}", path.display());
        assert_eq!(bundle.recorded.changes, !bundle.store.changes.is_empty(), "{}", path.display());
        let window = bundle.manifest.window;
        let mut points = bundle.store.series.iter().flat_map(|series| &series.points);
        assert!(points.any(|point| window.contains(point.at)), "{}", path.display());
        assert!(bundle.store.series.iter().all(|series| !series.service().is_empty()));
    }
}

//! A real Prometheus server over given series.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::{Read, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use quell_sdk::signal::{Labels, Series};
use tempfile::TempDir;

/// Values by the moment in milliseconds, for each series printed as `name{a="b"}`.
pub(crate) type Table = BTreeMap<String, BTreeMap<i64, f64>>;

/// A server that stops when it is dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    _data: TempDir,
}

impl Server {
    /// Starts a server that holds these series. `types` names families with their OpenMetrics type; a
    /// series belongs to the family whose name begins its own.
    pub(crate) fn start(series: &[Series], types: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let history = data.path().join("history.om");
        fs::write(&history, open_metrics(series, types)).unwrap();
        let blocks = data.path().join("data");
        run("promtool", &["tsdb", "create-blocks-from", "openmetrics", text(&history), text(&blocks)]);
        let config = data.path().join("prometheus.yml");
        fs::write(&config, "global: {}\n").unwrap();

        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", text(&config)))
            .arg(format!("--storage.tsdb.path={}", text(&blocks)))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--storage.tsdb.retention.time=50y")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| missing("prometheus", &error));
        let mut server = Self { child, port, _data: data };
        server.wait();
        server
    }

    fn wait(&mut self) {
        let give_up = Instant::now() + Duration::from_secs(60);
        while Instant::now() < give_up {
            if self.get("/-/ready").is_some_and(|answer| {
                answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.0 200")
            }) {
                return;
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                panic!("prometheus ended at its start: {status}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("prometheus was not ready within a minute");
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Evaluates an expression from `start` to `end`, both included, in Unix seconds. Values that are not
    /// finite are left out.
    pub(crate) fn range(&self, expr: &str, start: i64, end: i64, step: u64) -> Result<Table, String> {
        let query = utf8_percent_encode(expr, NON_ALPHANUMERIC);
        let path = format!("/api/v1/query_range?query={query}&start={start}&end={end}&step={step}");
        let answer = self.get(&path).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: serde_json::Value =
            serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        if body["status"] != "success" {
            return Err(body["error"].as_str().unwrap_or_default().to_owned());
        }
        let mut table = Table::new();
        for series in body["data"]["result"].as_array().unwrap() {
            let mut labels: Labels = serde_json::from_value(series["metric"].clone()).unwrap();
            let name = labels.remove("__name__").unwrap_or_default();
            let values = series["values"].as_array().unwrap().iter().filter_map(|pair| {
                let value: f64 = pair[1].as_str().unwrap().replace("Inf", "inf").parse().unwrap();
                let at = (pair[0].as_f64().unwrap() * 1e3).round() as i64;
                value.is_finite().then_some((at, value))
            });
            let values: BTreeMap<_, _> = values.collect();
            if !values.is_empty() {
                table.insert(print(&name, &labels), values);
            }
        }
        Ok(table)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; nothing is left to do then.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Series as a table.
pub(crate) fn table(series: &[Series]) -> Table {
    let row = |series: &Series| {
        let points = series.points.iter().map(|point| (point.at / 1_000_000, point.value)).collect();
        (print(&series.name, &series.labels), points)
    };
    series.iter().map(row).collect()
}

fn print(name: &str, labels: &Labels) -> String {
    let labels: Vec<_> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{name}{{{}}}", labels.join(","))
}

fn open_metrics(series: &[Series], types: &[(&str, &str)]) -> String {
    let mut history = String::new();
    for (family, kind) in types {
        writeln!(history, "# TYPE {family} {kind}").unwrap();
        for series in series.iter().filter(|series| series.name.starts_with(family)) {
            for point in &series.points {
                let at = point.at as f64 / 1e9;
                writeln!(history, "{} {} {at:.3}", print(&series.name, &series.labels), point.value).unwrap();
            }
        }
    }
    history.push_str("# EOF\n");
    history
}

fn run(program: &str, args: &[&str]) {
    let output = Command::new(program).args(args).output().unwrap_or_else(|error| missing(program, &error));
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn missing(program: &str, error: &std::io::Error) -> ! {
    panic!(
        "{program} cannot be run ({error}); this test compares with a real Prometheus, so install one: \
         apt-get install --no-install-recommends prometheus"
    )
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

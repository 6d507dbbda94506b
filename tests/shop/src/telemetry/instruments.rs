use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};

/// Bounds of the latency histograms, in seconds: dense where the shop is when it is well.
const SECONDS: [f64; 16] =
    [0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 3.0, 5.0];

/// The instruments that more than one service has. One that is never used sends nothing.
pub(crate) struct Instruments {
    pub(crate) server_duration: Histogram<f64>,
    pub(crate) server_active: UpDownCounter<i64>,
    pub(crate) client_duration: Histogram<f64>,
    pub(crate) db_duration: Histogram<f64>,
    pub(crate) pool_wait: Histogram<f64>,
    pub(crate) pool_use: Histogram<f64>,
    pub(crate) pool_timeouts: Counter<u64>,
    pub(crate) cache_hits: Counter<u64>,
    pub(crate) cache_misses: Counter<u64>,
}

impl Instruments {
    pub(crate) fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str, what: &'static str| seconds(meter, name, what);
        Self {
            server_duration: seconds("http.server.request.duration", "Duration of HTTP server requests"),
            server_active: meter
                .i64_up_down_counter("http.server.active_requests")
                .with_unit("{request}")
                .with_description("HTTP server requests in flight")
                .build(),
            client_duration: seconds("http.client.request.duration", "Duration of HTTP client requests"),
            db_duration: seconds("db.client.operation.duration", "Duration of database client operations"),
            pool_wait: seconds("db.client.connection.wait_time", "Time to get a connection from the pool"),
            pool_use: seconds("db.client.connection.use_time", "Time a connection was kept"),
            pool_timeouts: meter
                .u64_counter("db.client.connection.timeouts")
                .with_unit("{timeout}")
                .with_description("Waits for a connection that ran out of time")
                .build(),
            cache_hits: meter
                .u64_counter("cache.hits")
                .with_description("Lookups that found a value")
                .build(),
            cache_misses: meter
                .u64_counter("cache.misses")
                .with_description("Lookups that found nothing, or something expired")
                .build(),
        }
    }
}

/// A histogram of durations in seconds with the shop's bounds.
pub(crate) fn seconds(meter: &Meter, name: &'static str, description: &'static str) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
        .with_boundaries(SECONDS.to_vec())
        .build()
}

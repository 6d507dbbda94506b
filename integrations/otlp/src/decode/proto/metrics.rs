use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    metrics::v1::{
        ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint, SummaryDataPoint,
        exponential_histogram_data_point, metric, number_data_point,
    },
};

use super::common::{pairs, resource, text};
use crate::decode::wire::{self, Count, Data, DataPoints, Double, Flag, Int};

pub(crate) fn metrics(request: &ExportMetricsServiceRequest) -> wire::MetricsRequest<'_> {
    let groups = request.resource_metrics.iter().map(|group| wire::ResourceMetrics {
        resource: resource(group.resource.as_ref()),
        scope_metrics: group
            .scope_metrics
            .iter()
            .map(|scope| wire::ScopeMetrics {
                scope: wire::Scope {
                    name: scope.scope.as_ref().map(|scope| text(&scope.name)).unwrap_or_default(),
                },
                metrics: scope.metrics.iter().map(one).collect(),
            })
            .collect(),
    });
    wire::MetricsRequest { resource_metrics: Some(groups.collect()), ..Default::default() }
}

fn one(metric: &Metric) -> wire::Metric<'_> {
    let mut out = wire::Metric { name: text(&metric.name), unit: text(&metric.unit), ..Default::default() };
    match &metric.data {
        None => {}
        Some(metric::Data::Gauge(gauge)) => {
            out.gauge = Some(DataPoints { data_points: gauge.data_points.iter().map(number).collect() });
        }
        Some(metric::Data::Sum(sum)) => {
            let points = sum.data_points.iter().map(number).collect();
            out.sum = Some(data(points, sum.aggregation_temporality, sum.is_monotonic));
        }
        Some(metric::Data::Histogram(histogram)) => {
            let points = histogram.data_points.iter().map(self::histogram).collect();
            out.histogram = Some(data(points, histogram.aggregation_temporality, true));
        }
        Some(metric::Data::ExponentialHistogram(histogram)) => {
            let points = histogram.data_points.iter().map(exponential).collect();
            out.exponential_histogram = Some(data(points, histogram.aggregation_temporality, true));
        }
        Some(metric::Data::Summary(summary)) => {
            let points = summary.data_points.iter().map(self::summary).collect();
            out.summary = Some(DataPoints { data_points: points });
        }
    }
    out
}

fn data<P>(data_points: Vec<P>, temporality: i32, monotonic: bool) -> Data<P> {
    Data { data_points, aggregation_temporality: temporality.into(), is_monotonic: Flag(monotonic) }
}

fn number(point: &NumberDataPoint) -> wire::NumberPoint<'_> {
    let (as_double, as_int) = match point.value {
        None => (None, None),
        Some(number_data_point::Value::AsDouble(value)) => (Some(Double(value)), None),
        Some(number_data_point::Value::AsInt(value)) => (None, Some(Int(value))),
    };
    wire::NumberPoint {
        attributes: pairs(&point.attributes),
        time_unix_nano: point.time_unix_nano.into(),
        as_double,
        as_int,
        flags: Count(point.flags.into()),
    }
}

fn histogram(point: &HistogramDataPoint) -> wire::HistogramPoint<'_> {
    wire::HistogramPoint {
        attributes: pairs(&point.attributes),
        time_unix_nano: point.time_unix_nano.into(),
        count: Count(point.count),
        sum: point.sum.map(Double),
        bucket_counts: counts(&point.bucket_counts),
        explicit_bounds: point.explicit_bounds.iter().copied().map(Double).collect(),
        flags: Count(point.flags.into()),
    }
}

fn exponential(point: &ExponentialHistogramDataPoint) -> wire::ExponentialPoint<'_> {
    wire::ExponentialPoint {
        attributes: pairs(&point.attributes),
        time_unix_nano: point.time_unix_nano.into(),
        count: Count(point.count),
        sum: point.sum.map(Double),
        scale: Int(point.scale.into()),
        zero_count: Count(point.zero_count),
        positive: buckets(point.positive.as_ref()),
        negative: buckets(point.negative.as_ref()),
        flags: Count(point.flags.into()),
    }
}

fn buckets(part: Option<&exponential_histogram_data_point::Buckets>) -> wire::Buckets {
    part.map(|part| wire::Buckets {
        offset: Int(part.offset.into()),
        bucket_counts: counts(&part.bucket_counts),
    })
    .unwrap_or_default()
}

fn summary(point: &SummaryDataPoint) -> wire::SummaryPoint<'_> {
    wire::SummaryPoint {
        attributes: pairs(&point.attributes),
        time_unix_nano: point.time_unix_nano.into(),
        count: Count(point.count),
        sum: Double(point.sum),
        quantile_values: point
            .quantile_values
            .iter()
            .map(|pair| wire::QuantileValue { quantile: Double(pair.quantile), value: Double(pair.value) })
            .collect(),
        flags: Count(point.flags.into()),
    }
}

fn counts(counts: &[u64]) -> Vec<Count> {
    counts.iter().copied().map(Count).collect()
}

use super::{
    cursor::{Cursor, Once},
    values::{attributes, request},
};
use crate::decode::wire::{
    Data, DataPoints, Flag, Metric, MetricsRequest, NumberPoint, ResourceMetrics, ScopeMetrics, Temporality,
};

/// Reads a request of data points.
pub(in crate::decode) fn metrics(text: &str) -> Option<MetricsRequest<'_>> {
    let groups = request(text, "resourceMetrics", |cursor| {
        let (mut group, mut once) = (ResourceMetrics::default(), Once::default());
        cursor.object(|cursor, key| {
            match key {
                "resource" => {
                    once.first(0)?;
                    group.resource = cursor.by_serde_or_default()?;
                }
                "scopeMetrics" => {
                    once.first(1)?;
                    group.scope_metrics = cursor.array(scope)?;
                }
                _ => cursor.skip()?,
            }
            Some(())
        })?;
        Some(group)
    })?;
    Some(MetricsRequest { resource_metrics: Some(groups), ..MetricsRequest::default() })
}

fn scope<'a>(cursor: &mut Cursor<'a>) -> Option<ScopeMetrics<'a>> {
    let (mut scope, mut once) = (ScopeMetrics::default(), Once::default());
    cursor.object(|cursor, key| {
        match key {
            "scope" => {
                once.first(0)?;
                scope.scope = cursor.by_serde_or_default()?;
            }
            "metrics" => {
                once.first(1)?;
                scope.metrics = cursor.array(metric)?;
            }
            _ => cursor.skip()?,
        }
        Some(())
    })?;
    Some(scope)
}

fn metric<'a>(cursor: &mut Cursor<'a>) -> Option<Metric<'a>> {
    let (mut metric, mut once) = (Metric::default(), Once::default());
    cursor.object(|cursor, key| {
        match key {
            "name" => {
                once.first(0)?;
                metric.name = cursor.scalar()?;
            }
            "unit" => {
                once.first(1)?;
                metric.unit = cursor.scalar()?;
            }
            "gauge" => {
                once.first(2)?;
                metric.gauge = Some(gauge(cursor)?);
            }
            "sum" => {
                once.first(3)?;
                metric.sum = Some(sum(cursor)?);
            }
            "histogram" => {
                once.first(4)?;
                metric.histogram = cursor.by_serde()?;
            }
            "exponentialHistogram" => {
                once.first(5)?;
                metric.exponential_histogram = cursor.by_serde()?;
            }
            "summary" => {
                once.first(6)?;
                metric.summary = cursor.by_serde()?;
            }
            _ => cursor.skip()?,
        }
        Some(())
    })?;
    Some(metric)
}

fn gauge<'a>(cursor: &mut Cursor<'a>) -> Option<DataPoints<NumberPoint<'a>>> {
    let (mut data_points, mut once) = (Vec::new(), Once::default());
    cursor.object(|cursor, key| {
        match key {
            "dataPoints" => {
                once.first(0)?;
                data_points = cursor.array(point)?;
            }
            _ => cursor.skip()?,
        }
        Some(())
    })?;
    Some(DataPoints { data_points })
}

fn sum<'a>(cursor: &mut Cursor<'a>) -> Option<Data<NumberPoint<'a>>> {
    let mut sum = Data {
        data_points: Vec::new(),
        aggregation_temporality: Temporality::default(),
        is_monotonic: Flag::default(),
    };
    let mut once = Once::default();
    cursor.object(|cursor, key| {
        match key {
            "dataPoints" => {
                once.first(0)?;
                sum.data_points = cursor.array(point)?;
            }
            "aggregationTemporality" => {
                once.first(1)?;
                sum.aggregation_temporality = cursor.scalar()?;
            }
            "isMonotonic" => {
                once.first(2)?;
                sum.is_monotonic = cursor.scalar()?;
            }
            _ => cursor.skip()?,
        }
        Some(())
    })?;
    Some(sum)
}

fn point<'a>(cursor: &mut Cursor<'a>) -> Option<NumberPoint<'a>> {
    let (mut point, mut once) = (NumberPoint::default(), Once::default());
    cursor.object(|cursor, key| {
        match key {
            "attributes" => {
                once.first(0)?;
                point.attributes = attributes(cursor)?;
            }
            "timeUnixNano" => {
                once.first(1)?;
                point.time_unix_nano = cursor.scalar()?;
            }
            "asDouble" if cursor.peek()? != b'n' => {
                once.first(2)?;
                point.as_double = Some(cursor.scalar()?);
            }
            "asInt" if cursor.peek()? != b'n' => {
                once.first(3)?;
                point.as_int = Some(cursor.scalar()?);
            }
            // `null` is none.
            "asDouble" | "asInt" => return None,
            "flags" => {
                once.first(4)?;
                point.flags = cursor.scalar()?;
            }
            _ => cursor.skip()?,
        }
        Some(())
    })?;
    Some(point)
}

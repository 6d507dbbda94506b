use super::{
    cursor::Cursor,
    values::{attributes, request},
};
use crate::decode::wire::{
    Data, DataPoints, Flag, Metric, MetricsRequest, NumberPoint, ResourceMetrics, ScopeMetrics, Temporality,
};

/// Reads a request of data points.
pub(in crate::decode) fn metrics(text: &str) -> Option<MetricsRequest<'_>> {
    let groups = request(text, "resourceMetrics", |cursor| {
        let mut group = ResourceMetrics::default();
        cursor.object(&["resource", "scopeMetrics"], |cursor, key| {
            match key {
                "resource" => group.resource = cursor.by_serde_or_default()?,
                "scopeMetrics" => group.scope_metrics = cursor.array(scope)?,
                _ => return None,
            }
            Some(())
        })?;
        Some(group)
    })?;
    Some(MetricsRequest { resource_metrics: Some(groups), ..MetricsRequest::default() })
}

fn scope<'a>(cursor: &mut Cursor<'a>) -> Option<ScopeMetrics<'a>> {
    let mut scope = ScopeMetrics::default();
    cursor.object(&["scope", "metrics"], |cursor, key| {
        match key {
            "scope" => scope.scope = cursor.by_serde_or_default()?,
            "metrics" => scope.metrics = cursor.array(metric)?,
            _ => return None,
        }
        Some(())
    })?;
    Some(scope)
}

fn metric<'a>(cursor: &mut Cursor<'a>) -> Option<Metric<'a>> {
    let mut metric = Metric::default();
    cursor.object(
        &["name", "unit", "gauge", "sum", "histogram", "exponentialHistogram", "summary"],
        |cursor, key| {
            match key {
                "name" => metric.name = cursor.scalar()?,
                "unit" => metric.unit = cursor.scalar()?,
                "gauge" => metric.gauge = Some(gauge(cursor)?),
                "sum" => metric.sum = Some(sum(cursor)?),
                "histogram" => metric.histogram = cursor.by_serde()?,
                "exponentialHistogram" => metric.exponential_histogram = cursor.by_serde()?,
                "summary" => metric.summary = cursor.by_serde()?,
                _ => return None,
            }
            Some(())
        },
    )?;
    Some(metric)
}

fn gauge<'a>(cursor: &mut Cursor<'a>) -> Option<DataPoints<NumberPoint<'a>>> {
    let mut data_points = Vec::new();
    cursor.object(&["dataPoints"], |cursor, key| {
        match key {
            "dataPoints" => data_points = cursor.array(point)?,
            _ => return None,
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
    cursor.object(&["dataPoints", "aggregationTemporality", "isMonotonic"], |cursor, key| {
        match key {
            "dataPoints" => sum.data_points = cursor.array(point)?,
            "aggregationTemporality" => sum.aggregation_temporality = cursor.scalar()?,
            "isMonotonic" => sum.is_monotonic = cursor.scalar()?,
            _ => return None,
        }
        Some(())
    })?;
    Some(sum)
}

fn point<'a>(cursor: &mut Cursor<'a>) -> Option<NumberPoint<'a>> {
    let mut point = NumberPoint::default();
    cursor.object(&["attributes", "timeUnixNano", "asDouble", "asInt", "flags"], |cursor, key| {
        match key {
            "attributes" => point.attributes = attributes(cursor)?,
            "timeUnixNano" => point.time_unix_nano = cursor.nanos()?,
            // `null` is none.
            "asDouble" if cursor.peek()? != b'n' => point.as_double = Some(cursor.scalar()?),
            "asInt" if cursor.peek()? != b'n' => point.as_int = Some(cursor.scalar()?),
            "flags" => point.flags = cursor.scalar()?,
            _ => return None,
        }
        Some(())
    })?;
    Some(point)
}

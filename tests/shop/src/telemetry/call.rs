use std::{collections::HashMap, sync::Arc};

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request::Parts};
use opentelemetry::{
    Context, KeyValue,
    logs::{AnyValue, Severity},
    propagation::TextMapPropagator,
    trace::{SpanBuilder, SpanKind, Status, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use super::Telemetry;

/// One operation in progress: a span of a service. Cloning shares the span; it ends with the last clone
/// or by [`Call::end`].
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) telemetry: Arc<Telemetry>,
    context: Context,
}

impl Call {
    /// A server span, under the caller's span when the headers carry one.
    pub(crate) fn server(telemetry: &Arc<Telemetry>, headers: &HeaderMap, span: SpanBuilder) -> Self {
        let carrier: HashMap<String, String> = ["traceparent", "tracestate"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), headers.get(name)?.to_str().ok()?.to_owned())))
            .collect();
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
        Self::start(telemetry, &parent, span.with_kind(SpanKind::Server))
    }

    /// A span under this one.
    pub(crate) fn child(&self, kind: SpanKind, span: SpanBuilder) -> Self {
        Self::start(&self.telemetry, &self.context, span.with_kind(kind))
    }

    fn start(telemetry: &Arc<Telemetry>, parent: &Context, span: SpanBuilder) -> Self {
        let span = span.start_with_context(&telemetry.tracer, parent);
        Self { telemetry: telemetry.clone(), context: parent.with_span(span) }
    }

    /// Writes this span into the headers of a request.
    pub(crate) fn propagate(&self, headers: &mut HeaderMap) {
        let mut carrier = HashMap::new();
        TraceContextPropagator::new().inject_context(&self.context, &mut carrier);
        for (name, value) in carrier {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
    }

    pub(crate) fn set(&self, key: &'static str, value: impl Into<opentelemetry::Value>) {
        self.context.span().set_attribute(KeyValue::new(key, value));
    }

    /// Marks the span as failed, for this reason.
    pub(crate) fn fail(&self, message: impl Into<String>) {
        self.context.span().set_status(Status::error(message.into()));
    }

    pub(crate) fn event(&self, name: &'static str, attributes: Vec<KeyValue>) {
        self.context.span().add_event(name, attributes);
    }

    pub(crate) fn end(&self) {
        self.context.span().end();
    }

    pub(crate) fn info(&self, body: String, attributes: Vec<(&'static str, AnyValue)>) {
        self.log(Severity::Info, body, attributes);
    }

    pub(crate) fn warn(&self, body: String, attributes: Vec<(&'static str, AnyValue)>) {
        self.log(Severity::Warn, body, attributes);
    }

    pub(crate) fn error(&self, body: String, attributes: Vec<(&'static str, AnyValue)>) {
        self.log(Severity::Error, body, attributes);
    }

    fn log(&self, severity: Severity, body: String, attributes: Vec<(&'static str, AnyValue)>) {
        self.telemetry.log(severity, Some(self.context.span().span_context()), body, attributes);
    }
}

/// Handlers take the call that the server opened for their request.
impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.extensions.get::<Self>().cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

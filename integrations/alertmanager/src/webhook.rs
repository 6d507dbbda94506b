use quell_sdk::{
    Rejection,
    receiver::{limits::Limiter, raw::RawAlert},
};
use serde::Deserialize;
use serde_json::Value;

/// The body, as far as it matters here. Unknown fields are ignored: the format grows (`routeLabels`,
/// `notification_reason`), and users may replace it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Webhook<'a> {
    pub(crate) status: Option<String>,
    pub(crate) group_key: Option<String>,
    pub(crate) truncated_alerts: Option<u64>,
    #[serde(borrow)]
    pub(crate) alerts: Option<Vec<RawAlert<'a>>>,
}

impl<'a> Webhook<'a> {
    /// Reads a body. One alert of a wrong shape costs that alert, not the delivery.
    pub(crate) fn read(
        body: &'a [u8],
        limiter: &mut Limiter,
    ) -> Result<(Self, Vec<RawAlert<'a>>), Rejection> {
        let (mut webhook, alerts) = match serde_json::from_slice::<Self>(body) {
            Ok(mut webhook) => {
                let alerts = webhook.alerts.take();
                (webhook, alerts)
            }
            Err(error) => Self::piecewise(body, limiter).ok_or_else(|| {
                Rejection::Malformed(format!("not an alertmanager webhook: {error}; send format version 4"))
            })?,
        };
        let Some(alerts) = alerts else {
            return Err(Rejection::Malformed(
                "not an alertmanager webhook: no list `alerts`; send format version 4".to_owned(),
            ));
        };
        webhook.group_key = webhook.group_key.filter(|key| !key.is_empty());
        Ok((webhook, alerts))
    }

    fn piecewise(body: &[u8], limiter: &mut Limiter) -> Option<(Self, Option<Vec<RawAlert<'a>>>)> {
        let Value::Object(mut fields) = serde_json::from_slice(body).ok()? else {
            return None;
        };
        let given = match fields.remove("alerts") {
            Some(Value::Array(given)) => given,
            _ => return None,
        };
        let many = given.len();
        let alerts: Vec<RawAlert<'a>> =
            given.into_iter().filter_map(|alert| RawAlert::deserialize(alert).ok()).collect();
        limiter.count("alerts: not of an alert's shape", many - alerts.len());
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let webhook = Self {
            status: text("status"),
            group_key: text("groupKey"),
            truncated_alerts: fields.get("truncatedAlerts").and_then(Value::as_u64),
            alerts: None,
        };
        Some((webhook, Some(alerts)))
    }
}

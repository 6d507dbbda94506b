//! What the two endpoints of the Events API v2 share: keys and refusals.

use quell_sdk::{Rejection, Request, receiver::same_secret};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::json::{Object, text};

/// Configuration of the receivers that speak the Events API v2.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventsConfig {
    /// Accepted routing keys, as PagerDuty's integration keys: made up by whoever runs quell, e.g. 32
    /// hexadecimal digits. Without one everything is refused.
    #[serde(default)]
    pub routing_keys: Vec<SecretString>,
}

impl EventsConfig {
    /// The body as an object, once its routing key is known to be good.
    pub(crate) fn open(&self, request: &Request) -> Result<Object, Rejection> {
        if self.routing_keys.is_empty() {
            return Err(Rejection::Unauthorized(
                "no routing key is configured; add one to `routing_keys` of the events receiver and use it \
                 at the sender"
                    .to_owned(),
            ));
        }
        let body = match serde_json::from_slice(&request.body) {
            Ok(Value::Object(body)) => body,
            Ok(_) => return Err(Rejection::Malformed("event is not a JSON object".to_owned())),
            Err(error) => return Err(Rejection::Malformed(format!("event is not JSON: {error}"))),
        };
        let given = request.header("x-routing-key").map(str::to_owned).or_else(|| text(&body, "routing_key"));
        let Some(given) = given else {
            return Err(Rejection::Unauthorized("'routing_key' is missing or blank".to_owned()));
        };
        let known = self.routing_keys.iter().fold(false, |known, key| known | same_secret(&given, key));
        if known {
            return Ok(body);
        }
        Err(Rejection::Unauthorized(
            "'routing_key' is none of those configured; compare `routing_keys` of the events receiver with \
             the sender"
                .to_owned(),
        ))
    }
}

/// A refusal as the Events API v2 words it, to be sent with status 400 or 401.
pub fn invalid_event(rejection: &Rejection) -> Value {
    let (message, errors) = match rejection {
        Rejection::Unauthorized(why) => ("Unauthorized", why),
        Rejection::Malformed(why) => ("Event object is invalid", why),
    };
    let errors: Vec<&str> = errors.split("; ").collect();
    json!({ "status": "invalid event", "message": message, "errors": errors })
}

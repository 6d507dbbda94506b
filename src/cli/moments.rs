//! Moments as people type them.

use std::time::Duration;

use jiff::{Timestamp, Zoned, civil::Time, tz::TimeZone};

use super::exit::{Failure, Result};

/// Reads a moment: RFC 3339, `15m` or `now-15m` (that long ago), `now`, or `14:05` (today or yesterday, local
/// time, always in the past).
pub(super) fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp> {
    let text = text.trim();
    if text == "now" {
        return Ok(now);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let ago = text.strip_prefix("now-").unwrap_or(text);
    if let Ok(ago) = humantime::parse_duration(ago) {
        return before(now, ago);
    }
    if let Ok(time) = Time::strptime("%H:%M", text) {
        let today = now.to_zoned(zone.clone());
        let at = |day: &Zoned| day.date().to_datetime(time).to_zoned(zone.clone()).map(|at| at.timestamp());
        let at_today = at(&today)?;
        return Ok(if at_today <= now { at_today } else { at(&today.yesterday()?)? });
    }
    Err(Failure::usage(format!("\"{text}\" is not a time; write 15m, now-1h, 14:05 or 2026-03-01T14:05:00Z")))
}

fn before(now: Timestamp, ago: Duration) -> Result<Timestamp> {
    now.checked_sub(ago).map_err(|error| Failure::usage(format!("that long ago is out of range: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_read() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().expect("a time");
        let read = |text: &str| parse(text, now, &TimeZone::UTC).map(|at| at.to_string()).ok();
        assert_eq!(read("15m").as_deref(), Some("2026-03-01T11:45:00Z"));
        assert_eq!(read("now-2h30m").as_deref(), Some("2026-03-01T09:30:00Z"));
        assert_eq!(read("11:30").as_deref(), Some("2026-03-01T11:30:00Z"));
        assert_eq!(read("14:05").as_deref(), Some("2026-02-28T14:05:00Z"), "a moment is never in the future");
        assert_eq!(read("2026-02-01T00:00:00+01:00").as_deref(), Some("2026-01-31T23:00:00Z"));
        assert_eq!(read("yesterday-ish"), None);
    }
}

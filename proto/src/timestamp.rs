use std::fmt;

use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// `google.protobuf.Timestamp`, on the wire the same as everybody's.
///
/// Its JSON form ends in `Z`, as the proto3 mapping wants; `pbjson_types::Timestamp` writes `+00:00`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Seconds since the Unix epoch, years 1 to 9999.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds after that second, 0 to 999,999,999.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// 0001-01-01T00:00:00Z, the earliest moment that the wire allows.
const EARLIEST: i64 = -62_135_596_800;

/// A moment outside years 1 to 9999, or nanoseconds outside a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("timestamp outside the years 1 to 9999, or with nanos outside 0 to 999999999")
    }
}

impl std::error::Error for OutOfRange {}

impl From<jiff::Timestamp> for Timestamp {
    /// Moments before the year 1 become its start.
    fn from(at: jiff::Timestamp) -> Self {
        let floor = at.as_nanosecond().div_euclid(1_000_000_000);
        let nanos = at.as_nanosecond().rem_euclid(1_000_000_000);
        match (i64::try_from(floor), i32::try_from(nanos)) {
            (Ok(seconds), Ok(nanos)) if seconds >= EARLIEST => Self { seconds, nanos },
            _ => Self { seconds: EARLIEST, nanos: 0 },
        }
    }
}

impl TryFrom<Timestamp> for jiff::Timestamp {
    type Error = OutOfRange;

    fn try_from(at: Timestamp) -> Result<Self, OutOfRange> {
        if at.seconds < EARLIEST || !(0..1_000_000_000).contains(&at.nanos) {
            return Err(OutOfRange);
        }
        jiff::Timestamp::new(at.seconds, at.nanos).map_err(|_| OutOfRange)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let at = jiff::Timestamp::try_from(*self).map_err(ser::Error::custom)?;
        // 0, 3, 6 or 9 digits, as the mapping wants
        let precision = match self.nanos {
            0 => 0,
            nanos if nanos % 1_000_000 == 0 => 3,
            nanos if nanos % 1_000 == 0 => 6,
            _ => 9,
        };
        let printer = DateTimePrinter::new().precision(Some(precision));
        serializer.serialize_str(&printer.timestamp_to_string(&at))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse::<jiff::Timestamp>().map(Self::from).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn json_ends_in_z_and_has_no_idle_digits() {
        for text in [
            "2026-11-05T12:00:00Z",
            "2026-11-05T12:00:00.500Z",
            "2026-11-05T12:00:00.000001Z",
            "1969-12-31T23:59:59.000000001Z",
            "0001-01-01T00:00:00Z",
        ] {
            let at: Timestamp = serde_json::from_str(&format!("\"{text}\"")).unwrap();
            assert_eq!(serde_json::to_string(&at).unwrap(), format!("\"{text}\""));
            assert_eq!(Timestamp::from(jiff::Timestamp::try_from(at).unwrap()), at);
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for bad in [
            Timestamp { seconds: i64::MAX, nanos: 0 },
            Timestamp { seconds: i64::MIN, nanos: 0 },
            Timestamp { seconds: 0, nanos: -1 },
            Timestamp { seconds: 0, nanos: 1_000_000_000 },
        ] {
            assert!(jiff::Timestamp::try_from(bad).is_err(), "{bad:?}");
            assert!(serde_json::to_string(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn before_the_year_one_is_clamped() {
        assert_eq!(
            serde_json::to_string(&Timestamp::from(jiff::Timestamp::MIN)).unwrap(),
            "\"0001-01-01T00:00:00Z\""
        );
    }
}

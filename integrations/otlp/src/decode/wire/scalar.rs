use std::{borrow::Cow, fmt, marker::PhantomData};

use quell_sdk::signal;
use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use crate::decode::quick;

/// What a scalar of proto3's JSON mapping can be read from. `None` refuses.
pub(crate) trait Scalar<'a>: Sized + Default {
    const EXPECTING: &'static str;

    fn of_str(_: &str) -> Option<Self> {
        None
    }
    fn of_borrowed(text: &'a str) -> Option<Self> {
        Self::of_str(text)
    }
    fn of_u64(_: u64) -> Option<Self> {
        None
    }
    fn of_i64(_: i64) -> Option<Self> {
        None
    }
    fn of_f64(_: f64) -> Option<Self> {
        None
    }
    fn of_bool(_: bool) -> Option<Self> {
        None
    }
}

/// Reads any [`Scalar`].
pub(crate) struct ScalarVisitor<T>(PhantomData<T>);

impl<'de, T: Scalar<'de>> ScalarVisitor<T> {
    pub(crate) fn read<D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        from.deserialize_any(Self(PhantomData))
    }
}

impl<'de, T: Scalar<'de>> Visitor<'de> for ScalarVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(T::EXPECTING)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<T, E> {
        T::of_borrowed(text).ok_or_else(|| refused(de::Unexpected::Str(text), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::of_str(text).ok_or_else(|| refused(de::Unexpected::Str(text), &self))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        T::of_u64(number).ok_or_else(|| refused(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        T::of_i64(number).ok_or_else(|| refused(de::Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        T::of_f64(number).ok_or_else(|| refused(de::Unexpected::Float(number), &self))
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<T, E> {
        T::of_bool(flag).ok_or_else(|| refused(de::Unexpected::Bool(flag), &self))
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Ok(T::default())
    }
}

/// The text itself stays out of the error: it can be long, and it is hostile.
fn refused<E: de::Error>(what: de::Unexpected<'_>, expecting: &dyn de::Expected) -> E {
    match what {
        de::Unexpected::Str(_) => E::invalid_type(de::Unexpected::Other("string"), expecting),
        other => E::invalid_type(other, expecting),
    }
}

macro_rules! readable {
    ($($type:ty),*) => { $(
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                ScalarVisitor::read(from)
            }
        }
    )* };
}
pub(crate) use readable;

/// A string.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'a> Scalar<'a> for Text<'a> {
    const EXPECTING: &'static str = "a string";

    fn of_str(text: &str) -> Option<Self> {
        Some(Self(Cow::Owned(text.to_owned())))
    }
    fn of_borrowed(text: &'a str) -> Option<Self> {
        Some(Self(Cow::Borrowed(text)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        ScalarVisitor::<Text<'de>>::read(from)
    }
}

/// A moment in Unix nanoseconds; what does not fit an `i64` is clamped, and absurd anyway. 0 is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Nanos(pub(crate) i64);

impl From<u64> for Nanos {
    fn from(number: u64) -> Self {
        Self(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl Scalar<'_> for Nanos {
    const EXPECTING: &'static str = "nanoseconds as a number or a string of digits";

    fn of_str(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(0));
        }
        if let Some(number) = quick::digits(text.as_bytes()) {
            return Some(number.into());
        }
        match text.parse::<i64>() {
            Ok(number) => Some(Self(number)),
            Err(_) => text.parse::<u64>().ok().map(Self::from),
        }
    }
    fn of_u64(number: u64) -> Option<Self> {
        Some(number.into())
    }
    fn of_i64(number: i64) -> Option<Self> {
        Some(Self(number))
    }
    fn of_f64(number: f64) -> Option<Self> {
        (number.fract() == 0.0).then_some(Self(number as i64))
    }
}

/// A signed integer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Int(pub(crate) i64);

impl Scalar<'_> for Int {
    const EXPECTING: &'static str = "an integer as a number or a string of digits";

    fn of_str(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
    fn of_u64(number: u64) -> Option<Self> {
        i64::try_from(number).ok().map(Self)
    }
    fn of_i64(number: i64) -> Option<Self> {
        Some(Self(number))
    }
    fn of_f64(number: f64) -> Option<Self> {
        (number.fract() == 0.0 && number.abs() < 9e18).then_some(Self(number as i64))
    }
}

/// An unsigned count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Count(pub(crate) u64);

impl Scalar<'_> for Count {
    const EXPECTING: &'static str = "a count as a number or a string of digits";

    fn of_str(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
    fn of_u64(number: u64) -> Option<Self> {
        Some(Self(number))
    }
    fn of_f64(number: f64) -> Option<Self> {
        (number.fract() == 0.0 && (0.0..1.8e19).contains(&number)).then_some(Self(number as u64))
    }
}

/// A floating-point number; `"NaN"`, `"Infinity"` and `"-Infinity"` are strings in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Double(pub(crate) f64);

impl Scalar<'_> for Double {
    const EXPECTING: &'static str = "a number, or a string that is one";

    fn of_str(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
    fn of_u64(number: u64) -> Option<Self> {
        Some(Self(number as f64))
    }
    fn of_i64(number: i64) -> Option<Self> {
        Some(Self(number as f64))
    }
    fn of_f64(number: f64) -> Option<Self> {
        Some(Self(number))
    }
}

/// A truth value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Flag(pub(crate) bool);

impl Scalar<'_> for Flag {
    const EXPECTING: &'static str = "true or false";

    fn of_bool(flag: bool) -> Option<Self> {
        Some(Self(flag))
    }
}

/// A trace id; `None` when it is empty or not valid.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TraceId(pub(crate) Option<signal::TraceId>);

impl Scalar<'_> for TraceId {
    const EXPECTING: &'static str = "a trace id as a string of hex digits";

    fn of_str(text: &str) -> Option<Self> {
        Some(Self(match hex::<16>(text) {
            Some(bytes) => signal::TraceId::from_bytes(&bytes),
            None => signal::TraceId::parse(text),
        }))
    }
}

/// A span id; `None` when it is empty or not valid.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct SpanId(pub(crate) Option<signal::SpanId>);

impl Scalar<'_> for SpanId {
    const EXPECTING: &'static str = "a span id as a string of hex digits";

    fn of_str(text: &str) -> Option<Self> {
        Some(Self(match hex::<8>(text) {
            Some(bytes) => signal::SpanId::from_bytes(&bytes),
            None => signal::SpanId::parse(text),
        }))
    }
}

/// Values of hex digits, and 16 for what is none.
const NIBBLES: [u8; 256] = {
    let (mut values, mut byte) = ([16; 256], 0_u8);
    loop {
        values[byte as usize] = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => 16,
        };
        if byte == u8::MAX {
            break values;
        }
        byte += 1;
    }
};

/// Bytes of exactly twice as many hex digits.
#[inline]
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let (mut bytes, mut seen) = ([0; N], 0);
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (NIBBLES[usize::from(*high)], NIBBLES[usize::from(*low)]);
        seen |= high | low;
        *byte = high << 4 | low & 15;
    }
    (seen < 16).then_some(bytes)
}

readable!(Nanos, Int, Count, Double, Flag, TraceId, SpanId);

/// `null` as the default, which proto3's mapping allows for every field.
pub(crate) fn nullable<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

use serde::{Deserialize, de::IgnoredAny};

use super::number::{Number, digits, number};
use crate::decode::wire::{Nanos, Scalar};

/// A place in a JSON text. Methods move on over what they read; `None` leaves it anywhere.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    /// Takes that text if it is next.
    #[inline]
    pub(super) fn take(&mut self, text: &str) -> bool {
        let is_next = self.rest().starts_with(text.as_bytes());
        self.at += if is_next { text.len() } else { 0 };
        is_next
    }

    pub(super) fn expect(&mut self, text: &str) -> Option<()> {
        self.take(text).then_some(())
    }

    /// Only white space is left, such as the end of the line.
    pub(super) fn end(&self) -> Option<()> {
        self.rest().trim_ascii().is_empty().then_some(())
    }

    /// Reads an object: `field` reads the values of the keys that are named, each once, since serde refuses one that
    /// comes twice; others are skipped.
    pub(super) fn object(
        &mut self,
        names: &'static [&'static str],
        mut field: impl FnMut(&mut Self, &'static str) -> Option<()>,
    ) -> Option<()> {
        self.expect("{")?;
        if self.take("}") {
            return Some(());
        }
        let (mut seen, mut next) = (0_u32, 0);
        loop {
            match self.key(names, next) {
                Some((index, name)) => {
                    let bit = 1 << index;
                    if seen & bit != 0 {
                        return None;
                    }
                    seen |= bit;
                    next = index + 1;
                    field(self, name)?;
                }
                None => {
                    self.plain()?;
                    self.expect(":")?;
                    self.skip()?;
                }
            }
            if !self.take(",") {
                return self.expect("}");
            }
        }
    }

    /// Moves on over a key if it is one of these, of which `next` is the likeliest: senders keep an order.
    fn key(&mut self, names: &'static [&'static str], next: usize) -> Option<(usize, &'static str)> {
        let rest = self.rest().strip_prefix(b"\"")?;
        let likely = names.iter().enumerate().skip(next);
        let (index, name) = likely.chain(names.iter().enumerate().take(next)).find(|(_, name)| {
            rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"\":"))
        })?;
        self.at += name.len() + 3;
        Some((index, name))
    }

    /// Reads an array.
    pub(super) fn array<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        self.expect("[")?;
        if self.take("]") {
            return Some(items);
        }
        loop {
            items.push(item(self)?);
            if !self.take(",") {
                self.expect("]")?;
                return Some(items);
            }
        }
    }

    /// Reads a string without escapes.
    #[inline]
    pub(super) fn plain(&mut self) -> Option<&'a str> {
        let from = self.at + 1;
        if self.peek()? != b'"' {
            return None;
        }
        let to = from + end_of_plain(self.text.as_bytes().get(from..)?);
        let text = self.text.get(from..to)?;
        self.at = to;
        self.expect("\"")?;
        Some(text)
    }

    /// Reads a scalar of proto3's mapping, whichever way it is written.
    pub(super) fn scalar<T: Scalar<'a> + Deserialize<'a>>(&mut self) -> Option<T> {
        let from = self.at;
        match self.peek()? {
            b'"' => {
                if let Some(text) = self.plain() {
                    return T::of_borrowed(text);
                }
            }
            b'0'..=b'9' | b'-' => {
                if let Some((number, length)) = number(self.rest()) {
                    self.at += length;
                    return match number {
                        Number::Whole(number) => T::of_u64(number),
                        Number::Float(number) => T::of_f64(number),
                    };
                }
            }
            _ => {}
        }
        self.at = from;
        self.by_serde()
    }

    /// Reads a moment: mostly a string of nineteen digits.
    #[inline]
    pub(super) fn nanos(&mut self) -> Option<Nanos> {
        if let Some([b'"', number @ .., b'"']) = self.rest().get(..21)
            && let Some(number) = digits(number)
        {
            self.at += 21;
            return Some(number.into());
        }
        self.scalar()
    }

    /// Reads any value as serde does.
    pub(super) fn by_serde<T: Deserialize<'a>>(&mut self) -> Option<T> {
        let mut values = serde_json::Deserializer::from_str(self.text.get(self.at..)?).into_iter::<T>();
        let value = values.next()?.ok()?;
        self.at += values.byte_offset();
        Some(value)
    }

    /// Reads any value whose `null` is the default.
    pub(super) fn by_serde_or_default<T: Deserialize<'a> + Default>(&mut self) -> Option<T> {
        Some(self.by_serde::<Option<T>>()?.unwrap_or_default())
    }

    /// Moves on over a value that is of no use.
    pub(super) fn skip(&mut self) -> Option<()> {
        let from = self.at;
        if self.plain().is_none() {
            self.at = from;
            self.by_serde::<IgnoredAny>()?;
        }
        Some(())
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Index of the first quote, backslash or control character, eight bytes at a time: the lowest byte that shows its
/// high bit is one.
#[inline]
fn end_of_plain(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let equals = |byte: u8| {
            let differs = word ^ (ONES * u64::from(byte));
            differs.wrapping_sub(ONES) & !differs
        };
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (control | equals(b'"') | equals(b'\\')) & HIGHS;
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    words.len() * 8 + rest.iter().position(ends).unwrap_or(rest.len())
}

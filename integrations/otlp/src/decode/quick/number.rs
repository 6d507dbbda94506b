//! Numbers as JSON writes them.

/// What a number is read as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Whole(u64),
    Float(f64),
}

/// Powers of ten that a float holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];
/// Whole numbers that a float holds exactly.
const EXACT: u64 = 1 << 53;
/// Digits that always fit.
const DIGITS: usize = 18;

/// Reads a number and its length: whole and not negative, or with a fraction. `None` for what is rarer or wrong.
#[inline]
pub(super) fn number(text: &[u8]) -> Option<(Number, usize)> {
    let (is_negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (whole, length) = run(unsigned, 0);
    let has_odd_zero = length > 1 && unsigned.first() == Some(&b'0');
    if length == 0 || length > DIGITS || has_odd_zero {
        return None;
    }
    let rest = unsigned.get(length..)?;
    match rest.first()? {
        b'.' => {}
        b'e' | b'E' => return None,
        _ if is_negative => return None,
        _ => return Some((Number::Whole(whole), length)),
    }
    let fraction = rest.get(1..)?;
    let (all, places) = run(fraction, whole);
    let ended = !matches!(fraction.get(places)?, b'e' | b'E');
    // A quotient of two exact floats is rounded once, which is what a parser has to give.
    let ten = TENS.get(places)?;
    if places == 0 || length + places > DIGITS || all > EXACT || !ended {
        return None;
    }
    let value = all as f64 / ten;
    let length = usize::from(is_negative) + length + 1 + places;
    Some((Number::Float(if is_negative { -value } else { value }), length))
}

/// Appends the digits that come next to a number; with how many they are. It means nothing when they are too many.
fn run(text: &[u8], number: u64) -> (u64, usize) {
    let mut value = number;
    let mut count = 0;
    for byte in text.iter().take_while(|byte| byte.is_ascii_digit()) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        count += 1;
    }
    (value, count)
}

/// A number that is nothing but digits, at most nineteen of them.
#[inline]
pub(in crate::decode) fn digits(text: &[u8]) -> Option<u64> {
    let (words, rest) = text.as_chunks::<8>();
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    let mut value = 0_u64;
    for word in words {
        value = value * 100_000_000 + eight(u64::from_le_bytes(*word))?;
    }
    for byte in rest {
        let digit = byte.wrapping_sub(b'0');
        value = if digit < 10 { value * 10 + u64::from(digit) } else { return None };
    }
    Some(value)
}

/// Eight digits at once, the first of them in the lowest byte: pairs, then fours, then all.
fn eight(word: u64) -> Option<u64> {
    let is_digits = word & 0xf0f0_f0f0_f0f0_f0f0 == 0x3030_3030_3030_3030
        && (word + 0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0 == 0x3030_3030_3030_3030;
    if !is_digits {
        return None;
    }
    let ones = word & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (ones * 10 + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs * 100 + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    Some((fours * 10_000 + (fours >> 32)) & 0xffff_ffff)
}

use std::cmp::Ordering;

use super::scan::Tokens;

/// A comparison in LogQL or TraceQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Compare {
    /// Takes the sign of a comparison if one is next; `equal` is the language's sign for "equal".
    pub(super) fn take(tokens: &mut Tokens, equal: &'static str) -> Option<Self> {
        let signs = [
            (equal, Self::Equal),
            ("!=", Self::NotEqual),
            ("<", Self::Less),
            ("<=", Self::LessOrEqual),
            (">", Self::Greater),
            (">=", Self::GreaterOrEqual),
        ];
        signs.into_iter().find(|(sign, _)| tokens.sign(sign)).map(|(_, compare)| compare)
    }

    /// Whether it holds of a value that stands so to the literal.
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

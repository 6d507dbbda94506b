//! Functions that change labels.

use std::borrow::Cow;

use regex::RegexBuilder;

use super::value::{Column, Value, bad, describe};
use crate::Result;

/// Longest value that a replacement may make, in bytes.
const MAX_VALUE: usize = 4096;
const MAX_REGEX_SIZE: usize = 256 * 1024;

/// `label_replace(v, dst, replacement, src, regex)` or `label_join(v, dst, separator, src...)`.
pub(super) fn apply<'a>(name: &str, args: Vec<Value<'a>>) -> Result<Value<'a>> {
    let mut args = args.into_iter();
    let Some(vector) = args.next() else { return Err(bad(format!("{name} needs a vector"))) };
    let columns = vector.into_vector(name)?;
    let texts: Vec<String> = args.map(|arg| arg.into_text(name)).collect::<Result<_>>()?;
    let columns = match (name, texts.as_slice()) {
        ("label_replace", [target, replacement, source, pattern]) => {
            valid(target)?;
            replace(columns, target, replacement, source, pattern)?
        }
        ("label_join", [target, separator, sources @ ..]) => {
            valid(target)?;
            let joined = |column: &Column<'_>| {
                let values: Vec<_> = sources.iter().map(|source| column.label(source)).collect();
                Some(values.join(separator))
            };
            set(columns, target, joined)?
        }
        _ => return Err(bad(format!("{name} has the wrong number of arguments"))),
    };
    Ok(Value::Vector(columns))
}

fn valid(label: &str) -> Result<()> {
    let first = label.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    let rest = label.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if first && rest { Ok(()) } else { Err(bad(format!("`{label}` is not the name of a label"))) }
}

fn replace<'a>(
    columns: Vec<Column<'a>>,
    target: &str,
    replacement: &str,
    source: &str,
    pattern: &str,
) -> Result<Vec<Column<'a>>> {
    let regex = RegexBuilder::new(&format!("^(?s:{pattern})$"))
        .size_limit(MAX_REGEX_SIZE)
        .build()
        .map_err(|reason| bad(format!("regex of label_replace: {reason}")))?;
    // Go reads `$1_x` as the group `1_x`, and so does this crate.
    set(columns, target, |column| {
        let captures = regex.captures(column.label(source))?;
        let mut value = String::new();
        captures.expand(replacement, &mut value);
        Some(value)
    })
}

/// Sets a label to what is computed from each column; an empty value removes it.
fn set<'a>(
    columns: Vec<Column<'a>>,
    target: &str,
    compute: impl Fn(&Column<'a>) -> Option<String>,
) -> Result<Vec<Column<'a>>> {
    let mut result = Vec::with_capacity(columns.len());
    for mut column in columns {
        if let Some(value) = compute(&column) {
            if value.len() > MAX_VALUE {
                let what = describe(&column.name, &column.labels);
                return Err(bad(format!("label {target} of {what} would exceed {MAX_VALUE} bytes")));
            }
            if target == "__name__" {
                column.name = Cow::Owned(value);
            } else if value.is_empty() {
                column.labels.to_mut().remove(target);
            } else {
                column.labels.to_mut().insert(target.to_owned(), value);
            }
        }
        result.push(column);
    }
    Ok(result)
}

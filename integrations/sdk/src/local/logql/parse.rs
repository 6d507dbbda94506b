//! Parsing.

use super::ast::{Filter, Function, Metric, Query, Test};
use crate::{
    Result,
    local::{
        compare::Compare,
        promql::{Aggregator, Grouping},
        scan::{Token, Tokens},
    },
};

/// Deepest nesting of aggregations.
const MAX_DEPTH: usize = 16;

/// Checks that a query is LogQL as it is evaluated here, without running it.
///
/// # Errors
/// [`BadRequest`](crate::ErrorKind::BadRequest) with the column, or
/// [`Unsupported`](crate::ErrorKind::Unsupported) naming what is not evaluated here.
pub fn check(expr: &str) -> Result<()> {
    parse(expr).map(|_| ())
}

pub(super) fn parse(text: &str) -> Result<Query> {
    let mut tokens = Tokens::read("logql", text)?;
    let query = if *tokens.peek() == Token::Sign("{") {
        Query::Records(filter(&mut tokens)?)
    } else {
        let mut metric = metric(&mut tokens, MAX_DEPTH)?;
        metric.compare = compare(&mut tokens)?;
        Query::Metric(metric)
    };
    tokens.end()?;
    Ok(query)
}

/// `{label="value", ...}` and what is piped behind it.
fn filter(tokens: &mut Tokens) -> Result<Filter> {
    let mut filter = Filter::default();
    tokens.expect("{")?;
    while !tokens.sign("}") {
        filter.labels.push(matcher(tokens)?);
        if !tokens.sign(",") {
            tokens.expect("}")?;
            break;
        }
    }
    loop {
        if tokens.sign("|=") {
            filter.lines.push(Test::Has(tokens.text()?));
        } else if tokens.sign("!=") {
            filter.lines.push(Test::HasNot(tokens.text()?));
        } else if tokens.sign("|~") {
            filter.lines.push(Test::Matches(tokens.regex(false)?));
        } else if tokens.sign("!~") {
            filter.lines.push(Test::MatchesNot(tokens.regex(false)?));
        } else if tokens.sign("|") {
            stage(tokens, &mut filter)?;
        } else {
            return Ok(filter);
        }
    }
}

/// A label filter, the one stage known here: the others parse lines, whose fields are attributes already.
fn stage(tokens: &mut Tokens, filter: &mut Filter) -> Result<()> {
    const PARSERS: [&str; 12] = [
        "json",
        "logfmt",
        "pattern",
        "regexp",
        "unpack",
        "unwrap",
        "line_format",
        "label_format",
        "decolorize",
        "drop",
        "keep",
        "distinct",
    ];
    if let Token::Word(word) = tokens.peek()
        && PARSERS.contains(&word.as_str())
    {
        return Err(tokens.unsupported(format_args!("the stage `{word}`")));
    }
    filter.labels.push(matcher(tokens)?);
    Ok(())
}

fn matcher(tokens: &mut Tokens) -> Result<(String, Test)> {
    let Token::Word(name) = tokens.peek() else { return Err(tokens.wrong("the name of a label")) };
    let name = name.clone();
    tokens.take();
    let test = if tokens.sign("=") {
        Test::Is(tokens.text()?)
    } else if tokens.sign("!=") {
        Test::IsNot(tokens.text()?)
    } else if tokens.sign("=~") {
        Test::Matches(tokens.regex(true)?)
    } else if tokens.sign("!~") {
        Test::MatchesNot(tokens.regex(true)?)
    } else {
        return Err(tokens.wrong("one of `=`, `!=`, `=~`, `!~`"));
    };
    Ok((name, test))
}

fn metric(tokens: &mut Tokens, depth: usize) -> Result<Metric> {
    if depth == 0 {
        return Err(tokens.bad(format_args!("nested more than {MAX_DEPTH} deep")));
    }
    if tokens.sign("(") {
        let inner = metric(tokens, depth - 1)?;
        tokens.expect(")")?;
        return Ok(inner);
    }
    let Token::Word(word) = tokens.peek() else {
        return Err(tokens.wrong("`{`, a function or an aggregation"));
    };
    if let Some(function) = Function::named(word) {
        tokens.take();
        return counted(tokens, function);
    }
    let Some(aggregator) = aggregator(word) else {
        return Err(tokens.unsupported(format_args!("`{word}`")));
    };
    tokens.take();
    let before = grouping(tokens)?;
    tokens.expect("(")?;
    let mut inner = metric(tokens, depth - 1)?;
    tokens.expect(")")?;
    let by = match before {
        Some(by) => by,
        None => grouping(tokens)?.unwrap_or_else(|| Grouping::By(Vec::new())),
    };
    inner.aggregations.push((aggregator, by));
    Ok(inner)
}

fn aggregator(word: &str) -> Option<Aggregator> {
    Some(match word {
        "sum" => Aggregator::Sum,
        "avg" => Aggregator::Avg,
        "min" => Aggregator::Min,
        "max" => Aggregator::Max,
        "count" => Aggregator::Count,
        "stddev" => Aggregator::Stddev,
        "stdvar" => Aggregator::Stdvar,
        _ => return None,
    })
}

/// `function({...} |= "..." [5m])`, where the range may also stand right behind the braces.
fn counted(tokens: &mut Tokens, function: Function) -> Result<Metric> {
    tokens.expect("(")?;
    let filter = filter(tokens)?;
    tokens.expect("[")?;
    let length = match tokens.peek() {
        Token::Duration(nanos) if *nanos > 0 => *nanos,
        _ => return Err(tokens.wrong("a duration such as `5m`")),
    };
    tokens.take();
    tokens.expect("]")?;
    if tokens.word("offset") {
        return Err(tokens.unsupported("`offset`"));
    }
    tokens.expect(")")?;
    Ok(Metric { filter, function, length, aggregations: Vec::new(), compare: None })
}

fn grouping(tokens: &mut Tokens) -> Result<Option<Grouping>> {
    let by = tokens.word("by");
    if !by && !tokens.word("without") {
        return Ok(None);
    }
    tokens.expect("(")?;
    let mut names = Vec::new();
    while !tokens.sign(")") {
        let Token::Word(name) = tokens.peek() else { return Err(tokens.wrong("the name of a label")) };
        names.push(name.clone());
        tokens.take();
        if !tokens.sign(",") {
            tokens.expect(")")?;
            break;
        }
    }
    Ok(Some(if by { Grouping::By(names) } else { Grouping::Without(names) }))
}

fn compare(tokens: &mut Tokens) -> Result<Option<(Compare, f64)>> {
    let Some(compare) = Compare::take(tokens, "==") else { return Ok(None) };
    match tokens.peek() {
        Token::Number(bound) => {
            let bound = *bound;
            tokens.take();
            Ok(Some((compare, bound)))
        }
        _ => Err(tokens.wrong("a number")),
    }
}

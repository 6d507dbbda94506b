//! Parsing.

use super::ast::{Field, Filter, Literal, Relation, Spanset, Test};
use crate::{
    Result,
    local::{
        compare::Compare,
        scan::{Token, Tokens},
    },
    signal::{SpanKind, SpanStatus},
};

/// Deepest nesting of parentheses and negations.
const MAX_DEPTH: usize = 32;
/// Most filters that are set in relation to each other.
const MAX_RELATED: usize = 8;

/// Checks that a query is TraceQL as it is evaluated here, without running it.
///
/// # Errors
/// [`BadRequest`](crate::ErrorKind::BadRequest) with the column, or
/// [`Unsupported`](crate::ErrorKind::Unsupported) naming what is not evaluated here.
pub fn check(expr: &str) -> Result<()> {
    parse(expr).map(|_| ())
}

pub(super) fn parse(text: &str) -> Result<Spanset> {
    const RELATIONS: [(&str, Relation, bool); 4] = [
        (">", Relation::Child, true),
        ("<", Relation::Parent, true),
        ("!>", Relation::Child, false),
        ("!<", Relation::Parent, false),
    ];
    let mut tokens = Tokens::read("traceql", text)?;
    let mut spanset = Spanset::Filter(filter(&mut tokens)?);
    let mut related = 1;
    while let Some((_, relation, is)) = RELATIONS.into_iter().find(|(sign, ..)| tokens.sign(sign)) {
        related += 1;
        if related > MAX_RELATED {
            return Err(tokens.bad(format_args!("more than {MAX_RELATED} filters in relation")));
        }
        spanset = Spanset::Related { of: Box::new(spanset), relation, is, filter: filter(&mut tokens)? };
    }
    match tokens.peek() {
        Token::Sign("|") => Err(tokens.unsupported("a pipeline")),
        Token::Sign("&&" | "||" | ">>" | "<<" | "!") => {
            Err(tokens.unsupported("a relation of filters other than `>`, `<`, `!>` and `!<`"))
        }
        _ => tokens.end().map(|()| spanset),
    }
}

/// `{ ... }`.
fn filter(tokens: &mut Tokens) -> Result<Filter> {
    tokens.expect("{")?;
    let filter =
        if *tokens.peek() == Token::Sign("}") { Filter::Constant(true) } else { any(tokens, MAX_DEPTH)? };
    tokens.expect("}").map(|()| filter)
}

fn any(tokens: &mut Tokens, depth: usize) -> Result<Filter> {
    let mut filters = vec![all(tokens, depth)?];
    while tokens.sign("||") {
        filters.push(all(tokens, depth)?);
    }
    Ok(Filter::Any(filters))
}

fn all(tokens: &mut Tokens, depth: usize) -> Result<Filter> {
    let mut filters = vec![one(tokens, depth)?];
    while tokens.sign("&&") {
        filters.push(one(tokens, depth)?);
    }
    Ok(Filter::All(filters))
}

fn one(tokens: &mut Tokens, depth: usize) -> Result<Filter> {
    if depth == 0 {
        return Err(tokens.bad(format_args!("nested more than {MAX_DEPTH} deep")));
    }
    if tokens.sign("!") {
        return Ok(Filter::Not(Box::new(one(tokens, depth - 1)?)));
    }
    if tokens.sign("(") {
        let inner = any(tokens, depth - 1)?;
        tokens.expect(")")?;
        return Ok(inner);
    }
    if tokens.word("true") {
        return Ok(Filter::Constant(true));
    }
    if tokens.word("false") {
        return Ok(Filter::Constant(false));
    }
    let field = field(tokens)?;
    Ok(Filter::Holds(field.clone(), test(tokens, &field)?))
}

fn field(tokens: &mut Tokens) -> Result<Field> {
    let Token::Word(word) = tokens.peek() else { return Err(tokens.wrong("a field")) };
    let scoped = ["resource.", "span.", "."].into_iter().find_map(|scope| word.strip_prefix(scope));
    let field = match (scoped, word.as_str()) {
        (Some(""), _) => return Err(tokens.wrong("the name of an attribute")),
        (Some(key), _) => Field::Attribute(key.to_owned()),
        (None, "name" | "span:name") => Field::Name,
        (None, "status" | "span:status") => Field::Status,
        (None, "statusMessage" | "span:statusMessage") => Field::StatusMessage,
        (None, "duration" | "span:duration") => Field::Duration,
        (None, "kind" | "span:kind") => Field::Kind,
        (None, "trace:id") => Field::TraceId,
        (None, "span:id") => Field::SpanId,
        (None, "span:parentID") => Field::ParentId,
        (None, other) => {
            return Err(tokens.unsupported(format_args!(
                "field `{other}` (attributes start with `resource.`, `span.` or `.`)"
            )));
        }
    };
    tokens.take();
    Ok(field)
}

fn test(tokens: &mut Tokens, field: &Field) -> Result<Test> {
    if matches!(tokens.peek(), Token::Sign("=~" | "!~"))
        && matches!(field, Field::Status | Field::Duration | Field::Kind)
    {
        return Err(tokens.bad("this field is not a text that a regex could match"));
    }
    if tokens.sign("=~") {
        return Ok(Test::Matches(tokens.regex(true)?));
    }
    if tokens.sign("!~") {
        return Ok(Test::MatchesNot(tokens.regex(true)?));
    }
    let Some(compare) = Compare::take(tokens, "=") else {
        return Err(tokens.wrong("a comparison"));
    };
    if tokens.word("nil") {
        return match compare {
            Compare::Equal => Ok(Test::Nil),
            Compare::NotEqual => Ok(Test::NotNil),
            _ => Err(tokens.bad("`nil` is only equal or not")),
        };
    }
    let literal = literal(tokens, field)?;
    let ordered = !matches!(compare, Compare::Equal | Compare::NotEqual);
    if ordered && matches!(literal, Literal::Status(_) | Literal::Kind(_) | Literal::Bool(_)) {
        return Err(tokens.bad("what stands before is only equal or not"));
    }
    Ok(Test::Compare(compare, literal))
}

/// A literal that the field can be compared with.
fn literal(tokens: &mut Tokens, field: &Field) -> Result<Literal> {
    let wanted = match field {
        Field::Status => "`error`, `ok` or `unset`",
        Field::Kind => "a kind of span such as `server` or `client`",
        Field::Duration => "a duration such as `100ms`",
        Field::Attribute(_) => "a value",
        _ => "a string",
    };
    let literal = match (field, tokens.peek()) {
        (Field::Status, Token::Word(word)) => status(word).map(Literal::Status),
        (Field::Kind, Token::Word(word)) => kind(word).map(Literal::Kind),
        (Field::Duration | Field::Attribute(_), Token::Duration(nanos)) => Some(Literal::Duration(*nanos)),
        (Field::Duration | Field::Attribute(_), Token::Number(number)) => Some(Literal::Number(*number)),
        (Field::Attribute(_), Token::Word(word)) => word.parse().ok().map(Literal::Bool),
        (Field::Status | Field::Kind | Field::Duration, _) => None,
        (_, Token::Text(text)) => Some(Literal::Text(text.clone())),
        _ => None,
    };
    let Some(literal) = literal else { return Err(tokens.wrong(wanted)) };
    tokens.take();
    Ok(literal)
}

fn status(word: &str) -> Option<SpanStatus> {
    Some(match word {
        "error" => SpanStatus::Error,
        "ok" => SpanStatus::Ok,
        "unset" => SpanStatus::Unset,
        _ => return None,
    })
}

fn kind(word: &str) -> Option<SpanKind> {
    Some(match word {
        "unspecified" => SpanKind::Unspecified,
        "internal" => SpanKind::Internal,
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => return None,
    })
}

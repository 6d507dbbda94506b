use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::finding::{Findings, Lines, Place};

/// The Markdown part of a runbook.
#[derive(Default)]
pub(super) struct Document {
    /// Text of the first heading of level 1.
    pub(super) heading: Option<String>,
    pub(super) sections: Vec<Section>,
    pub(super) blocks: Vec<Block>,
}

impl Document {
    pub(super) fn section(&self, title: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.title.eq_ignore_ascii_case(title))
    }
}

/// A heading of level 1 or 2 and the prose below it.
pub(super) struct Section {
    pub(super) title: String,
    pub(super) prose: String,
}

/// A fenced block.
pub(super) struct Block {
    /// The word after the fence, as it stands.
    pub(super) language: String,
    /// The JSON object after the language, in order, repeats included.
    pub(super) attributes: Vec<(String, serde_json::Value)>,
    pub(super) body: String,
    /// The heading right above.
    pub(super) title: String,
    /// The prose between that heading, or the block before, and this block.
    pub(super) text: String,
    /// Of the fence.
    pub(super) at: Place,
    /// Byte offset of the body in the file.
    pub(super) body_offset: usize,
}

impl Block {
    pub(super) fn attribute(&self, key: &str) -> Option<&serde_json::Value> {
        self.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The place of a byte of the body.
    pub(super) fn place(&self, lines: &Lines<'_>, offset: usize) -> Place {
        lines.place(self.body_offset.saturating_add(offset))
    }
}

const MOST_BLOCKS: usize = 500;

/// Takes Markdown apart. `start` is the offset of `markdown` in its file.
pub(super) fn read(markdown: &str, start: usize, lines: &Lines<'_>, findings: &mut Findings) -> Document {
    let mut reader = Reader { document: Document::default(), heading: None, paragraph: String::new() };
    let mut title = String::new();
    let mut text = String::new();
    let mut fence: Option<Fence> = None;
    let mut in_html = false;
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                reader.heading = Some(level);
                title.clear();
                text.clear();
            }
            Event::End(TagEnd::Heading(level)) => reader.end_heading(level, &title),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => {
                let info = raw_info(markdown, range.start).to_owned();
                fence = Some(Fence { info, offset: range.start, body: None, text: String::new() });
            }
            Event::End(TagEnd::CodeBlock) => {
                let Some(fence) = fence.take() else { continue };
                let at = lines.place(start.saturating_add(fence.offset));
                if reader.document.blocks.len() == MOST_BLOCKS {
                    let message = format!("more than {MOST_BLOCKS} fenced blocks; split the runbook");
                    findings.error("RB012", at, message);
                    break;
                }
                let (language, attributes) = read_info(&fence.info, at, findings);
                reader.document.blocks.push(Block {
                    language,
                    attributes,
                    body: fence.text,
                    title: title.trim().to_owned(),
                    text: squeeze(&text),
                    at,
                    body_offset: start.saturating_add(fence.body.unwrap_or(fence.offset)),
                });
                text.clear();
            }
            Event::Start(Tag::HtmlBlock) => in_html = true,
            Event::End(TagEnd::HtmlBlock) => in_html = false,
            Event::Text(piece) | Event::Code(piece) => match &mut fence {
                Some(fence) => {
                    fence.body.get_or_insert(range.start);
                    fence.text.push_str(&piece);
                }
                None if in_html => {}
                None if reader.heading.is_some() => title.push_str(&piece),
                None => {
                    text.push_str(&piece);
                    reader.paragraph.push_str(&piece);
                }
            },
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph | TagEnd::Item) => {
                text.push(' ');
                reader.paragraph.push(' ');
            }
            _ => {}
        }
    }
    reader.flush();
    reader.document
}

struct Fence {
    info: String,
    offset: usize,
    body: Option<usize>,
    text: String,
}

struct Reader {
    document: Document,
    /// Level of the heading that is open.
    heading: Option<HeadingLevel>,
    paragraph: String,
}

impl Reader {
    fn end_heading(&mut self, level: HeadingLevel, title: &str) {
        self.heading = None;
        self.flush();
        let title = squeeze(title);
        if level == HeadingLevel::H1 && self.document.heading.is_none() {
            self.document.heading = Some(title.clone());
        }
        if level <= HeadingLevel::H2 {
            self.document.sections.push(Section { title, prose: String::new() });
        } else if let Some(section) = self.document.sections.last_mut() {
            append(&mut section.prose, &title);
        }
    }

    /// Adds the prose read since to the section that it stands in.
    fn flush(&mut self) {
        let prose = squeeze(&std::mem::take(&mut self.paragraph));
        if let Some(section) = self.document.sections.last_mut() {
            append(&mut section.prose, &prose);
        }
    }
}

fn append(prose: &mut String, more: &str) {
    if !prose.is_empty() && !more.is_empty() {
        prose.push(' ');
    }
    prose.push_str(more);
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The info string as it stands. Markdown would take backslashes out of it, and JSON needs them.
fn raw_info(markdown: &str, fence: usize) -> &str {
    let line = markdown.get(fence..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    line.trim_start_matches(['`', '~']).trim()
}

/// `promql {"check":"id"}` as language and attributes.
fn read_info(info: &str, at: Place, findings: &mut Findings) -> (String, Vec<(String, serde_json::Value)>) {
    let (language, rest) = match info.find(|c: char| c.is_whitespace() || c == '{') {
        Some(end) => info.split_at(end),
        None => (info, ""),
    };
    let rest = rest.trim();
    if !rest.starts_with('{') {
        return (language.to_owned(), Vec::new());
    }
    match serde_json::from_str::<Pairs>(rest) {
        Ok(Pairs(pairs)) => (language.to_owned(), pairs),
        Err(error) => {
            let message = format!("what follows the language of this fence is not a JSON object: {error}");
            findings.error("RB014", at, message);
            (language.to_owned(), Vec::new())
        }
    }
}

/// A JSON object that keeps repeated keys.
struct Pairs(Vec<(String, serde_json::Value)>);

impl<'de> serde::Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Pairs;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut access: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = access.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

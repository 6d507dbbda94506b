//! Takes plain Markdown apart into items: paragraphs and list items, each with the code that belongs to it.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{Section, SectionKind, sections};

const MOST_ITEMS: usize = 1_000;
const MOST_CODE: usize = 1_000;
const LONGEST_TEXT: usize = 4_096;
const LONGEST_CODE: usize = 16 * 1_024;

#[derive(Debug, Default)]
pub(super) struct Document {
    /// First heading of level 1.
    pub(super) heading: Option<String>,
    pub(super) sections: Vec<Section>,
    pub(super) items: Vec<Item>,
    /// Something was left out since there is too much of it.
    pub(super) cut: bool,
}

/// A paragraph or a list item of the outermost list.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: SectionKind,
    /// The heading above.
    pub(super) title: String,
    pub(super) text: String,
    pub(super) code: Vec<Code>,
    /// Byte offset.
    pub(super) at: usize,
}

#[derive(Debug)]
pub(super) struct Code {
    /// The word after the fence; `None` for code within a sentence.
    pub(super) fence: Option<String>,
    pub(super) body: String,
    pub(super) at: usize,
}

pub(super) fn read(markdown: &str, first_line: usize) -> Document {
    let mut reader = Reader {
        document: Document::default(),
        kind: SectionKind::Other,
        level: 7,
        title: String::new(),
        item: None,
        code_count: 0,
    };
    let newlines: Vec<usize> = markdown.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| first_line + newlines.partition_point(|newline| *newline < at);
    let mut heading: Option<String> = None;
    let mut fence: Option<Code> = None;
    let mut depth = 0_usize;
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                reader.flush();
                heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(level)) => {
                let title = squeeze(&heading.take().unwrap_or_default());
                reader.heading(level, title, line(range.start));
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let tag = match kind {
                    CodeBlockKind::Fenced(info) => info
                        .split(|c: char| c.is_whitespace() || c == '{')
                        .next()
                        .unwrap_or_default()
                        .to_lowercase(),
                    CodeBlockKind::Indented => String::new(),
                };
                fence = Some(Code { fence: Some(tag), body: String::new(), at: range.start });
            }
            Event::End(TagEnd::CodeBlock) => {
                if let Some(code) = fence.take() {
                    reader.code(code);
                    // what comes after a block at the outermost level is something else
                    if depth == 0 {
                        reader.flush();
                    }
                }
            }
            Event::Start(Tag::List(_)) => depth += 1,
            Event::End(TagEnd::List(_)) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    reader.flush();
                }
            }
            Event::Start(Tag::Item) if depth == 1 => {
                reader.flush();
                reader.open(range.start);
            }
            Event::Start(Tag::Paragraph) if depth == 0 => {
                // a block under a heading with no words between belongs to the heading
                reader.flush();
                reader.open(range.start);
            }
            Event::Start(Tag::TableRow | Tag::TableHead | Tag::HtmlBlock) if depth == 0 => {
                reader.flush();
                reader.open(range.start);
            }
            Event::Text(piece) => match (&mut fence, &mut heading) {
                (Some(code), _) => append(&mut code.body, &piece, LONGEST_CODE, &mut reader.document.cut),
                (None, Some(title)) => append(title, &piece, LONGEST_TEXT, &mut reader.document.cut),
                (None, None) => reader.text(&piece),
            },
            Event::Code(piece) => match &mut heading {
                Some(title) => title.push_str(&piece),
                None => {
                    reader.text(&format!("`{piece}`"));
                    reader.code(Code { fence: None, body: piece.to_string(), at: range.start });
                }
            },
            Event::Html(piece) => reader.text(&without_tags(&piece)),
            // mostly a placeholder that nobody quoted: <pod-name>
            Event::InlineHtml(piece) => reader.text(&piece),
            Event::SoftBreak
            | Event::HardBreak
            | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) => {
                reader.text(" ");
            }
            _ => {}
        }
        if reader.document.items.len() >= MOST_ITEMS || reader.code_count >= MOST_CODE {
            reader.document.cut = true;
            break;
        }
    }
    reader.flush();
    reader.document
}

struct Reader {
    document: Document,
    kind: SectionKind,
    /// Of the heading that said what the part is for.
    level: usize,
    title: String,
    item: Option<Item>,
    code_count: usize,
}

impl Reader {
    fn heading(&mut self, level: HeadingLevel, title: String, line: usize) {
        let level = level as usize;
        if level == 1 && self.document.heading.is_none() {
            self.document.heading = Some(title.clone());
        }
        match sections::kind(&title, level) {
            Some(kind) => {
                (self.kind, self.level) = (kind, level);
                self.document.sections.push(Section { kind, title: title.clone(), line });
            }
            // a sub-heading belongs to the part above
            None if level <= self.level => (self.kind, self.level) = (SectionKind::Other, level),
            None => {}
        }
        self.title = title;
    }

    fn open(&mut self, at: usize) {
        let title = self.title.clone();
        self.item = Some(Item { kind: self.kind, title, text: String::new(), code: Vec::new(), at });
    }

    fn text(&mut self, piece: &str) {
        let Some(item) = &mut self.item else { return };
        append(&mut item.text, piece, LONGEST_TEXT, &mut self.document.cut);
    }

    fn code(&mut self, code: Code) {
        self.code_count += 1;
        let at = code.at;
        if self.item.is_none() {
            let explains =
                self.document.items.last().filter(|last| {
                    last.kind == self.kind && last.title == self.title && !last.text.is_empty()
                });
            let before = explains.is_some().then(|| self.document.items.pop()).flatten();
            match before {
                Some(item) => self.item = Some(item),
                None => self.open(at),
            }
        }
        if let Some(item) = &mut self.item {
            item.code.push(code);
        }
    }

    fn flush(&mut self) {
        let Some(mut item) = self.item.take() else { return };
        item.text = squeeze(&without_shortcodes(&item.text));
        if !item.text.is_empty() || !item.code.is_empty() {
            self.document.items.push(item);
        }
    }
}

fn append(text: &mut String, piece: &str, longest: usize, cut: &mut bool) {
    if text.len() + piece.len() <= longest {
        text.push_str(piece);
    } else {
        *cut = true;
    }
}

pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words of HTML; of comments too.
fn without_tags(html: &str) -> String {
    let html = html.replace("<!--", " ").replace("-->", " ");
    let mut text = String::new();
    let mut rest = html.as_str();
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        match after.split_once('>') {
            Some((_, after)) => rest = after,
            None => {
                rest = after;
                break;
            }
        }
    }
    text.push_str(rest);
    text
}

/// Hugo's `{{< hint >}}` and `{{% notice %}}`.
fn without_shortcodes(text: &str) -> String {
    let mut kept = text.to_owned();
    for (open, close) in [("{{<", ">}}"), ("{{%", "%}}")] {
        let mut out = String::new();
        let mut rest = kept.as_str();
        while let Some((before, after)) = rest.split_once(open) {
            let Some((_, after)) = after.split_once(close) else { break };
            out.push_str(before);
            rest = after;
        }
        out.push_str(rest);
        kept = out;
    }
    kept
}

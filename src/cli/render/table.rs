//! Plain tables: a heading, columns, no lines.

use comfy_table::{ContentArrangement, Table, presets};

use super::text::clean;

/// A table of at most `width` columns, with a line end.
pub(crate) fn table(heading: &[&str], rows: Vec<Vec<String>>, width: usize) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(width).unwrap_or(100))
        .set_header(heading.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| clean(cell)));
    }
    // Each cell has a space on its left, the first one too.
    let lines: Vec<String> =
        table.lines().map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

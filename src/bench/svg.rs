use std::fmt::Write;

use super::Reliability;

/// Side of the square that the diagram is drawn in, and its distance from the border, in pixels.
const SIDE: f64 = 360.0;
const MARGIN: f64 = 56.0;
/// Height of the strip that shows how many cases each bin has.
const STRIP: f64 = 64.0;

/// A reliability diagram of what `title` names: confidence against the share of right answers, with 95 % intervals, and below it how
/// many cases each bin has. On the diagonal, confidence is what it says.
pub fn reliability_svg(title: &str, reliability: &Reliability) -> String {
    let (width, height) = (SIDE + 2.0 * MARGIN, SIDE + STRIP + 2.0 * MARGIN + 24.0);
    let x = |value: f64| MARGIN + value * SIDE;
    let y = |value: f64| MARGIN + (1.0 - value) * SIDE;
    let mut svg = String::new();
    let mut line = |text: String| writeln!(svg, "{text}").ok();
    line(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="12" role="img">"##
    ));
    let title = escape(title);
    line(format!("<title>{title}</title>"));
    line(format!(r##"<rect width="{width}" height="{height}" fill="#ffffff"/>"##));
    // The title may be longer than the picture is wide.
    line(format!(r##"<text x="{MARGIN}" y="24" font-size="15">Reliability</text>"##));
    let cases: usize = reliability.bins.iter().map(|bin| bin.cases).sum();
    line(format!(
        r##"<text x="{MARGIN}" y="42" fill="#555555">{cases} answers, Brier {:.3}, ECE {:.3}</text>"##,
        reliability.brier, reliability.ece
    ));
    for tick in 0..=5 {
        let value = f64::from(tick) / 5.0;
        let (at, down) = (x(value), y(value));
        let (right, bottom) = (x(1.0), y(0.0));
        line(format!(
            r##"<path d="M{at:.1} {MARGIN}V{bottom}M{MARGIN} {down:.1}H{right}" stroke="#e4e4e4"/>"##
        ));
        line(format!(r##"<text x="{at:.1}" y="{}" text-anchor="middle">{value:.1}</text>"##, bottom + 16.0));
        line(format!(
            r##"<text x="{}" y="{:.1}" text-anchor="end">{value:.1}</text>"##,
            MARGIN - 6.0,
            down + 4.0
        ));
    }
    line(format!(
        r##"<path d="M{} {}L{} {}" stroke="#999999" stroke-dasharray="4 4"/>"##,
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    ));
    let most = reliability.bins.iter().map(|bin| bin.cases).max().unwrap_or(0).max(1) as f64;
    let floor = MARGIN + SIDE + STRIP + 28.0;
    for bin in &reliability.bins {
        let (Some(said), Some(share), Some(interval)) = (bin.said, bin.share(), bin.interval) else {
            continue;
        };
        let bar = bin.cases as f64 / most * (STRIP - 14.0);
        line(format!(
            r##"<path d="M{0:.1} {1:.1}V{2:.1}" stroke="#2b6cb0" stroke-width="2"/><circle cx="{0:.1}" cy="{3:.1}" r="5" fill="#2b6cb0"><title>{4} of {5} right, said {said:.2}</title></circle>"##,
            x(said),
            y(interval.low),
            y(interval.high),
            y(share),
            bin.right,
            bin.cases
        ));
        let left = x(bin.from) + 2.0;
        let wide = SIDE * (bin.to - bin.from) - 4.0;
        line(format!(
            r##"<rect x="{left:.1}" y="{:.1}" width="{wide:.1}" height="{bar:.1}" fill="#a0aec0"/><text x="{:.1}" y="{:.1}" text-anchor="middle" font-size="10">{}</text>"##,
            floor - bar,
            left + wide / 2.0,
            floor - bar - 3.0,
            bin.cases
        ));
    }
    line(format!(
        r##"<text x="{}" y="{}" text-anchor="middle">confidence; bars: cases</text>"##,
        x(0.5),
        floor + 18.0
    ));
    line(format!(
        r##"<text transform="translate(16 {}) rotate(-90)" text-anchor="middle">share right, 95 % interval</text>"##,
        y(0.5)
    ));
    line("</svg>".to_owned());
    svg
}

/// Text for XML. Control characters have no form there.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

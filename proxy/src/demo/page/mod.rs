//! The report as one HTML page that needs nothing else: style and drawing are in it.

mod chart;

use std::fmt::Write as _;

use hdrhistogram::Histogram;
use rewrite_rules::Phase;

use super::format::{duration, grouped, latency, plural};
use super::recorder::Fault;
use super::report::Report;

/// The look of the page, light and dark.
const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn render(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>segue demo: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        verdict(report),
    );
    head(&mut page, report);
    tiles(&mut page, report);
    page.push_str("<section class=\"card\"><div class=\"scroll\">");
    page.push_str(&chart::draw(&report.recording, report.length));
    page.push_str("</div></section>\n");
    faults(&mut page, report);
    phases(&mut page, report);
    page.push_str("<div class=\"pair\">\n");
    flips(&mut page, report);
    work(&mut page, report);
    page.push_str("</div>\n");
    footer(&mut page, report);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// Text as HTML shows it literally.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn verdict(report: &Report) -> String {
    let errors = plural(report.errors(), "error");
    let rows = plural(report.diverged(), "lost or diverged row");
    match &report.stopped {
        None => format!("{errors}, {rows}"),
        Some(_) => format!("stopped, {errors}, {rows}"),
    }
}

/// Between two things that become, or that others become.
const AND: &str = "</code> and <code>";

fn head(page: &mut String, report: &Report) {
    let last = report.recording.chapters.last().map(|chapter| chapter.phase);
    let did = if last == Some(Phase::Contract) && report.stopped.is_none() {
        "became"
    } else {
        "did not become"
    };
    let class = if report.is_good() { "good" } else { "bad" };
    write!(
        page,
        "<p class=\"eyebrow\">segue demo</p>\n\
         <h1><code>{}</code> {did} <code>{}</code> under {} requests a second</h1>\n\
         <p class=\"verdict {class}\">{}</p>\n",
        report.words.from.join(AND),
        report.words.to.join(AND),
        grouped(u64::from(report.rate)),
        verdict(report),
    )
    .ok();
}

fn tiles(page: &mut String, report: &Report) {
    let all = report.recording.all_latencies();
    let drains = report.recording.flips.iter().map(|flip| flip.drain);
    let judged = |count: u64| if count == 0 { "good" } else { "bad" };
    let tiles = [
        ("", grouped(report.requests()), format!("requests in {}", duration(report.length))),
        (judged(report.errors()), grouped(report.errors()), "errors".to_owned()),
        (judged(report.diverged()), grouped(report.diverged()), "lost or diverged rows".to_owned()),
        ("", latency(all.value_at_quantile(0.5)), "median latency".to_owned()),
        ("", latency(all.value_at_quantile(0.99)), "99th percentile".to_owned()),
        ("", drains.max().map_or("–".to_owned(), duration), "longest drain of a flip".to_owned()),
    ];
    page.push_str("<div class=\"tiles\">\n");
    for (class, figure, name) in tiles {
        writeln!(page, "<div class=\"tile {class}\"><b>{figure}</b><span>{name}</span></div>").ok();
    }
    page.push_str("</div>\n");
}

fn faults(page: &mut String, report: &Report) {
    if report.is_good() {
        return;
    }
    page.push_str("<section class=\"card\"><h2>What went wrong</h2>\n<ul class=\"faults\">\n");
    if let Some((why, hint)) = &report.stopped {
        writeln!(page, "<li>{}<br><code>HINT: {}</code></li>", escaped(why), escaped(hint)).ok();
    }
    let listed = report.recording.errors.iter().chain(&report.recording.wrong);
    for (phase, fault) in listed {
        writeln!(page, "<li>{}</li>", fault_item(*phase, fault)).ok();
    }
    for sample in report.proof.iter().flat_map(|proof| &proof.samples) {
        writeln!(page, "<li>{}</li>", escaped(sample)).ok();
    }
    page.push_str("</ul></section>\n");
}

fn fault_item(phase: Phase, fault: &Fault) -> String {
    let line = escaped(&super::report::fault_line(phase, fault));
    format!("{line}<br><code>{}</code>", escaped(fault.statement))
}

fn phases(page: &mut String, report: &Report) {
    page.push_str(
        "<section class=\"card\"><h2>Phases</h2>\n<p class=\"note\">Latency is measured from the \
         moment at which a request was due, so a stall shows in every request that it kept \
         waiting.</p>\n<div class=\"scroll\"><table>\n<thead><tr><th>phase</th><th>requests</th>\
         <th>errors</th><th>p50</th><th>p99</th><th>p99.9</th><th>max</th></tr></thead>\n<tbody>\n",
    );
    for chapter in &report.recording.chapters {
        let phase = chapter.phase;
        let name = format!("<span class=\"chip {phase}\"></span>{phase}");
        row(page, &name, &chapter.latency, chapter.errors + chapter.wrong);
    }
    page.push_str("</tbody>\n<tfoot>\n");
    let bad = report.errors() + report.recording.wrong_count();
    row(page, "all", &report.recording.all_latencies(), bad);
    page.push_str("</tfoot>\n</table></div></section>\n");
}

fn row(page: &mut String, name: &str, latencies: &Histogram<u64>, errors: u64) {
    let class = if errors == 0 { "" } else { "bad" };
    write!(
        page,
        "<tr><td>{name}</td><td>{}</td><td class=\"{class}\">{}</td>",
        grouped(latencies.len()),
        grouped(errors),
    )
    .ok();
    for quantile in [0.5, 0.99, 0.999, 1.0] {
        let value = latencies.value_at_quantile(quantile);
        write!(page, "<td>{}</td>", latency(value)).ok();
    }
    page.push_str("</tr>\n");
}

fn flips(page: &mut String, report: &Report) {
    page.push_str(
        "<section class=\"card\"><h2>Flips</h2>\n<p class=\"note\">New transactions use the new \
         generation at once; the time is until the last transaction of the old one had ended.</p>\n\
         <table>\n<thead><tr><th>flip</th><th>at</th><th>swapped to drained</th></tr></thead>\n\
         <tbody>\n",
    );
    for flip in &report.recording.flips {
        writeln!(
            page,
            "<tr><td>{} → {}</td><td>{}</td><td>{}</td></tr>",
            flip.from,
            flip.to,
            duration(flip.at),
            duration(flip.drain),
        )
        .ok();
    }
    page.push_str("</tbody>\n</table></section>\n");
}

fn work(page: &mut String, report: &Report) {
    page.push_str(
        "<section class=\"card\"><h2>Work on schema and rows</h2>\n<p class=\"note\">Run directly on the \
         server while the application went on; strong locks were waited for a tenth of a second \
         at most.</p>\n<table>\n<thead><tr><th>step</th><th>at</th><th>took</th></tr></thead>\n\
         <tbody>\n",
    );
    for activity in &report.recording.activities {
        writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&activity.name),
            duration(activity.from),
            duration(activity.to.saturating_sub(activity.from)),
        )
        .ok();
    }
    page.push_str("</tbody>\n</table></section>\n");
}

fn footer(page: &mut String, report: &Report) {
    let proof = report.proof.as_ref().map_or_else(
        || "The rows could not be compared with the acknowledged writes.".to_owned(),
        |proof| {
            format!(
                "At the end all {} were compared with every write that the \
                 application saw acknowledged.",
                plural(proof.found, "row")
            )
        },
    );
    writeln!(
        page,
        "<footer>{proof} PostgreSQL {}, {} at the start, {} connections, commits wait for the \
         disk, seed {}. Server, proxy and application shared this machine.</footer>",
        escaped(&report.server),
        plural(report.rows.unsigned_abs(), "row"),
        report.connections,
        report.seed,
    )
    .ok();
}

#[cfg(test)]
mod tests;

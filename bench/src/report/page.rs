//! One HTML file that needs nothing else.

use std::fmt::Write as _;

use super::{Report, Table};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;\
color:#212529;background:#fff}h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.5rem}\
table{border-collapse:collapse;font-size:.85rem;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}\
td,th{padding:.25rem .6rem;border-bottom:1px solid #dee2e6;text-align:right;white-space:nowrap}\
td:first-child,th:first-child{text-align:left}.holds{color:#2b8a3e}.missed{color:#c92a2a}\
li{margin:.2rem 0}code{background:#f1f3f5;padding:.1rem .3rem;border-radius:3px}svg{max-width:100%;height:auto}\
.facts{color:#495057;font-size:.9rem}";

/// The report as a page.
pub(super) fn html(report: &Report) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n",
        title = escape(&report.title)
    );
    for line in report.machine.lines() {
        let shown = escape(&line);
        let shown = match shown.strip_prefix('`').and_then(|rest| rest.strip_suffix('`')) {
            Some(command) => format!("<code>{command}</code>"),
            None => shown,
        };
        let _ = writeln!(text, "<div class=\"facts\">{shown}</div>");
    }
    for note in &report.notes {
        let _ = writeln!(text, "<p>{}</p>", escape(note));
    }
    if !report.verdicts.is_empty() {
        text.push_str("<h2>Targets</h2>\n<ul>\n");
        for verdict in &report.verdicts {
            let class = if verdict.holds() { "holds" } else { "missed" };
            let _ = writeln!(text, "<li class=\"{class}\">{}</li>", escape(&verdict.line()));
        }
        text.push_str("</ul>\n");
    }
    for plot in &report.plots {
        let _ = writeln!(text, "<figure>{plot}</figure>");
    }
    for table in &report.tables {
        rows(&mut text, table);
    }
    text.push_str("</body></html>\n");
    text
}

fn rows(text: &mut String, table: &Table) {
    let _ = write!(text, "<h2>{}</h2>\n<table><tr><th></th>", escape(&table.title));
    for column in &table.columns {
        let _ = write!(text, "<th>{}</th>", escape(column));
    }
    text.push_str("</tr>\n");
    for row in &table.rows {
        let _ = write!(text, "<tr><td>{}</td>", escape(&row.name));
        for shown in table.shown(row) {
            let _ = write!(text, "<td>{}</td>", escape(&shown));
        }
        text.push_str("</tr>\n");
    }
    text.push_str("</table>\n");
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

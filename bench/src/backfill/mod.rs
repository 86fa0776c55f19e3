//! What a backfill costs: segue's beside the loops that are usually written, on one server in one run.
//!
//! `cargo run --release -p segue-bench -- backfill --rows 1000000,2000000` prints a table in
//! Markdown and, with `--plot FILE`, draws time over rows; `--kind` copies the half of a split table or merged tables instead of a
//! column. With `--clients` it measures instead what clients feel of a throttled backfill.

mod clients;
mod house;
mod subject;
mod ways;

use std::path::PathBuf;

use house::{House, Measured};
use subject::Kind;
use ways::Way;

use crate::fault::Fault;

/// What a backfill costs, beside the loops that are usually written
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Rows of the table, one run for each size
    #[arg(long, value_delimiter = ',', default_value = "1000000")]
    rows: Vec<i64>,
    /// What is copied
    #[arg(long, value_enum, default_value = "column")]
    kind: Kind,
    /// Ways to copy it; all, if none is named
    #[arg(long, value_enum, value_delimiter = ',')]
    ways: Vec<Way>,
    /// Sizes above which the ways that look at everything again and again are left out
    #[arg(long, default_value_t = 4_000_000)]
    naive_up_to: i64,
    /// An SVG of time over rows
    #[arg(long)]
    plot: Option<PathBuf>,
    /// What clients feel, at so many requests a second, instead
    #[arg(long, value_name = "RATE")]
    clients: Option<u32>,
}

pub(crate) async fn run(arguments: &Arguments) -> Result<(), Fault> {
    match arguments.clients {
        Some(rate) => {
            clients::measure(rate, arguments.rows.first().copied().unwrap_or(1_000_000)).await
        }
        None => compare(arguments).await,
    }
}

async fn compare(arguments: &Arguments) -> Result<(), Fault> {
    let ways = match arguments.ways.is_empty() {
        true => arguments.kind.subject().ways(),
        false => arguments.ways.clone(),
    };
    let house = House::start(arguments.kind.subject()).await?;
    let mut all = Vec::new();
    println!("{}", Measured::HEADER);
    for rows in &arguments.rows {
        house.seed(*rows).await?;
        for way in &ways {
            if way.is_naive() && *rows > arguments.naive_up_to {
                continue;
            }
            let measured = house.measure(*way, *rows).await?;
            println!("{}", measured.line());
            all.push(measured);
        }
        house.forget(*rows).await?;
    }
    if let Some(path) = &arguments.plot {
        std::fs::write(path, plot(&all))?;
    }
    house.stop().await;
    Ok(())
}

/// Seconds over rows, one line for each way.
fn plot(all: &[Measured]) -> String {
    const COLOURS: [&str; 6] = ["#0b7285", "#e8590c", "#862e9c", "#2b8a3e", "#495057", "#c92a2a"];
    const W: f64 = 720.0;
    const H: f64 = 420.0;
    const LEFT: f64 = 60.0;
    const FOOT: f64 = 40.0;
    let most = |value: fn(&Measured) -> f64| all.iter().map(value).fold(1.0, f64::max);
    let (rows, seconds) = (most(|it| it.million_rows()), most(|it| it.seconds));
    let place = |it: &Measured| {
        let x = LEFT + it.million_rows() / rows * (W - LEFT - 20.0);
        let y = H - FOOT - it.seconds / seconds * (H - FOOT - 20.0);
        (x, y)
    };
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {W} {H}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"{W}\" height=\"{H}\" fill=\"#fff\"/>\n\
         <path d=\"M{LEFT} 20V{foot}H{right}\" fill=\"none\" stroke=\"#868e96\"/>\n\
         <text x=\"{LEFT}\" y=\"14\">seconds (top: {seconds:.0})</text>\n\
         <text x=\"{right}\" y=\"{label}\" text-anchor=\"end\">million rows (right: {rows:.0})</text>\n",
        foot = H - FOOT,
        right = W - 20.0,
        label = H - 12.0,
    );
    for ((way, colour), line) in Way::ALL.iter().zip(COLOURS).zip(0..) {
        let of_way: Vec<&Measured> = all.iter().filter(|it| it.way == *way).collect();
        if of_way.is_empty() {
            continue;
        }
        let points: Vec<String> =
            of_way.iter().map(|it| place(it)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        text.push_str(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n",
            points.join(" ")
        ));
        for (x, y) in of_way.iter().map(|it| place(it)) {
            text.push_str(&format!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>\n"
            ));
        }
        text.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" fill=\"{colour}\">{}</text>\n",
            LEFT + 16.0,
            36 + line * 16,
            way.name()
        ));
    }
    text.push_str("</svg>\n");
    text
}

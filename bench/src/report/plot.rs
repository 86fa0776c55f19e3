//! Plots, drawn as SVG.

use plotters::coord::ranged1d::Ranged;
use plotters::prelude::*;

use crate::samples::{Samples, Spread};

const WIDTH: u32 = 1_000;

/// Height of a line of dots, and of what is above and below. Unit: pixels.
const LINE: u32 = 22;
const AROUND: u32 = 110;

/// Height of a plot of curves. Unit: pixels.
const HEIGHT: u32 = 380;

/// Room for the names of cells, and for those of the targets. Unit: pixels.
const NAMES: u32 = 210;
const LEGEND: u32 = 160;

/// Room for the figures beside curves. Unit: pixels.
const FIGURES: u32 = 70;

/// Room around everything, and before the names. Unit: pixels.
const MARGIN: u32 = 10;
const MARGIN_OF_LEGEND: i32 = 8;

const COLOURS: [RGBColor; 9] = [
    RGBColor(73, 80, 87),
    RGBColor(230, 119, 0),
    RGBColor(11, 114, 133),
    RGBColor(95, 61, 196),
    RGBColor(43, 138, 62),
    RGBColor(201, 42, 42),
    RGBColor(24, 100, 171),
    RGBColor(166, 30, 77),
    RGBColor(92, 148, 13),
];

/// Curves over one axis.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    pub(crate) title: String,
    pub(crate) x: String,
    pub(crate) y: String,
    /// Whether the axis goes by powers of ten.
    pub(crate) logarithmic: bool,
    pub(crate) curves: Vec<Curve>,
    /// Places on the axis that have a name.
    pub(crate) marks: Vec<(f64, String)>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

fn colour(number: usize) -> RGBColor {
    COLOURS.get(number % COLOURS.len()).copied().unwrap_or(BLACK)
}

/// Ratios as dots, with lines from the least to the most. `None` if there is nothing to show.
pub(super) fn dots(
    title: &str,
    cells: &[String],
    targets: &[String],
    samples: &Samples,
    to: &str,
) -> Option<String> {
    let mut all: Vec<(usize, usize, Spread)> = Vec::new();
    for (line, cell) in cells.iter().enumerate() {
        for (number, target) in targets.iter().enumerate() {
            all.extend(samples.ratio(cell, target, to).map(|ratio| (line, number, ratio)));
        }
    }
    let most = all.iter().map(|(_, _, ratio)| ratio.middle).fold(1.0, f64::max) * 1.08;
    let least = all.iter().map(|(_, _, ratio)| ratio.middle).fold(1.0, f64::min) * 0.92;
    if all.is_empty() {
        return None;
    }
    let mut text = String::new();
    let lines = u32::try_from(cells.len()).unwrap_or(1);
    let drawn = (|| {
        let area =
            SVGBackend::with_string(&mut text, (WIDTH, LINE * lines + AROUND)).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(title, ("sans-serif", 17))
            .margin(MARGIN)
            .set_label_area_size(LabelAreaPosition::Left, NAMES)
            .set_label_area_size(LabelAreaPosition::Right, LEGEND)
            .set_label_area_size(LabelAreaPosition::Bottom, 30)
            .build_cartesian_2d(least..most, f64::from(lines) - 0.5..-0.5)?;
        let name = |at: &f64| {
            let line = at.round();
            let whole = (line - at).abs() < 0.01;
            let cell = cells.iter().zip(0_u32..).find(|(_, number)| f64::from(*number) == line);
            cell.filter(|_| whole).map(|(cell, _)| cell.clone()).unwrap_or_default()
        };
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(cells.len() * 2)
            .y_label_formatter(&name)
            .x_label_formatter(&|ratio| format!("{ratio:.2}"))
            .label_style(("sans-serif", 13))
            .draw()?;
        let one = [(1.0, -0.5), (1.0, f64::from(lines) - 0.5)];
        chart.draw_series(LineSeries::new(one, BLACK.mix(0.5)))?;
        for (number, target) in targets.iter().enumerate() {
            let of_target: Vec<_> = all.iter().filter(|(_, it, _)| *it == number).collect();
            // Those of one cell stand a little above each other.
            let aside = spread_out(number, targets.len());
            let place = |line: usize| f64::from(u32::try_from(line).unwrap_or(0)) + aside;
            chart.draw_series(of_target.iter().map(|(line, _, ratio)| {
                let ends = [(ratio.least, place(*line)), (ratio.most, place(*line))];
                PathElement::new(ends, colour(number).mix(0.35))
            }))?;
            chart
                .draw_series(of_target.iter().map(|(line, _, ratio)| {
                    Circle::new((ratio.middle, place(*line)), 3, colour(number).filled())
                }))?
                .label(target)
                .legend(move |(x, y)| Circle::new((x + 8, y), 4, colour(number).filled()));
        }
        legend(&mut chart, NAMES)?;
        area.present()
    })();
    drawn.ok().map(|()| text)
}

/// Where on its line the dot of a target stands.
fn spread_out(number: usize, of: usize) -> f64 {
    let share = |count: usize| f64::from(u32::try_from(count).unwrap_or(0));
    (share(number) + 0.5) / share(of.max(1)) * 0.7 - 0.35
}

/// Curves. `None` if there is nothing to show.
pub(super) fn lines(lines: &Lines) -> Option<String> {
    let points = || lines.curves.iter().flat_map(|curve| &curve.points);
    let (first, last) =
        points().fold((f64::MAX, f64::MIN), |(first, last), (x, _)| (first.min(*x), last.max(*x)));
    let top = points().map(|(_, y)| *y).fold(0.0, f64::max) * 1.1;
    if first >= last || top <= 0.0 {
        return None;
    }
    let mut text = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
        let mut builder = ChartBuilder::on(&area);
        builder
            .caption(&lines.title, ("sans-serif", 17))
            .margin(MARGIN)
            .set_label_area_size(LabelAreaPosition::Left, FIGURES)
            .set_label_area_size(LabelAreaPosition::Right, LEGEND)
            .set_label_area_size(LabelAreaPosition::Bottom, 40);
        area.fill(&WHITE)
            .and_then(|()| match lines.logarithmic {
                true => draw(
                    &mut builder.build_cartesian_2d((first..last).log_scale(), 0.0..top)?,
                    lines,
                    top,
                ),
                false => draw(&mut builder.build_cartesian_2d(first..last, 0.0..top)?, lines, top),
            })
            .and_then(|()| area.present())
    };
    drawn.ok().map(|()| text)
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn draw<'a, X>(
    chart: &mut ChartContext<
        'a,
        SVGBackend<'a>,
        Cartesian2d<X, plotters::coord::types::RangedCoordf64>,
    >,
    lines: &Lines,
    top: f64,
) -> Drawn<'a>
where
    X: Ranged<ValueType = f64> + plotters::coord::ranged1d::ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .x_desc(&lines.x)
        .y_desc(&lines.y)
        .label_style(("sans-serif", 13))
        .light_line_style(WHITE)
        .draw()?;
    for (at, name) in &lines.marks {
        chart.draw_series(LineSeries::new([(*at, 0.0), (*at, top)], BLACK.mix(0.35)))?;
        let style = ("sans-serif", 12)
            .into_font()
            .transform(FontTransform::Rotate90)
            .color(&BLACK.mix(0.6));
        chart.draw_series(std::iter::once(Text::new(name.clone(), (*at, top), style)))?;
    }
    for (number, curve) in lines.curves.iter().enumerate() {
        chart
            .draw_series(LineSeries::new(
                curve.points.iter().copied(),
                colour(number).stroke_width(2),
            ))?
            .label(&curve.name)
            .legend(move |(x, y)| {
                PathElement::new([(x, y), (x + 16, y)], colour(number).stroke_width(2))
            });
        if curve.points.len() < 30 {
            chart.draw_series(
                curve.points.iter().map(|at| Circle::new(*at, 3, colour(number).filled())),
            )?;
        }
    }
    legend(chart, FIGURES)
}

/// Names beside the plot, which hide nothing of it. `left`: the room on its other side.
fn legend<'a, X, Y>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
    left: u32,
) -> Drawn<'a>
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    let width = WIDTH.saturating_sub(2 * MARGIN + left + LEGEND);
    let beside = i32::try_from(width).unwrap_or(0) + MARGIN_OF_LEGEND;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::Coordinate(beside, 0))
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .label_font(("sans-serif", 12))
        .draw()
}

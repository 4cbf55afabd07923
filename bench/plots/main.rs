//! Draws the plots of a report: `sockshim-bench-plots DIRECTORY`, with the data as JSON on standard input.
//!
//! Each plot has rows (variants), and in each row one point per series with its interval. See `bench/lib/report.py`.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use plotters::prelude::*;
use serde_json::Value;

const COLOURS: [RGBColor; 6] = [
    RGBColor(0x1f, 0x77, 0xb4),
    RGBColor(0xd6, 0x27, 0x28),
    RGBColor(0x2c, 0xa0, 0x2c),
    RGBColor(0xff, 0x7f, 0x0e),
    RGBColor(0x94, 0x67, 0xbd),
    RGBColor(0x5f, 0x5f, 0x5f),
];
const WIDTH: u32 = 900;
const ROW_HEIGHT: u32 = 46;
const FRAME_HEIGHT: u32 = 110;
const LABEL_WIDTH: u32 = 150;
const LEGEND_WIDTH: u32 = 130;

struct Point {
    row: usize,
    series: usize,
    low: f64,
    median: f64,
    high: f64,
}

struct Plot {
    file: String,
    title: String,
    logarithmic: bool,
    rows: Vec<String>,
    series: Vec<String>,
    points: Vec<Point>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory =
        std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: sockshim-bench-plots DIRECTORY")?;
    let plots: Vec<Value> = serde_json::from_reader(io::stdin())?;
    for plot in &plots {
        let plot = parse(plot).ok_or("the input does not have the form of plots")?;
        if !plot.points.is_empty() {
            draw(&plot, &directory)?;
        }
    }
    Ok(())
}

fn parse(value: &Value) -> Option<Plot> {
    let (mut rows, mut series, mut points) = (Vec::new(), Vec::new(), Vec::new());
    for point in value["points"].as_array()? {
        points.push(Point {
            row: place(&mut rows, point["row"].as_str()?),
            series: place(&mut series, point["series"].as_str()?),
            low: point["low"].as_f64()?,
            median: point["median"].as_f64()?,
            high: point["high"].as_f64()?,
        });
    }
    Some(Plot {
        file: value["file"].as_str()?.to_string(),
        title: value["title"].as_str()?.to_string(),
        logarithmic: value["logarithmic"].as_bool()?,
        rows,
        series,
        points,
    })
}

/// The name's index in the list, to which it is added if it is new.
fn place(names: &mut Vec<String>, name: &str) -> usize {
    names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_string());
        names.len() - 1
    })
}

/// A logarithmic axis is drawn as a linear one of logarithms, so that both kinds share their code.
fn draw(plot: &Plot, directory: &Path) -> Result<(), Box<dyn Error>> {
    let along = |value: f64| if plot.logarithmic { value.max(1e-6).log10() } else { value };
    let low = plot.points.iter().map(|point| along(point.low)).fold(0.0, f64::min);
    let high = plot.points.iter().map(|point| along(point.high)).fold(0.0, f64::max);
    let margin = ((high - low) * 0.05).max(0.01);

    let rows = plot.rows.len();
    let path = directory.join(&plot.file);
    let size = (WIDTH, FRAME_HEIGHT + ROW_HEIGHT * rows as u32);
    let area = SVGBackend::new(&path, size).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(&plot.title, ("sans-serif", 20))
        .margin(10)
        .margin_right(LEGEND_WIDTH)
        .x_label_area_size(30)
        .y_label_area_size(LABEL_WIDTH)
        .build_cartesian_2d(low - margin..high + margin, rows as f64..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .y_labels(0)
        .x_labels(8)
        .x_label_formatter(&|x| match plot.logarithmic {
            true if *x < 1.0 => format!("{:.2}", 10_f64.powf(*x)),
            true => format!("{:.0}", 10_f64.powf(*x)),
            false => format!("{x:.0}"),
        })
        .draw()?;
    // The line of no cost: a ratio of one, or a difference of zero.
    chart.draw_series([PathElement::new([(0.0, 0.0), (0.0, rows as f64)], BLACK.mix(0.5))])?;

    let step = 0.8 / plot.series.len() as f64;
    for (series, name) in plot.series.iter().enumerate() {
        let colour = COLOURS[series % COLOURS.len()];
        let points = plot.points.iter().filter(|point| point.series == series);
        let marks = points.flat_map(|point| {
            let y = point.row as f64 + 0.1 + step * (series as f64 + 0.5);
            let line =
                PathElement::new([(along(point.low), y), (along(point.high), y)], colour.stroke_width(2));
            [line.into_dyn(), Circle::new((along(point.median), y), 3, colour.filled()).into_dyn()]
        });
        chart.draw_series(marks)?;
        // Beside the plot, where it hides no point.
        let y = 50 + 20 * series as i32;
        area.draw(&Circle::new(((WIDTH - LEGEND_WIDTH) as i32 + 16, y), 4, colour.filled()))?;
        area.draw(&Text::new(
            name.as_str(),
            ((WIDTH - LEGEND_WIDTH) as i32 + 28, y - 6),
            ("sans-serif", 13),
        ))?;
    }
    let top = chart.plotting_area().get_y_axis_pixel_range().start;
    let bottom = chart.plotting_area().get_y_axis_pixel_range().end;
    for (row, name) in plot.rows.iter().enumerate() {
        let y = top + (bottom - top) * (2 * row as i32 + 1) / (2 * rows as i32) - 7;
        area.draw(&Text::new(name.as_str(), (12, y), ("sans-serif", 14)))?;
    }
    area.present()?;
    Ok(())
}

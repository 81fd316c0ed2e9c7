//! Draws panels of lines, side by side, as SVG: on a ground of its own, so that a page may be light
//! or dark. Decides places and colours; the same lines give the same bytes.

use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::figures::Waits;

/// Distinct to most eyes, and dark enough on white (Okabe and Ito).
const COLOURS: [RGBColor; 4] = [
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
];
const GROUND: RGBColor = RGBColor(255, 255, 255);
const INK: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(225, 225, 225);
const WIDTH: u32 = 1_000;
const HEIGHT: u32 = 420;

/// A picture.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Its file's name, without the ending.
    pub file: &'static str,
    /// One line above it.
    pub title: &'static str,
    /// From left to right. The legend is the first one's.
    pub panels: Vec<Panel>,
}

/// Lines over one axis.
#[derive(Clone, Debug)]
pub struct Panel {
    title: &'static str,
    x_name: &'static str,
    x: Vec<u32>,
    y_name: &'static str,
    lines: Vec<Line>,
    logarithmic: bool,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Solid,
    Dashed,
    Bound,
}

/// One line, a value for each place of the axis.
#[derive(Clone, Debug)]
pub struct Line {
    name: String,
    colour: RGBColor,
    style: Style,
    values: Vec<u64>,
}

impl Line {
    /// p99 and p50 of the same.
    pub fn pair(name: &str, colour: usize, waits: &[Waits]) -> [Self; 2] {
        let line = |kind: &str, style, of: fn(&Waits) -> u64| Self {
            name: format!("{name}, {kind}"),
            colour: COLOURS[colour % COLOURS.len()],
            style,
            values: waits.iter().map(of).collect(),
        };
        [
            line("p99", Style::Solid, Waits::p99),
            line("p50", Style::Dashed, Waits::p50),
        ]
    }

    /// One line.
    pub fn plain(name: &str, colour: usize, values: impl Iterator<Item = u64>) -> Self {
        Self {
            name: name.to_owned(),
            colour: COLOURS[colour % COLOURS.len()],
            style: Style::Solid,
            values: values.collect(),
        }
    }

    /// What should not be exceeded.
    pub fn bound(name: &str, values: impl IntoIterator<Item = u64>) -> Self {
        Self {
            name: name.to_owned(),
            colour: INK,
            style: Style::Bound,
            values: values.into_iter().collect(),
        }
    }

    fn points(&self) -> Vec<(i32, i32)> {
        let value = |value: &u64| i32::try_from(*value).unwrap_or(i32::MAX);
        (0..).zip(self.values.iter().map(value)).collect()
    }
}

impl Panel {
    /// Lines over the places `x`, evenly apart.
    pub fn new(
        title: &'static str,
        x_name: &'static str,
        x: &[u32],
        y_name: &'static str,
        lines: Vec<Line>,
    ) -> Self {
        Self {
            title,
            x_name,
            x: x.to_vec(),
            y_name,
            lines,
            logarithmic: false,
        }
    }

    /// The same with powers of ten at equal distances.
    #[must_use]
    pub fn logarithmic(self) -> Self {
        Self {
            logarithmic: true,
            ..self
        }
    }

    fn highest(&self) -> i32 {
        let values = self.lines.iter().flat_map(|line| &line.values);
        let highest = values.max().copied().unwrap_or(0).max(10);
        i32::try_from(highest + highest / 10).unwrap_or(i32::MAX)
    }
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;
/// Drawing into a string cannot fail.
const DRAWN: &str = "text is written into memory";

impl Plot {
    /// The picture.
    pub fn svg(&self) -> String {
        let mut svg = String::new();
        {
            let root = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
            root.fill(&GROUND).expect(DRAWN);
            write(&root, self.title, (20, 12), 19, HPos::Left);
            let lines = &self.panels[0].lines;
            let legend = legend(&root, lines);
            let (_, below) = root.split_vertically(legend);
            let areas = below.split_evenly((1, self.panels.len()));
            for (panel, area) in self.panels.iter().zip(&areas) {
                draw(panel, area);
            }
            root.present().expect(DRAWN);
        }
        svg
    }
}

fn write(area: &Canvas<'_>, text: &str, at: (i32, i32), size: u32, side: HPos) {
    let style = ("sans-serif", size)
        .into_font()
        .color(&INK)
        .pos(Pos::new(side, VPos::Top));
    area.draw(&Text::new(text.to_owned(), at, style))
        .expect(DRAWN);
}

/// Names the lines above the panels, in columns. Returns where it ends.
fn legend(area: &Canvas<'_>, lines: &[Line]) -> i32 {
    const COLUMN: i32 = 240;
    let columns = 4;
    let (mut x, mut y) = (20, 44);
    for (index, line) in lines.iter().enumerate() {
        if index > 0 && index % columns == 0 {
            (x, y) = (20, y + 20);
        }
        stroke(area, line, vec![(x, y + 7), (x + 34, y + 7)]);
        write(area, &line.name, (x + 42, y), 14, HPos::Left);
        x += COLUMN;
    }
    y + 28
}

fn stroke(area: &Canvas<'_>, line: &Line, points: Vec<(i32, i32)>) {
    let colour = line.colour;
    match line.style {
        Style::Solid => area.draw(&PathElement::new(points, colour.stroke_width(2))),
        Style::Dashed => area.draw(&DashedPathElement::new(
            points,
            6,
            4,
            colour.stroke_width(2),
        )),
        Style::Bound => area.draw(&DashedPathElement::new(
            points,
            2,
            4,
            colour.stroke_width(2),
        )),
    }
    .expect(DRAWN);
}

fn draw(panel: &Panel, area: &Canvas<'_>) {
    let last = i32::try_from(panel.x.len()).unwrap_or(1) - 1;
    match panel.logarithmic {
        true => chart(panel, area, last, (10..panel.highest()).log_scale()),
        false => chart(panel, area, last, 0..panel.highest()),
    }
}

fn chart<Y>(panel: &Panel, area: &Canvas<'_>, last: i32, y: Y)
where
    Y: AsRangedCoord<Value = i32>,
    Y::CoordDescType: Ranged<ValueType = i32> + ValueFormatter<i32>,
{
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, ("sans-serif", 16).into_font().color(&INK))
        .margin(12)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(0..last, y)
        .expect(DRAWN);
    let name_of = |place: &i32| {
        let x = usize::try_from(*place).ok().and_then(|at| panel.x.get(at));
        x.map(u32::to_string).unwrap_or_default()
    };
    chart
        .configure_mesh()
        .x_labels(panel.x.len())
        .y_labels(8)
        .x_label_formatter(&name_of)
        .x_desc(panel.x_name)
        .y_desc(panel.y_name)
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(GROUND)
        .label_style(("sans-serif", 13).into_font().color(&INK))
        .axis_desc_style(("sans-serif", 14).into_font().color(&INK))
        .draw()
        .expect(DRAWN);
    for line in &panel.lines {
        let style = line.colour.stroke_width(2);
        match line.style {
            Style::Solid => {
                let dots = line.points().into_iter();
                let dots = dots.map(|point| Circle::new(point, 3, line.colour.filled()));
                chart.draw_series(dots).expect(DRAWN);
                chart
                    .draw_series(LineSeries::new(line.points(), style))
                    .map(drop)
            }
            Style::Dashed => chart
                .draw_series(DashedLineSeries::new(line.points(), 6, 4, style))
                .map(drop),
            Style::Bound => chart
                .draw_series(DashedLineSeries::new(line.points(), 2, 4, style))
                .map(drop),
        }
        .expect(DRAWN);
    }
}

//! One measured figure: its line in the table and its JSON.

use serde_json::{Value, json};

/// A value with the aim it is held against, if it has one.
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: String,
    /// In the same unit: a bound, or what a peer does in the same run.
    aim: Option<f64>,
    /// Whether the aim is met. Without an aim there is nothing to meet.
    ok: Option<bool>,
}

impl Figure {
    /// A figure to know, without an aim.
    pub(crate) fn plain(name: &str, value: f64, unit: &str) -> Self {
        Self {
            name: name.to_owned(),
            value,
            unit: unit.to_owned(),
            aim: None,
            ok: None,
        }
    }

    /// A figure that should not exceed its aim.
    pub(crate) fn at_most(name: &str, value: f64, unit: &str, aim: f64) -> Self {
        Self {
            aim: Some(aim),
            ok: Some(value <= aim),
            ..Self::plain(name, value, unit)
        }
    }

    /// Reads the JSON line of a bench: name, value and unit; aim may be missing or null, ok is the bench's judgement.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let fields: Value = serde_json::from_str(line).ok()?;
        let figure = Self::plain(
            fields["name"].as_str()?,
            fields["value"].as_f64()?,
            fields["unit"].as_str()?,
        );
        Some(Self {
            aim: fields["aim"].as_f64(),
            ok: fields["ok"].as_bool(),
            ..figure
        })
    }

    /// The figure as a JSON line.
    pub(crate) fn json(&self) -> String {
        let Self {
            name,
            value,
            unit,
            aim,
            ok,
        } = self;
        json!({ "name": name, "value": value, "unit": unit, "aim": aim, "ok": ok }).to_string()
    }

    /// The figure as a row of the table.
    pub(crate) fn row(&self) -> String {
        let aim = self.aim.map(number).unwrap_or_default();
        // To an aim of zero there is none.
        let ratio = self
            .aim
            .filter(|aim| *aim != 0.0)
            .map(|aim| format!("{:.2}", self.value / aim))
            .unwrap_or_default();
        let ok = match self.ok {
            Some(true) => "ok",
            Some(false) => "MISSED",
            None => "",
        };
        format!(
            "{:<58} {:>10} {:<6} {aim:>10} {ratio:>6}  {ok}",
            self.name,
            number(self.value),
            self.unit
        )
    }
}

/// What the columns of the rows are.
pub(crate) fn heading() -> String {
    format!(
        "{:<58} {:>10} {:<6} {:>10} {:>6}",
        "figure", "value", "unit", "aim", "ratio"
    )
}

/// Three digits that matter, no more.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_survives_its_json_and_tells_a_missed_aim() {
        let missed = Figure::at_most("wasm size", 130.0, "KB", 120.0);
        assert_eq!(missed.ok, Some(false));
        assert!(missed.row().ends_with("1.08  MISSED"), "{}", missed.row());
        let none = Figure::at_most("lost", 0.0, "", 0.0).row();
        assert!(none.ends_with("ok") && !none.contains("NaN"), "{none}");
        let read = Figure::parse(&missed.json()).expect("its own JSON");
        assert_eq!(read.json(), missed.json());
        assert!(Figure::parse("listening on 8787").is_none());
    }
}

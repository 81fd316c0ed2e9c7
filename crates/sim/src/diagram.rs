//! Draws what happened between a few parties as a sequence diagram, in SVG, for light and dark pages.
//!
//! Decides places and colours; the same events give the same bytes. Knows nothing of what is drawn: a trace of a model
//! or of a run is told to it as [`Event`]s.

use svg::Document;
use svg::node::element::{Group, Line, Path, Rectangle, Style, Text, Title};

/// A picture.
#[derive(Clone, Debug)]
pub struct Diagram {
    /// One line above it.
    pub title: String,
    /// The parties, from left to right.
    pub parties: Vec<String>,
    /// What happened, from top to bottom.
    pub events: Vec<Event>,
}

/// Something that happened. Parties are named by their place.
#[derive(Clone, Debug)]
pub enum Event {
    /// One party asks another and is answered, or only tells it something if the answer is empty.
    Call {
        /// Who asks.
        from: usize,
        /// Who is asked.
        to: usize,
        /// What.
        text: String,
        /// What comes back.
        answer: String,
        /// How it is drawn.
        tone: Tone,
    },
    /// The party does nothing from here on.
    Pauses(usize),
    /// It goes on.
    Resumes(usize),
    /// Something to be seen at first sight, across all parties.
    Note(String, Tone),
}

/// What a reader should think of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// Nothing.
    Plain,
    /// As it should be.
    Good,
    /// Here it goes wrong.
    Bad,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Bad => "bad",
        }
    }
}

// All in pixels of a picture shown at its own size.
/// Ten times the width of a letter of a monospaced font of 13 pixels, rounded up: fonts differ a little.
const LETTER_TENTHS: i32 = 80;
const MARGIN: i32 = 20;
const TITLE_BASE: i32 = 32;
const HEAD_TOP: i32 = 52;
const HEAD_HEIGHT: i32 = 30;
const FIRST_ROW: i32 = HEAD_TOP + HEAD_HEIGHT + 10;
const LEAST_GAP: i32 = 150;
/// Beside a lifeline, for the word at a pause.
const PAUSE_ROOM: i32 = 64;
const PAUSE_WIDTH: i32 = 10;
const ASK_HEIGHT: i32 = 28;
const ANSWER_HEIGHT: i32 = 22;
const NOTE_HEIGHT: i32 = 40;

/// Its own background, so that it can be read on any page; dark where the reader's system is.
const STYLE: &str = "
text{font:13px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#1f2328;text-anchor:middle}
.title{font-weight:bold;text-anchor:start}
.page{fill:#fff}
.head{fill:#f6f8fa;stroke:#59636e}
.life{stroke:#818b98;stroke-dasharray:2 4}
.arrow{fill:none;stroke-width:1.5}.answer{stroke-dasharray:5 3}
.plain.arrow{stroke:#59636e}.plain.tip{fill:#59636e}
.good.arrow{stroke:#1a7f37}.good.tip{fill:#1a7f37}text.good{fill:#1a7f37;font-weight:bold}
.bad.arrow{stroke:#cf222e;stroke-width:2.5}.bad.tip{fill:#cf222e}text.bad{fill:#cf222e;font-weight:bold}
.plain.note{fill:#f6f8fa;stroke:#59636e}.good.note{fill:#dafbe1;stroke:#1a7f37}.bad.note{fill:#ffebe9;stroke:#cf222e;stroke-width:2}
.pause{fill:#fff8c5;stroke:#9a6700}text.pause{fill:#7d4e00;stroke:none}
@media(prefers-color-scheme:dark){
text{fill:#f0f6fc}.page{fill:#0d1117}.head{fill:#212830;stroke:#9198a1}.life{stroke:#656c76}
.plain.arrow{stroke:#9198a1}.plain.tip{fill:#9198a1}
.good.arrow{stroke:#3fb950}.good.tip{fill:#3fb950}text.good{fill:#56d364}
.bad.arrow{stroke:#f85149}.bad.tip{fill:#f85149}text.bad{fill:#ff7b72}
.plain.note{fill:#212830;stroke:#9198a1}.good.note{fill:#12261e;stroke:#3fb950}.bad.note{fill:#3c1618;stroke:#f85149}
.pause{fill:#3b2e0a;stroke:#d29922}text.pause{fill:#e3b341}}
";

impl Diagram {
    /// The picture.
    pub fn svg(&self) -> String {
        let layout = Layout::new(self);
        let (width, height) = (layout.width, layout.height);
        let mut page = Document::new()
            .set("viewBox", (0, 0, width, height))
            .set("width", width)
            .set("height", height)
            .set("role", "img")
            .add(Title::new(self.title.as_str()))
            .add(Style::new(STYLE))
            .add(rectangle(0, 0, width, height, "page"))
            .add(words(&self.title, MARGIN, TITLE_BASE, "title"));
        for (party, name) in self.parties.iter().enumerate() {
            let x = layout.x[party];
            let life = line(x, HEAD_TOP + HEAD_HEIGHT, x, height - 10).set("class", "life");
            let half = text_width(name) / 2 + 14;
            page = page
                .add(life)
                .add(rectangle(x - half, HEAD_TOP, 2 * half, HEAD_HEIGHT, "head"))
                .add(words(name, x, HEAD_TOP + 20, "name"));
        }
        for pause in layout.pauses(self) {
            page = page.add(pause);
        }
        for (event, row) in self.events.iter().zip(&layout.rows) {
            page = match event {
                Event::Call {
                    from,
                    to,
                    text,
                    answer,
                    tone,
                } => page.add(layout.call(*from, *to, *row, text, answer, *tone)),
                Event::Note(text, tone) => page.add(layout.note(*row, text, *tone)),
                Event::Pauses(_) | Event::Resumes(_) => page,
            };
        }
        format!("{page}\n")
    }
}

/// Where everything is.
struct Layout {
    /// Of each party's lifeline.
    x: Vec<i32>,
    /// The top of each event.
    rows: Vec<i32>,
    width: i32,
    height: i32,
}

impl Layout {
    fn new(diagram: &Diagram) -> Self {
        let mut rows = Vec::new();
        let mut y = FIRST_ROW;
        for event in &diagram.events {
            rows.push(y);
            y += height(event);
        }
        let heads = |party: usize| {
            diagram
                .parties
                .get(party)
                .map_or(0, |name| text_width(name) / 2 + 24)
        };
        let first = MARGIN + heads(0).max(PAUSE_ROOM);
        let mut x = vec![first];
        for right in 1..diagram.parties.len() {
            let gap = LEAST_GAP.max(heads(right - 1) + heads(right));
            x.push(x[right - 1] + widest(diagram, right, gap));
        }
        let last = diagram.parties.len().saturating_sub(1);
        let notes = diagram.events.iter().map(|event| match event {
            Event::Note(text, _) => text_width(text) + 4 * MARGIN,
            _ => 0,
        });
        let parties = x[last] + heads(last).max(PAUSE_ROOM) + MARGIN;
        let least = notes
            .max()
            .unwrap_or(0)
            .max(text_width(&diagram.title) + 2 * MARGIN);
        let aside = (least - parties).max(0) / 2;
        x.iter_mut().for_each(|x| *x += aside);
        Self {
            x,
            rows,
            width: parties.max(least),
            height: y + MARGIN,
        }
    }

    fn call(
        &self,
        from: usize,
        to: usize,
        row: i32,
        text: &str,
        answer: &str,
        tone: Tone,
    ) -> Group {
        let (start, end) = (self.x[from], self.x[to]);
        let middle = (start + end) / 2;
        let y = row + ASK_HEIGHT - 6;
        let group = Group::new()
            .add(words(text, middle, y - 6, tone.class()))
            .add(arrow(start, end, y, "arrow", tone));
        if answer.is_empty() {
            return group;
        }
        let y = y + ANSWER_HEIGHT;
        group
            .add(words(answer, middle, y - 6, tone.class()))
            .add(arrow(end, start, y, "arrow answer", tone))
    }

    fn note(&self, row: i32, text: &str, tone: Tone) -> Group {
        let class = format!("{} note", tone.class());
        let wide = self.width - 2 * MARGIN;
        Group::new()
            .add(rectangle(MARGIN, row + 6, wide, NOTE_HEIGHT - 12, &class))
            .add(words(text, self.width / 2, row + 25, tone.class()))
    }

    /// A bar on the lifeline from where the party rests to where it goes on, or to the end.
    fn pauses(&self, diagram: &Diagram) -> Vec<Group> {
        let mut bars = Vec::new();
        for (place, event) in diagram.events.iter().enumerate() {
            let Event::Pauses(party) = event else {
                continue;
            };
            let mut later = diagram.events.iter().enumerate().skip(place);
            let end = later
                .find(|(_, event)| matches!(event, Event::Resumes(other) if other == party))
                .map_or(self.height - 10, |(place, _)| self.rows[place]);
            let (x, top) = (self.x[*party], self.rows[place] + 4);
            let outside = if *party == 0 { -1 } else { 1 };
            let bar = rectangle(
                x - PAUSE_WIDTH / 2,
                top,
                PAUSE_WIDTH,
                end - 2 - top,
                "pause",
            );
            let word = words(
                "pauses",
                x + outside * PAUSE_ROOM / 2 + outside * 6,
                (top + end) / 2 + 3,
                "pause",
            );
            bars.push(Group::new().add(bar).add(word));
        }
        bars
    }
}

fn height(event: &Event) -> i32 {
    match event {
        Event::Call { answer, .. } if answer.is_empty() => ASK_HEIGHT,
        Event::Call { .. } => ASK_HEIGHT + ANSWER_HEIGHT,
        Event::Note(..) => NOTE_HEIGHT,
        Event::Pauses(_) | Event::Resumes(_) => 0,
    }
}

/// The gap before `right` that what is said across it needs, at least `gap`.
fn widest(diagram: &Diagram, right: usize, gap: i32) -> i32 {
    let needed = diagram.events.iter().filter_map(|event| match event {
        Event::Call {
            from,
            to,
            text,
            answer,
            ..
        } => {
            let (low, high) = (*from.min(to), *from.max(to));
            let spans = i32::try_from(high - low).unwrap_or(1).max(1);
            let wide = text_width(text).max(text_width(answer)) + 44;
            (low < right && right <= high).then_some(wide / spans)
        }
        _ => None,
    });
    needed.fold(gap, i32::max)
}

fn text_width(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(0) * LETTER_TENTHS / 10
}

fn words(text: &str, x: i32, y: i32, class: &str) -> Text {
    Text::new(text).set("x", x).set("y", y).set("class", class)
}

fn rectangle(x: i32, y: i32, width: i32, height: i32, class: &str) -> Rectangle {
    Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", width)
        .set("height", height)
        .set("rx", if class == "page" { 0 } else { 4 })
        .set("class", class)
}

fn line(from_x: i32, from_y: i32, to_x: i32, to_y: i32) -> Line {
    Line::new()
        .set("x1", from_x)
        .set("y1", from_y)
        .set("x2", to_x)
        .set("y2", to_y)
}

fn arrow(from: i32, to: i32, y: i32, class: &str, tone: Tone) -> Group {
    let back = if to > from { -1 } else { 1 };
    let shaft = line(from, y, to + 6 * back, y).set("class", format!("{} {class}", tone.class()));
    let (barb, high, low) = (to + 9 * back, y - 5, y + 5);
    let tip = Path::new()
        .set("d", format!("M{to} {y}L{barb} {high}L{barb} {low}Z"))
        .set("class", format!("{} tip", tone.class()));
    Group::new().add(shaft).add(tip)
}

//! Diagnostics as text: drawn for a person at a terminal, one greppable line and a snippet each otherwise.

use std::fmt;
use std::io::IsTerminal;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::diagnostic::{Diagnostic, Diagnostics};
use super::source::{Place, Sources};

/// How to show diagnostics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Box-drawing characters, coloured if asked for.
    Fancy { colour: bool, width: usize },
    /// `FILE:LINE:COLUMN: error: ..` with the line below, for logs, pipes and editors.
    Plain,
}

impl Style {
    /// The style for standard error as it is now: fancy on a terminal, without colour if `NO_COLOR` is set.
    pub fn for_stderr() -> Self {
        if std::io::stderr().is_terminal() {
            let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            Style::Fancy { colour, width: 100 }
        } else {
            Style::Plain
        }
    }
}

/// More problems than this are counted, not shown: by then the file is another sort of file.
const MOST_SHOWN: usize = 50;

/// A longer line is not shown: it would push everything else off the screen.
const LONGEST_LINE: usize = 300;

impl Diagnostics {
    /// All problems as text, in the order of the manifest, ending with how many there are.
    pub fn render(&self, style: Style) -> String {
        let mut text = String::new();
        for diagnostic in self.iter().take(MOST_SHOWN) {
            match style {
                Style::Plain => plain(diagnostic, &self.sources, &mut text),
                Style::Fancy { colour, width } => {
                    fancy(diagnostic, &self.sources, colour, width, &mut text)
                }
            }
            text.push('\n');
        }
        if self.len() > MOST_SHOWN {
            text.push_str(&format!("and {} more\n", self.len() - MOST_SHOWN));
        }
        let noun = if self.len() == 1 { "error" } else { "errors" };
        text.push_str(&format!("{} {noun}\n", self.len()));
        text
    }
}

fn plain(diagnostic: &Diagnostic, sources: &Sources, text: &mut String) {
    match diagnostic.place() {
        Some(place) => text.push_str(&format!(
            "{}: error: {}\n",
            location(place, sources),
            diagnostic.message
        )),
        None => text.push_str(&format!("error: {}\n", diagnostic.message)),
    }
    for (index, (place, label)) in diagnostic.labels.iter().enumerate() {
        if index > 0 {
            text.push_str(&format!("  and at {}:\n", location(place, sources)));
        }
        let line = sources.line(place);
        if line.len() > LONGEST_LINE {
            continue;
        }
        let (number, column) = sources.line_and_column(place);
        let gutter = number.to_string();
        let length = written_length(place, sources)
            .clamp(1, (line.chars().count() + 2).saturating_sub(column).max(1));
        let underline = "^".repeat(length);
        let indent: String = line
            .chars()
            .take(column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let blank = " ".repeat(gutter.len());
        text.push_str(&format!(
            "  {gutter} | {line}\n  {blank} | {indent}{underline} {label}\n"
        ));
    }
    if let Some(help) = &diagnostic.help {
        text.push_str(&format!("  help: {}\n", help.replace('\n', "\n        ")));
    }
}

fn location(place: &Place, sources: &Sources) -> String {
    let (line, column) = sources.line_and_column(place);
    format!("{}:{line}:{column}", sources.get(place).name)
}

fn written_length(place: &Place, sources: &Sources) -> usize {
    let place = sources.clamp(place);
    sources.get(&place).text[place.start..place.end]
        .chars()
        .count()
}

fn fancy(
    diagnostic: &Diagnostic,
    sources: &Sources,
    colour: bool,
    width: usize,
    text: &mut String,
) {
    let theme = if colour {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let report = Report::new(diagnostic, sources);
    GraphicalReportHandler::new_themed(theme)
        .with_width(width)
        .with_links(false)
        .render_report(text, &report)
        .expect("writing to a string cannot fail");
}

/// A diagnostic as miette wants it: one source, spans into it.
struct Report {
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
}

impl Report {
    fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let mut report = Self {
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            source: None,
            labels: Vec::new(),
        };
        let Some(main) = diagnostic.place() else {
            return report;
        };
        if diagnostic
            .labels
            .iter()
            .any(|(place, _)| sources.line(place).len() > LONGEST_LINE)
        {
            report.message = format!("{}: {}", location(main, sources), report.message);
            return report;
        }
        let source = sources.get(main);
        report.source = Some(NamedSource::new(&source.name, source.text.clone()));
        for (index, (place, label)) in diagnostic.labels.iter().enumerate() {
            if place.source != main.source {
                let note = format!("{label} at {}", location(place, sources));
                report.help = Some(
                    report
                        .help
                        .map_or(note.clone(), |help| format!("{help}\n{note}")),
                );
                continue;
            }
            let place = sources.clamp(place);
            let span = (place.start, place.end - place.start);
            report.labels.push(match index {
                0 => LabeledSpan::new_primary_with_span(Some(label.clone()), span),
                _ => LabeledSpan::new_with_span(Some(label.clone()), span),
            });
        }
        report
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl miette::Diagnostic for Report {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

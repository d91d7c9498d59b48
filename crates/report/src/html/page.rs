//! The document.

use super::cells::Cell;
use super::digest::Digest;
use super::figures::{Panel, Section, View};
use super::{LeftOut, runs};
use crate::charts::{Attribute, Markup};
use std::collections::BTreeSet;

const STYLE: &str = include_str!("style.css");
pub(super) const SCRIPT: &str = include_str!("script.js");
/// What the document may do: use its own style, and its own script by its SHA-256, and nothing from
/// elsewhere.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
    script-src 'sha256-enUZRGEE+Vqi3PX1D6SqfliUjVxY3jb5XBuBUwTdre4='";
/// What a report begins with, and other files do not.
pub const GENERATOR: &str = "vswarm-u report";

pub(super) fn page(
    title: &str,
    runs: &[Digest],
    cells: &[Cell<'_>],
    left_out: &[LeftOut],
    sections: &[Section],
) -> String {
    let mut html = Markup::new();
    html.constant("<!DOCTYPE html>\n");
    html.element("html", &[("lang", &"en")], |html| {
        html.element("head", &[], |html| head(html, title));
        html.line_end();
        html.element("body", &[], |html| {
            html.element("header", &[], |html| header(html, title, runs, cells, sections));
            html.element("main", &[], |html| {
                overview(html, runs, left_out);
                for section in sections {
                    figures(html, section);
                }
            });
            html.element("script", &[], |html| html.constant(SCRIPT));
        });
    });
    html.into_string() + "\n"
}

fn head(html: &mut Markup, title: &str) {
    html.line_end();
    html.empty("meta", &[("charset", &"utf-8")]);
    html.empty("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &POLICY)]);
    html.empty("meta", &[("name", &"generator"), ("content", &GENERATOR)]);
    let fits: Attribute<'_> = ("content", &"width=device-width, initial-scale=1");
    html.empty("meta", &[("name", &"viewport"), fits]);
    html.empty("meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
    // Without one, browsers ask for a file.
    html.empty("link", &[("rel", &"icon"), ("href", &"data:,")]);
    html.words("title", &[], &format!("{title}: results"));
    html.line_end();
    html.element("style", &[], |html| html.constant(STYLE));
}

fn header(
    html: &mut Markup,
    title: &str,
    runs: &[Digest],
    cells: &[Cell<'_>],
    sections: &[Section],
) {
    html.words("h1", &[], title);
    let distinct = |of: fn(&Digest) -> &str| runs.iter().map(of).collect::<BTreeSet<_>>();
    let functions = distinct(|run| &run.function).len();
    let systems = distinct(|run| &run.system).len();
    let invocations: usize = runs.iter().map(|run| run.invocations).sum();
    let text = format!(
        "{} of {} on {}: {invocations} measured invocations under {}. Made by vSwarm-µ {}.",
        counted(runs.len(), "run", "runs"),
        counted(functions, "function", "functions"),
        counted(systems, "system", "systems"),
        counted(cells.len(), "condition", "conditions"),
        distinct(|run| &run.version).into_iter().collect::<Vec<_>>().join(", "),
    );
    html.words("p", &[], &text);
    html.element("nav", &[], |html| {
        html.words("a", &[("href", &"#overview")], "Runs");
        for section in sections {
            html.words("a", &[("href", &format!("#{}", section.id))], section.title);
        }
    });
    html.line_end();
}

fn counted(count: usize, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn overview(html: &mut Markup, runs: &[Digest], left_out: &[LeftOut]) {
    html.element("section", &[("id", &"overview")], |html| {
        html.words("h2", &[], "Runs");
        let about = "Means over the invocations that succeeded. L1I to branch: misses for 1000 \
                     instructions. A click on a title sorts.";
        html.words("p", &[], about);
        html.element("div", &[("class", &"wide")], |html| runs::table(html, runs));
        if !left_out.is_empty() {
            html.words("h3", &[], "Left out");
            html.element("ul", &[("id", &"left-out")], |html| {
                for LeftOut { name, reason } in left_out {
                    html.words("li", &[], &format!("{name}: {reason}"));
                }
            });
        }
    });
    html.line_end();
}

fn figures(html: &mut Markup, section: &Section) {
    html.element("section", &[("id", &section.id)], |html| {
        html.words("h2", &[], section.title);
        html.words("p", &[], section.about);
        for (index, panel) in section.panels.iter().enumerate() {
            html.words("h3", &[], &panel.system);
            let name = format!("{}-{index}", section.id);
            html.element("div", &[("class", &"views")], |html| views(html, &name, panel));
        }
    });
    html.line_end();
}

/// The views of a panel, with a switch where there are several.
fn views(html: &mut Markup, name: &str, panel: &Panel) {
    if panel.views.len() > 1 {
        for (index, view) in panel.views.iter().enumerate() {
            let id = format!("{}-view", view.chart.slug());
            let base: [Attribute<'_>; 3] = [("type", &"radio"), ("name", &name), ("id", &id)];
            let [kind, name, id_of] = base;
            match index {
                0 => html.empty("input", &[kind, name, id_of, ("checked", &"checked")]),
                _ => html.empty("input", &base),
            }
            html.words("label", &[("for", &id)], view.label);
        }
    }
    for view in &panel.views {
        html.element("figure", &[], |html| figure(html, view));
        html.line_end();
    }
}

fn figure(html: &mut Markup, view: &View) {
    let svg = view.chart.draw().svg;
    html.element("div", &[("class", &"wide")], |html| html.piece(&svg));
    html.element("figcaption", &[], |html| {
        html.words("b", &[], view.chart.title());
        html.text(". ");
        if !view.caption.is_empty() {
            html.text(view.caption);
            html.text(" ");
        }
        for (kind, suffix) in [("SVG", "svg"), ("CSV", "csv")] {
            let place = format!("charts/{}.{suffix}", view.chart.slug());
            html.words("a", &[("href", &place)], kind);
            html.text(" ");
        }
    });
}

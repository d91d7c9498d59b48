use super::*;

fn heading() -> Heading {
    Heading { slug: "chart".to_owned(), title: "A chart".to_owned(), axis: "units".to_owned() }
}

fn series(labels: &[&str]) -> Vec<Series> {
    let one = |(index, label): (usize, &&str)| Series {
        label: (*label).to_owned(),
        colour: SEQUENCE[index],
    };
    labels.iter().enumerate().map(one).collect()
}

fn group<T>(label: &str, columns: Vec<(&str, T)>) -> Group<T> {
    let column = |(label, data): (&str, T)| Column {
        label: label.to_owned(),
        about: label.to_owned(),
        data,
    };
    Group { label: label.to_owned(), columns: columns.into_iter().map(column).collect() }
}

/// The values of an attribute of all elements of a kind that have a hover text.
fn attributes(svg: &str, element: &str, name: &str) -> Vec<f64> {
    let start = format!("<{element} ");
    let elements = svg.split(&start).skip(1);
    let with_title = elements.filter(|text| text.contains("><title>"));
    let value = |text: &str| {
        let (_, rest) = text.split_once(&format!(" {name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    with_title.map(|text| value(text.split("><title>").next().unwrap())).collect()
}

fn bars(data: Vec<Option<f64>>, reaches: f64) -> Bars {
    Bars {
        heading: heading(),
        series: series(&["below", "above"]),
        groups: vec![group("g", vec![("c", data)])],
        reaches,
        has_totals: true,
    }
}

#[test]
fn parts_of_a_bar_lie_on_each_other_to_scale() {
    // The axis ends at 4 and is 260 high below 18: a unit is 65.
    let svg = bars(vec![Some(1.0), Some(3.0)], 0.0).draw().svg.into_string();
    assert_eq!(attributes(&svg, "rect", "y"), [213.0, 18.0]);
    assert_eq!(attributes(&svg, "rect", "height"), [65.0, 195.0]);
    assert!(svg.contains(">4.00</text>"), "the sum stands above");
}

#[test]
fn what_is_negative_hangs_from_zero() {
    // From -2 to 2.
    let svg = bars(vec![Some(-2.0), Some(2.0)], 0.0).draw().svg.into_string();
    assert_eq!(attributes(&svg, "rect", "y"), [148.0, 18.0]);
    assert_eq!(attributes(&svg, "rect", "height"), [130.0, 130.0]);
}

#[test]
fn what_has_no_value_has_no_mark_and_no_row() {
    let drawn = bars(vec![None, Some(50.0)], 100.0).draw();
    assert_eq!(drawn.csv, "group,column,series,units\ng,c,above,50\n");
    assert_eq!(attributes(&drawn.svg.into_string(), "rect", "height"), [130.0]);
    let nothing = bars(vec![None, Some(f64::NAN)], 0.0).draw().svg.into_string();
    assert!(!nothing.contains("NaN") && attributes(&nothing, "rect", "y").is_empty());
}

#[test]
fn a_box_has_the_quartiles_and_a_dot_every_value() {
    let chart = Distribution {
        heading: heading(),
        series: series(&["c"]),
        groups: vec![group(
            "g",
            vec![("c", Sample { series: 0, values: vec![4.0, 1.0, 2.0, 3.0] })],
        )],
        range: Range::Values,
    };
    let drawn = chart.draw();
    let svg = drawn.svg.into_string();
    assert!(svg.contains("least 1.000, quartiles 1.750, 2.500, 3.250, greatest 4.000; 4 values"));
    assert_eq!(attributes(&svg, "circle", "cy"), [18.0, 213.0, 148.0, 83.0]);
    assert_eq!(drawn.csv.lines().nth(1), Some("g,c,0,4"));
}

#[test]
fn many_values_are_a_box_alone() {
    let values = (0..1000).map(f64::from).collect();
    let chart = Distribution {
        heading: heading(),
        series: series(&["c"]),
        groups: vec![group("g", vec![("c", Sample { series: 0, values })])],
        range: Range::Values,
    };
    let svg = chart.draw().svg.into_string();
    assert!(svg.contains("1000 values") && !svg.contains("<circle"));
}

//! What experiments expand to, and what is told of wrong ones.

use super::*;

fn experiment(text: &str) -> Experiment {
    Draft::parse(text, "e.toml", None).and_then(Draft::checked).unwrap()
}

/// Everything that is wrong, a line each.
fn problems(text: &str) -> Vec<String> {
    let draft = Draft::parse(text, "e.toml", None).unwrap();
    assert!(draft.clone().checked().is_err());
    draft.problems.iter().map(ToString::to_string).collect()
}

/// Whether the problem at `at` is told, and says `what`.
#[track_caller]
fn assert_told(problems: &[String], at: &str, what: &str) {
    let told = problems.iter().any(|problem| {
        problem.strip_prefix(at).is_some_and(|rest| rest.starts_with(": ") && rest.contains(what))
    });
    assert!(told, "no {at}: {what} in {problems:#?}");
}

/// The arguments of each point, `run` left out.
fn arguments(experiment: &Experiment) -> Vec<String> {
    let of = |point: &Point| point.arguments(None, None)[1..].join(" ");
    experiment.points.iter().map(of).collect()
}

#[test]
fn the_last_axis_varies_fastest() {
    let text = r#"
        functions = ["f", "g"]
        systems = ["s"]
        states = ["warm", "lukewarm"]
        seeds = [1, 7]
    "#;
    let expected = [
        "f --system=s --state=warm --seed=1",
        "f --system=s --state=warm --seed=7",
        "f --system=s --state=lukewarm --seed=1",
        "f --system=s --state=lukewarm --seed=7",
        "g --system=s --state=warm --seed=1",
        "g --system=s --state=warm --seed=7",
        "g --system=s --state=lukewarm --seed=1",
        "g --system=s --state=lukewarm --seed=7",
    ];
    let experiment = experiment(text);
    assert_eq!(arguments(&experiment), expected);
    let indices: Vec<usize> = experiment.points.iter().map(|point| point.index).collect();
    assert_eq!(indices, [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn overrides_come_from_all_points_then_the_variant_then_the_axes() {
    let text = r#"
        functions = ["f"]
        systems = ["s"]
        set = ["harts=4"]
        [[variant]]
        name = "none"
        [[variant]]
        name = "jukebox"
        set = ["restoration.kind=jukebox"]
        [overrides]
        "caches.l2.ways" = [4, 8]
        "caches.l1i.replacement" = ["lru"]
    "#;
    let lru = "--set=caches.l1i.replacement=lru";
    let unit = "--set=restoration.kind=jukebox";
    let expected = [
        format!("f --system=s --set=harts=4 {lru} --set=caches.l2.ways=4 --state=warm --seed=1"),
        format!("f --system=s --set=harts=4 {lru} --set=caches.l2.ways=8 --state=warm --seed=1"),
        format!(
            "f --system=s --set=harts=4 {unit} {lru} --set=caches.l2.ways=4 --state=warm --seed=1"
        ),
        format!(
            "f --system=s --set=harts=4 {unit} {lru} --set=caches.l2.ways=8 --state=warm --seed=1"
        ),
    ];
    assert_eq!(arguments(&experiment(text)), expected);
}

#[test]
fn options_are_common_or_axes() {
    let text = r#"
        functions = ["f"]
        systems = ["s"]
        invocations = 3
        inter_arrival_ms = [1, 100]
        payload = '{"name": "10"}'
    "#;
    let experiment = experiment(text);
    let expected = [
        r#"f --system=s --state=warm --payload={"name": "10"} --invocations=3 --inter-arrival-ms=1 --seed=1"#,
        r#"f --system=s --state=warm --payload={"name": "10"} --invocations=3 --inter-arrival-ms=100 --seed=1"#,
    ];
    assert_eq!(arguments(&experiment), expected);
    // What is the same for all does not tell points apart.
    assert_eq!(experiment.points[1].label(), "f on s, warm, inter_arrival_ms 100, seed 1");
    assert_eq!(experiment.points[1].at("inter_arrival_ms"), Some("inter_arrival_ms[1]"));
}

#[test]
fn lukewarm_says_how_for_all_states_that_do_not() {
    let text = r#"
        functions = ["f"]
        systems = ["s"]
        states = ["warm", "lukewarm", { lukewarm = "interleave=g,h" }]
        lukewarm = "flush=l2"
    "#;
    let expected = [
        "f --system=s --state=warm --seed=1",
        "f --system=s --state=lukewarm --lukewarm=flush=l2 --seed=1",
        "f --system=s --state=lukewarm --lukewarm=interleave=g,h --seed=1",
    ];
    assert_eq!(arguments(&experiment(text)), expected);
}

#[test]
fn points_are_left_out_and_added() {
    let text = r#"
        functions = ["f", "g"]
        systems = ["s", "t"]
        [[exclude]]
        function = "g"
        system = "t"
        [[include]]
        function = "h"
        system = "u.toml"
        seed = 5
        set = ["a=1"]
        settle = 0
    "#;
    let experiment = experiment(text);
    let expected = [
        "f --system=s --state=warm --seed=1",
        "f --system=t --state=warm --seed=1",
        "g --system=s --state=warm --seed=1",
        "h --system=u.toml --set=a=1 --state=warm --settle=0 --seed=5",
    ];
    assert_eq!(arguments(&experiment), expected);
    let placed = experiment.points[3].arguments(Some("f.yaml"), Some(Path::new("/x")));
    assert!(placed.contains(&"--system=/x/u.toml".to_owned()), "{placed:?}");
    assert!(placed.contains(&"--functions=/x/f.yaml".to_owned()), "{placed:?}");
}

#[test]
fn everything_that_is_wrong_is_told_with_its_place() {
    let text = r#"
        functions = ["f", 3, "f"]
        system = ["s"]
        states = ["warm", { stat = "warm" }]
        lukewarm = 1
        seeds = [-1]
        set = ["harts"]
        invocations = true
        [overrides]
        caches.l2 = [1]
        [[variant]]
        set = ["x=1"]
        [[exclude]]
        [[include]]
        variant = "nobody"
    "#;
    let problems = problems(text);
    assert_told(&problems, "system", "functions, systems");
    assert_told(&problems, "functions[1]", "text");
    assert_told(&problems, "functions[2]", "functions[0]");
    assert_told(&problems, "systems", "missing");
    assert_told(&problems, "states[1].stat", "lukewarm");
    assert_told(&problems, "lukewarm", "text");
    assert_told(&problems, "seeds[0]", "whole number");
    assert_told(&problems, "set[0]", "path=value");
    assert_told(&problems, "invocations", "number");
    assert_told(&problems, "overrides.caches", "quotes");
    assert_told(&problems, "variant[0]", "name");
    assert_told(&problems, "exclude[0]", "everything");
    assert_told(&problems, "include[0].variant", "nobody");
}

#[test]
fn an_empty_matrix_and_contradictions_are_told() {
    assert_told(&problems("functions = []\nsystems = [\"s\"]"), "functions", "empty");
    let base = "functions = [\"f\"]\nsystems = [\"s\", \"t\"]\n";
    let wrong = |more: &str| problems(&format!("{base}{more}"));
    let all = "[[exclude]]\nfunction = \"f\"";
    assert_told(&wrong(all), "exclude", "nothing is left");
    assert_told(&wrong("[[exclude]]\nfunction = \"g\""), "exclude[0]", "no point");
    assert_told(&wrong("[[include]]\nfunction = \"f\""), "include[0]", "system");
    let twice = "[[include]]\nfunction = \"f\"\nsystem = \"t\"";
    assert_told(&wrong(twice), "include[0]", "already");
    assert_told(&wrong("lukewarm = \"flush\""), "lukewarm", "no use");
    let names = "[[variant]]\nname = \"v\"\n[[variant]]\nname = \"v\"\nset = [\"a=1\"]";
    assert_told(&wrong(names), "variant[1]", "already");
    let seeds: Vec<String> = (0..60_000).map(|seed: u32| seed.to_string()).collect();
    assert_told(&wrong(&format!("seeds = [{}]", seeds.join(","))), "matrix", "100000");
}

#[test]
fn files_that_are_none_are_told() {
    let error = |name: &str| Experiment::load(name).unwrap_err().to_string();
    assert!(error("no/such.toml").contains("no/such.toml"));
    assert!(error("reproduce").contains("reproduce-lukewarm"));
    let syntax = Draft::parse("functions = [", "e.toml", None).unwrap_err().to_string();
    assert!(syntax.contains("e.toml") && syntax.contains("line 1"), "{syntax}");
}

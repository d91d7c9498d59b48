use super::*;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, MapDeserializer};

fn parse(pairs: &[(&'static str, &'static str)]) -> Result<RestorationConfig, Error> {
    let map: MapDeserializer<'_, _, Error> =
        MapDeserializer::new(pairs.iter().map(|&(key, value)| (key, value.into_deserializer())));
    RestorationConfig::deserialize(map)
}

/// What is wrong with `config` in a system, by path.
fn problems(config: &RestorationConfig, system: Surroundings) -> Vec<String> {
    let mut problems = Problems::default();
    config.validate(&system, "restoration", &mut problems);
    problems.0.into_iter().map(|problem| format!("{}: {}", problem.path, problem.what)).collect()
}

const SYSTEM: Surroundings = Surroundings {
    line_bytes: 64,
    l1i_mshrs: 8,
    l2_mshrs: Some(32),
    llc_mshrs: Some(16),
    out_of_order: true,
};

#[test]
fn a_kind_alone_means_the_published_design() {
    for (name, config) in RestorationConfig::ALL.iter().zip(RestorationConfig::all()) {
        assert_eq!(config.name(), *name);
        assert_eq!(parse(&[("kind", name)]), Ok(config));
    }
    assert!(parse(&[("kind", "gramophone")]).is_err());
    let error = parse(&[("kind", "jukebox"), ("crrb", "2")]).unwrap_err().to_string();
    assert!(error.contains("crrb"), "{error}");
}

#[test]
fn a_unit_in_a_system_that_lacks_what_it_needs_is_told_of() {
    let jukebox = RestorationConfig::Jukebox(JukeboxConfig::default());
    assert_eq!(problems(&jukebox, SYSTEM), [""; 0]);
    let without_l2 = Surroundings { l2_mshrs: None, ..SYSTEM };
    assert_eq!(
        problems(&jukebox, without_l2),
        [
            "restoration.kind: jukebox brings lines into the second level, and caches.l2 is not there"
        ]
    );
    let in_order = Surroundings { out_of_order: false, ..SYSTEM };
    assert_eq!(
        problems(&jukebox, in_order),
        ["restoration.kind: jukebox is for core.model = \"out_of_order\""]
    );
    let long = Surroundings { line_bytes: 128, ..SYSTEM };
    assert_eq!(problems(&jukebox, long).len(), 1);
    for perfect in ["perfect_l1i", "perfect_front_end"] {
        let unit = parse(&[("kind", perfect)]).unwrap();
        assert_eq!(problems(&unit, in_order).is_empty(), perfect == "perfect_l1i");
    }
}

#[test]
fn every_wrong_parameter_is_named() {
    let jukebox =
        JukeboxConfig { crrb_entries: 0, region_bytes: 96, metadata_kib: 0, spare_mshrs: 16 };
    let told = problems(&RestorationConfig::Jukebox(jukebox), SYSTEM);
    let paths: Vec<_> = told.iter().map(|what| what.split(':').next().unwrap()).collect();
    let names = ["crrb_entries", "metadata_kib", "region_bytes", "spare_mshrs"];
    assert_eq!(paths, names.map(|name| format!("restoration.{name}")));
}

#[test]
fn every_wrong_parameter_of_pif_is_named_with_what_it_misses() {
    let pif = PifConfig {
        history_kib: 0,
        index_kib: 0,
        temporal_entries: 0,
        streams: 0,
        regions_ahead: 0,
        spare_mshrs: 8,
        persistent: true,
    };
    let system = Surroundings { out_of_order: false, line_bytes: 32, ..SYSTEM };
    let told = problems(&RestorationConfig::Pif(pif), system);
    let paths: Vec<_> = told.iter().map(|what| what.split(':').next().unwrap()).collect();
    let names = [
        "history_kib",
        "index_kib",
        "temporal_entries",
        "streams",
        "regions_ahead",
        "spare_mshrs",
        "kind",
        "kind",
    ];
    assert_eq!(paths, names.map(|name| format!("restoration.{name}")));
}

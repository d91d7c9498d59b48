use super::*;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, MapDeserializer};

fn parse(pairs: &[(&'static str, &'static str)]) -> Result<PrefetcherConfig, Error> {
    let map: MapDeserializer<'_, _, Error> =
        MapDeserializer::new(pairs.iter().map(|&(key, value)| (key, value.into_deserializer())));
    PrefetcherConfig::deserialize(map)
}

#[test]
fn a_kind_alone_means_the_published_design() {
    for (name, config) in PrefetcherConfig::ALL.iter().zip(PrefetcherConfig::all()) {
        assert_eq!(config.name(), *name);
        assert_eq!(parse(&[("kind", name)]), Ok(config));
    }
    assert!(parse(&[("kind", "oracle")]).is_err());
}

#[test]
fn unknown_parameters_are_errors() {
    let error = parse(&[("kind", "next_line"), ("degre", "2")]).unwrap_err().to_string();
    assert!(error.contains("degre"), "{error}");
}

#[test]
fn problems_name_their_path() {
    let config = PrefetcherConfig::NextLine(NextLineConfig { degree: 17 });
    let mut problems = Problems::default();
    config.validate("caches.l1i.prefetcher", &mut problems);
    assert_eq!(problems.0[0].path, "caches.l1i.prefetcher.degree");
    assert_eq!(problems.0[0].what, "17 is not from 1 to 16");
}

#[test]
fn a_policy_does_what_its_prefetcher_does() {
    let mut policy = Policy::new(&PrefetcherConfig::NextLine(NextLineConfig { degree: 2 }), 64);
    let mut requests = Requests::new(Pages::of_lines(64));
    let (now, pc, kind) = (Cycle(0), VirtAddr(0), AccessKind::Load);
    for line in [10, 20] {
        let line = LineAddr(line);
        let access = Observed { now, pc, line, kind, hit: false, first_use: false };
        policy.observe(&access, &mut requests);
    }
    assert_eq!(requests.lines(), [LineAddr(21), LineAddr(22)], "of the latest access only");
    assert_eq!(policy.storage_bits(), 0);
}

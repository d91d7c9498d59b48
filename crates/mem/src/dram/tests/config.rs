//! Configurations: what is accepted, what is refused, and what is said about it.

use super::{Lines, files, standard, standards};
use crate::Problems;
use crate::dram::address::{AddressMap, Place};
use crate::dram::command::BankId;
use crate::dram::{AddressField, DramConfig, PagePolicy};
use stream::LineAddr;

/// The paths of all problems of a standard after a change.
fn problems(change: impl FnOnce(&mut DramConfig)) -> Vec<String> {
    let mut config = standard("ddr4_2400");
    change(&mut config);
    let mut problems = Problems::default();
    config.validate("memory", &mut problems);
    problems.0.into_iter().map(|problem| problem.path).collect()
}

#[test]
fn every_standard_is_valid_and_says_what_it_is() {
    assert!(standards().len() >= 3);
    for (name, config) in standards() {
        let mut problems = Problems::default();
        config.validate("memory", &mut problems);
        assert_eq!(problems.0, [], "{name}");
        assert!(!config.description.is_empty(), "{name}");
        assert_eq!(config.capacity_bytes(), 16 << 30, "{name}");
        let text = toml::to_string(&config).expect("writable");
        assert_eq!(toml::from_str::<DramConfig>(&text).expect("readable"), config, "{name}");
    }
}

#[test]
fn every_number_of_a_standard_names_its_source() {
    for (name, text) in files() {
        for (index, line) in text.lines().enumerate() {
            let Some((key, rest)) = line.split_once('=') else { continue };
            if key.starts_with('#') || key.trim() == "description" {
                continue;
            }
            let tags = ["# documented: ", "# measured: ", "# estimated: ", "# fitted: "];
            let tagged = tags.iter().any(|tag| rest.contains(tag));
            assert!(tagged, "{name} line {}: {line}", index + 1);
        }
    }
}

#[test]
fn all_problems_are_reported_together_with_their_paths() {
    let found = problems(|config| {
        config.organisation.ranks = 3;
        config.organisation.rows = 0;
        config.timing.rcd = 0;
        config.timing.rc = 20;
        config.timing.burst_length = 6;
        config.controller.write_low = 120;
        config.controller.read_queue = 0;
        config.controller.address_map.pop();
    });
    let expected = [
        "memory.organisation.ranks",
        "memory.organisation.rows",
        "memory.timing.burst_length",
        "memory.timing.rcd",
        "memory.timing.rc",
        "memory.controller.read_queue",
        "memory.controller.write_low",
        "memory.controller.address_map",
    ];
    assert_eq!(found, expected);
}

#[test]
fn each_relation_between_numbers_is_checked() {
    type Change = fn(&mut DramConfig);
    let cases: [(&str, Change); 14] = [
        ("organisation.device_bits", |c| c.organisation.device_bits = 128),
        ("organisation.row_bytes", |c| c.organisation.row_bytes = 8000),
        ("timing.tck_ps", |c| c.timing.tck_ps = 0),
        ("timing.rc", |c| c.timing.rc = 54),
        ("timing.ras", |c| c.timing.ras = 15),
        ("timing.ccd_l", |c| c.timing.ccd_l = 3),
        ("timing.rrd_l", |c| c.timing.rrd_l = 3),
        ("timing.wtr_l", |c| c.timing.wtr_l = 2),
        ("timing.faw", |c| c.timing.faw = 3),
        ("timing.cl", |c| c.timing.cl = 11),
        ("timing.refi_ns", |c| c.timing.refi_ns = 699),
        ("controller.write_high", |c| c.controller.write_high = 129),
        ("controller.write_low", |c| c.controller.write_low = 109),
        ("controller.page_policy.timeout_clocks", |c| {
            c.controller.page_policy = PagePolicy::TimeoutClocks(0);
        }),
    ];
    for (path, change) in cases {
        assert_eq!(problems(change), [format!("memory.{path}")]);
    }
}

#[test]
fn a_field_of_the_address_map_is_there_once() {
    let found = problems(|config| config.controller.address_map[0] = AddressField::Column);
    assert_eq!(found.len(), 2, "row is missing and column is there twice: {found:?}");
}

#[test]
fn unknown_keys_are_refused() {
    let (_, text) = files().remove(0);
    for table in ["[organisation]", "[timing]", "[controller]"] {
        let text = text.replace(table, &format!("{table}\nsurprise = 1"));
        let error = toml::from_str::<DramConfig>(&text).expect_err("unknown").to_string();
        assert!(error.contains("surprise"), "{error}");
    }
}

#[test]
fn page_policies_have_names() {
    let parse = |policy: &str| {
        let (_, text) = files().remove(0);
        let text = text.replace("page_policy = \"open\"", &format!("page_policy = {policy}"));
        toml::from_str::<DramConfig>(&text).expect("valid").controller.page_policy
    };
    assert_eq!(parse("\"open\""), PagePolicy::Open);
    assert_eq!(parse("\"closed\""), PagePolicy::Closed);
    assert_eq!(parse("{ timeout_clocks = 200 }"), PagePolicy::TimeoutClocks(200));
}

#[test]
fn the_address_map_cuts_lines_into_fields_in_its_order() {
    let config = standard("ddr4_2400");
    let map = |order: &[AddressField]| AddressMap::new(order, &config.organisation, 64);
    use AddressField::*;
    let lines_first = map(&[Row, Rank, BankGroup, Bank, Column, Channel]);
    // 128 lines a row, 4 banks, 4 groups, 2 ranks.
    let line = LineAddr((((3 * 2 + 1) * 4 + 2) * 4 + 3) * 128 + 77);
    let place = Place { channel: 0, bank: BankId(16 + 2 * 4 + 3), row: 3 };
    assert_eq!(lines_first.place(line), place);
    let groups_first = map(&[Row, Column, Rank, Bank, BankGroup, Channel]);
    let line = LineAddr((((3 * 128 + 77) * 2 + 1) * 4 + 3) * 4 + 2);
    assert_eq!(groups_first.place(line), place);
}

#[test]
fn every_place_has_one_line_and_addresses_beyond_the_capacity_wrap() {
    for (name, config) in standards() {
        let (lines, o) = (Lines(config.clone()), &config.organisation);
        let map = AddressMap::new(&config.controller.address_map, o, 64);
        let per_rank = o.bank_groups * o.banks_per_group;
        for bank in 0..o.ranks * per_rank {
            let group = bank % per_rank / o.banks_per_group;
            let (rank, within) = (bank / per_rank, bank % o.banks_per_group);
            let line = lines.in_rank(rank.into(), 9, group.into(), within.into(), 5);
            let place = Place { channel: 0, bank: BankId(bank as u16), row: 9 };
            assert_eq!(map.place(line), place, "{name}");
            assert_eq!(map.place(LineAddr(line.0 + config.capacity_bytes() / 64)), place, "{name}");
        }
    }
}

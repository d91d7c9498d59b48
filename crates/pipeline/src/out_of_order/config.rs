//! Parameters of the out-of-order core.

use branch::BranchConfig;
use mem::Problems;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use stream::Class;

/// An out-of-order core. Widths are instructions a cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutOfOrderConfig {
    /// Prediction, fetch and decode.
    pub front: FrontConfig,
    /// Instructions renamed, and put into reorder buffer and schedulers. The slots of the top-down
    /// accounting are counted here.
    pub rename_width: u32,
    /// From decode to rename.
    pub decode_to_rename_cycles: u32,
    /// From rename to the first cycle in which it can be issued.
    pub rename_to_issue_cycles: u32,
    /// Reorder buffer: instructions between rename and commit.
    pub rob: u32,
    /// Physical integer registers.
    pub int_registers: u32,
    /// Physical floating-point registers.
    pub fp_registers: u32,
    /// Moves of a register to another are renamed instead of executed.
    #[serde(default)]
    pub move_elimination: bool,
    /// Instructions issued, over all schedulers.
    pub issue_width: u32,
    /// Schedulers by name, each with its entries and ports.
    pub schedulers: BTreeMap<String, SchedulerConfig>,
    /// From issue to the result, by class. That of loads and stores is the generation of their
    /// address. Classes left out take one cycle.
    pub latency_cycles: BTreeMap<Class, u32>,
    /// Classes that keep their port busy until their result is there.
    #[serde(default)]
    pub unpipelined: Vec<Class>,
    /// Loads and stores.
    pub memory: LoadStoreConfig,
    /// From the result to commit.
    pub execute_to_commit_cycles: u32,
    /// Instructions committed.
    pub commit_width: u32,
    /// Instructions taken back in a cycle after a squash; rename waits meanwhile.
    pub squash_width: u32,
    /// From the commit of an instruction that traps, or the recognition of an interrupt, to the first
    /// fetch of its handler.
    pub trap_cycles: u32,
    /// Branch prediction.
    pub branch: BranchConfig,
}

/// The front end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontConfig {
    /// Fetch targets the branch predictor can be ahead (fetch target queue).
    pub ftq: u32,
    /// Bytes of the aligned window that one fetch target covers at most.
    pub target_bytes: u32,
    /// Fetch targets made in a cycle.
    pub predictions_per_cycle: u32,
    /// Fetch-directed prefetching: targets in the queue are brought into the instruction cache.
    pub prefetch: bool,
    /// Bytes that fetch hands on in a cycle, of one fetch target.
    pub fetch_bytes: u32,
    /// Instructions between fetch and rename.
    pub queue: u32,
    /// From the instruction's bytes to decode.
    pub fetch_to_decode_cycles: u32,
    /// Instructions decoded in a cycle.
    pub decode_width: u32,
}

/// A scheduler and the ports it issues to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SchedulerConfig {
    /// Instructions that wait in it.
    pub entries: u32,
    /// The classes each port takes, one instruction a cycle.
    pub ports: BTreeMap<String, Vec<Class>>,
}

/// The load and store queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoadStoreConfig {
    /// Loads between rename and commit.
    pub load_queue: u32,
    /// Stores between rename and their write to the cache.
    pub store_queue: u32,
    /// From a load's address to data that an older store in the queue forwards.
    pub forward_cycles: u32,
    /// Committed stores written to the data cache in a cycle.
    pub stores_per_cycle: u32,
    /// Entries of the table from instruction to store set (SSIT).
    pub store_set_instructions: u32,
    /// Store sets (entries of the LFST).
    pub store_sets: u32,
    /// Memory instructions after which all store sets are forgotten.
    pub store_set_clear: u32,
}

impl OutOfOrderConfig {
    /// Notes what is wrong, with paths below `path`.
    pub fn validate(&self, path: &str, problems: &mut Problems) {
        let at = |key: &str| format!("{path}.{key}");
        let mut range = |key: &str, value: u32, from: u32, to: u32| {
            problems.require((from..=to).contains(&value), &at(key), || {
                format!("{value} is not from {from} to {to}")
            });
        };
        range("rename_width", self.rename_width, 1, 64);
        range("decode_to_rename_cycles", self.decode_to_rename_cycles, 1, 64);
        range("rename_to_issue_cycles", self.rename_to_issue_cycles, 1, 64);
        let in_flight = branch::MAX_IN_FLIGHT as u32 - 256;
        range("rob", self.rob, 1, in_flight);
        range("int_registers", self.int_registers, 33, 8192);
        range("fp_registers", self.fp_registers, 33, 8192);
        range("issue_width", self.issue_width, 1, 64);
        range("execute_to_commit_cycles", self.execute_to_commit_cycles, 0, 64);
        range("commit_width", self.commit_width, 1, 64);
        range("squash_width", self.squash_width, 1, 4096);
        range("trap_cycles", self.trap_cycles, 0, 1000);
        let front = &self.front;
        range("front.ftq", front.ftq, 1, 128);
        range("front.predictions_per_cycle", front.predictions_per_cycle, 1, 4);
        range("front.fetch_bytes", front.fetch_bytes, 4, 256);
        range("front.queue", front.queue, 1, 256);
        range("front.fetch_to_decode_cycles", front.fetch_to_decode_cycles, 1, 64);
        range("front.decode_width", front.decode_width, 1, 64);
        let memory = &self.memory;
        range("memory.load_queue", memory.load_queue, 1, 1024);
        range("memory.store_queue", memory.store_queue, 1, 1024);
        range("memory.forward_cycles", memory.forward_cycles, 0, 64);
        range("memory.stores_per_cycle", memory.stores_per_cycle, 1, 8);
        range("memory.store_sets", memory.store_sets, 1, 1 << 20);
        range("memory.store_set_clear", memory.store_set_clear, 1, u32::MAX);
        let branches = self.rob.saturating_add(front.queue).saturating_add(front.ftq);
        problems.require(branches <= branch::MAX_IN_FLIGHT as u32, &at("rob"), || {
            let most = branch::MAX_IN_FLIGHT;
            format!("{branches} branches with front.queue and front.ftq are more than {most}")
        });
        let power = |value: u32, to: u32| value.is_power_of_two() && value <= to;
        problems.require(
            front.target_bytes >= 4 && power(front.target_bytes, 64),
            &at("front.target_bytes"),
            || format!("{} is not a power of two from 4 to 64", front.target_bytes),
        );
        problems.require(
            power(memory.store_set_instructions, 1 << 20),
            &at("memory.store_set_instructions"),
            || format!("{} is not a power of two up to 2^20", memory.store_set_instructions),
        );
        self.validate_schedulers(path, problems);
        for (class, cycles) in &self.latency_cycles {
            let key = format!("{path}.latency_cycles.{}", class_name(*class));
            problems.require((1..=1000).contains(cycles), &key, || {
                format!("{cycles} is not from 1 to 1000: a result cannot be there at once")
            });
        }
        if let Err(error) = self.branch.validate() {
            for problem in error.problems.0 {
                problems.require(false, &at(&format!("branch.{}", problem.path)), || problem.what);
            }
        }
    }

    fn validate_schedulers(&self, path: &str, problems: &mut Problems) {
        let mut taken = [false; Class::ALL.len()];
        for (name, scheduler) in &self.schedulers {
            let at = format!("{path}.schedulers.{name}");
            problems.require(
                (1..=1024).contains(&scheduler.entries),
                &format!("{at}.entries"),
                || format!("{} is not from 1 to 1024", scheduler.entries),
            );
            problems.require(
                (1..=32).contains(&scheduler.ports.len()),
                &format!("{at}.ports"),
                || format!("{} ports are not from 1 to 32", scheduler.ports.len()),
            );
            for class in scheduler.ports.values().flatten() {
                taken[*class as usize] = true;
            }
        }
        problems.require(
            (1..=16).contains(&self.schedulers.len()),
            &format!("{path}.schedulers"),
            || format!("{} schedulers are not from 1 to 16", self.schedulers.len()),
        );
        let homeless: Vec<String> =
            Class::ALL.iter().filter(|c| !taken[**c as usize]).map(|c| class_name(*c)).collect();
        problems.require(homeless.is_empty(), &format!("{path}.schedulers"), || {
            format!("no port takes {}", homeless.join(", "))
        });
    }

    pub(super) fn latency(&self, class: Class) -> u64 {
        self.latency_cycles.get(&class).map_or(1, |cycles| u64::from(*cycles))
    }
}

/// The name of a class in configuration files: snake_case, as serde has it.
fn class_name(class: Class) -> String {
    let mut name = String::new();
    for (index, letter) in format!("{class:?}").chars().enumerate() {
        if letter.is_uppercase() && index > 0 {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

//! The compose file that is put into the guest.
//!
//! It holds one function and what that depends on, in the form `docker compose up` takes (compose specification); the
//! project is called `vswarmu` and the function's container `function`, pinned to hart 1, as vSwarm-µ's tools expect.
//! Other functions may lie beside it, pinned to the same hart: they take the core from it between two of its calls.

use serde_norway::{Mapping, Value};

use crate::functions::{CONTAINER_NAME, Catalogue, Function, PUBLISHED_PORT, Runtime, Service};

/// The compose project's name in the guest.
pub const PROJECT: &str = "vswarmu";

/// The hart the function's container is pinned to; the kernel keeps everything else off it.
pub const FUNCTION_HART: u32 = 1;

/// OpenJDK does not start without the system call `riscv_flush_icache`. The engine's list of allowed calls has it, but
/// Debian's engine does not recognise the architecture it is listed for (moby issue 48454).
const NO_SECCOMP: &str = "seccomp=unconfined";

/// The port of the guest on which the co-runner with this number, from 0, is published.
#[must_use]
pub fn co_runner_port(number: usize) -> u16 {
    let number = u16::try_from(number).expect("fewer co-runners than ports");
    PUBLISHED_PORT + 1 + number
}

/// The guest's compose file for `function`, with `co_runners` on the same hart, as YAML.
#[must_use]
pub fn guest_file(catalogue: &Catalogue, function: &Function, co_runners: &[&Function]) -> String {
    let mut services = Mapping::new();
    for service in catalogue.closure_of(co_runners.iter().copied().chain([function])) {
        let mut keys = service.compose.clone();
        if service.name == function.service.name {
            keys.insert("container_name".into(), CONTAINER_NAME.into());
            keys.insert("cpuset".into(), FUNCTION_HART.to_string().into());
        }
        let number = co_runners.iter().position(|co_runner| co_runner.name() == service.name);
        if let Some(number) = number {
            move_aside(&mut keys, number, co_runners[number]);
        }
        allow_flushes(&mut keys, service);
        services.insert(service.name.as_str().into(), Value::Mapping(keys));
    }
    let mut file = Mapping::new();
    file.insert("name".into(), PROJECT.into());
    file.insert("services".into(), Value::Mapping(services));
    file.extend(catalogue.top_level.clone());
    serde_norway::to_string(&file).expect("a mapping of YAML values is YAML")
}

/// A co-runner has the function's hart, but a container's name and a port of its own.
fn move_aside(keys: &mut Mapping, number: usize, co_runner: &Function) {
    let published = format!("{}:{}", co_runner_port(number), co_runner.container_port);
    keys.insert("container_name".into(), format!("co-runner-{number}").into());
    keys.insert("ports".into(), vec![Value::from(published)].into());
    keys.insert("cpuset".into(), FUNCTION_HART.to_string().into());
}

fn allow_flushes(keys: &mut Mapping, service: &Service) {
    if service.build.runtime == Runtime::Java && !keys.contains_key("security_opt") {
        keys.insert("security_opt".into(), vec![Value::from(NO_SECCOMP)].into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        serde_norway::from_str(text).unwrap()
    }

    #[test]
    fn only_the_function_is_in_the_guest_s_file_pinned_and_without_our_block() {
        let catalogue = Catalogue::builtin().unwrap();
        let file = guest_file(&catalogue, catalogue.get("fibonacci-python").unwrap(), &[]);
        let wanted = "name: vswarmu
services:
  fibonacci-python:
    image: registry.vswarm:5000/fibonacci-python:latest
    container_name: function
    ports: ['50000:50051']
    cpuset: '1'
";
        assert_eq!(read(&file), read(wanted), "{file}");
    }

    #[test]
    fn co_runners_share_the_hart_and_nothing_else() {
        let catalogue = Catalogue::builtin().unwrap();
        let get = |name: &str| catalogue.get(name).unwrap();
        let co_runners = [get("aes-nodejs"), get("fibonacci-go"), get("recommendation")];
        let file = read(&guest_file(&catalogue, get("fibonacci-python"), &co_runners));
        let services = file["services"].as_mapping().unwrap();
        let pinned = services.iter().filter(|(_, keys)| keys["cpuset"] == "1");
        assert_eq!(pinned.count(), 4, "dependencies are not pinned");
        assert!(services.len() > 4, "recommendation has dependencies");
        assert_eq!(file["services"]["fibonacci-python"]["container_name"], CONTAINER_NAME);
        assert_eq!(file["services"]["fibonacci-python"]["ports"], read("['50000:50051']"));
        for (number, co_runner) in co_runners.iter().enumerate() {
            let keys = &file["services"][co_runner.name()];
            let port = format!("['{}:{}']", 50_001 + number, co_runner.container_port);
            assert_eq!(keys["ports"], read(&port));
            assert_eq!(keys["container_name"], format!("co-runner-{number}").as_str());
        }
    }

    #[test]
    fn a_java_function_may_flush_the_instruction_cache_unless_the_user_decides_otherwise() {
        let catalogue = Catalogue::builtin().unwrap();
        let mut java = catalogue.get("aes-java").unwrap().clone();
        let options = |function: &Function| {
            let file = read(&guest_file(&catalogue, function, &[]));
            file["services"]["aes-java"]["security_opt"].clone()
        };
        assert_eq!(options(&java), read("[seccomp=unconfined]"));
        java.service.compose.insert("security_opt".into(), read("[seccomp=mine]"));
        assert_eq!(options(&java), read("[seccomp=mine]"));
    }

    #[test]
    fn dependencies_and_top_level_keys_come_along_and_are_not_pinned() {
        let text = "name: mine\nvolumes: { data: {} }\nx-note: none\nservices:
  f:
    image: registry.vswarm:5000/f:latest
    ports: ['50000:1']
    depends_on: [db]
    environment: { A: b }
    x-vswarm: { protocol: http, build: { runtime: go, source: . } }
  db:
    image: registry.vswarm:5000/db:latest
    volumes: ['data:/data']
    x-vswarm: { build: { runtime: go, source: . } }
  other:
    image: registry.vswarm:5000/other:latest
    x-vswarm: { build: { runtime: go, source: . } }
";
        let folder = tempfile::tempdir().unwrap();
        let sources = crate::functions::SourceFiles::Folder(folder.path().to_owned());
        let catalogue = Catalogue::parse(text, "test", sources).unwrap();
        let file = read(&guest_file(&catalogue, catalogue.get("f").unwrap(), &[]));
        assert_eq!(file["name"], PROJECT);
        assert!(file.get("x-note").is_none());
        assert!(file["volumes"].get("data").is_some());
        let services = file["services"].as_mapping().unwrap();
        assert_eq!(services.keys().collect::<Vec<_>>(), ["db", "f"]);
        assert_eq!(file["services"]["f"]["cpuset"], "1");
        assert_eq!(file["services"]["f"]["environment"]["A"], "b");
        assert!(file["services"]["db"].get("cpuset").is_none());
        assert!(file["services"]["db"].get("x-vswarm").is_none());
    }
}

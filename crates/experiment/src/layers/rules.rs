//! Which layer code belongs to, by the rules of `data/layers.toml`.

use super::kallsyms::KernelFunction;
use super::layer::Layer;
use serde::Deserialize;
use std::collections::BTreeMap;

const DATA: &str = include_str!("../../data/layers.toml");

/// The rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rules {
    kernel: KernelRules,
    engine: EngineRules,
    function: FunctionRules,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KernelRules {
    /// Modules by layer.
    modules: BTreeMap<String, Vec<String>>,
    /// Beginnings of names by layer; the longest that fits decides.
    prefixes: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EngineRules {
    /// Names of processes, as the kernel cuts them off.
    processes: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionRules {
    /// The folder of images that a function's own files are in.
    folder: String,
    /// Beginnings of the names of its own symbols.
    prefixes: Vec<String>,
    /// What else tells its own symbols.
    parts: Vec<String>,
}

/// Rules in the form in which they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Classifier {
    modules: BTreeMap<String, Layer>,
    prefixes: BTreeMap<String, Layer>,
    engine: Vec<String>,
    function: FunctionRules,
}

impl Classifier {
    /// The rules that come with the program.
    pub(crate) fn builtin() -> Self {
        Self::parse(DATA).expect("the data file is part of the program, and tested")
    }

    fn parse(text: &str) -> Result<Self, String> {
        let rules: Rules = toml::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self {
            modules: by_name(rules.kernel.modules)?,
            prefixes: by_name(rules.kernel.prefixes)?,
            engine: rules.engine.processes,
            function: rules.function,
        })
    }

    /// The layer of a kernel function.
    pub(crate) fn kernel(&self, function: &KernelFunction) -> Layer {
        let of_module = function.module.as_deref().and_then(|module| self.modules.get(module));
        if let Some(layer) = of_module {
            return *layer;
        }
        // Names are ASCII, so that every length is a boundary.
        let name = &*function.name;
        let mut beginnings = (1..=name.len()).rev().filter_map(|length| name.get(..length));
        let layer = beginnings.find_map(|beginning| self.prefixes.get(beginning));
        layer.copied().unwrap_or(Layer::KernelOther)
    }

    /// Whether a process is the container engine's.
    pub(crate) fn is_engine(&self, process: &str) -> bool {
        self.engine.iter().any(|name| name == process)
    }

    /// The layer of a symbol of a file that the function's process has mapped.
    pub(crate) fn user(&self, file: &str, symbol: Option<&str>) -> Layer {
        let FunctionRules { folder, prefixes, parts } = &self.function;
        let own = |symbol: &str| {
            prefixes.iter().any(|prefix| symbol.starts_with(prefix))
                || parts.iter().any(|part| symbol.contains(part))
        };
        if file.starts_with(folder) && symbol.is_some_and(own) {
            Layer::Function
        } else {
            Layer::Runtime
        }
    }
}

/// Turns lists by layer round; a name may have one layer only.
fn by_name(lists: BTreeMap<String, Vec<String>>) -> Result<BTreeMap<String, Layer>, String> {
    let mut all = BTreeMap::new();
    for (layer, names) in lists {
        let known = Layer::ALL.into_iter().find(|known| known.name() == layer);
        let layer = known.ok_or_else(|| format!("there is no layer {layer}"))?;
        for name in names {
            if all.insert(name.clone(), layer).is_some() {
                return Err(format!("{name} is there twice"));
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str, module: Option<&str>) -> KernelFunction {
        KernelFunction { name: name.into(), module: module.map(Into::into) }
    }

    #[test]
    fn kernel_functions_go_by_module_then_by_the_longest_beginning() {
        let rules = Classifier::builtin();
        let layer = |name: &str| rules.kernel(&function(name, None));
        for (name, wanted) in [
            ("tcp_v4_rcv", Layer::KernelNetwork),
            ("__netif_receive_skb_core.constprop.0", Layer::KernelNetwork),
            ("__schedule", Layer::KernelScheduler),
            ("hrtimer_interrupt", Layer::KernelScheduler),
            ("handle_mm_fault", Layer::KernelMemory),
            ("vfs_read", Layer::KernelFiles),
            ("ep_poll", Layer::KernelFiles),
            ("handle_exception", Layer::KernelEntry),
            ("do_trap_ecall_u", Layer::KernelEntry),
            ("sha256_transform", Layer::KernelOther),
        ] {
            assert_eq!(layer(name), wanted, "{name}");
        }
        let of_module = function("sched_of_its_own", Some("veth"));
        assert_eq!(rules.kernel(&of_module), Layer::KernelNetwork);
        let unknown = function("tcp_of_its_own", Some("not_ours"));
        assert_eq!(rules.kernel(&unknown), Layer::KernelNetwork, "then by its name");
    }

    #[test]
    fn the_longest_beginning_decides_whatever_the_order() {
        let text = "[kernel.modules]\n[kernel.prefixes]\nkernel_network = ['do_']\n\
            kernel_memory = ['do_page']\n[engine]\nprocesses = []\n\
            [function]\nfolder = '/app/'\nprefixes = []\nparts = []\n";
        let rules = Classifier::parse(text).unwrap();
        assert_eq!(rules.kernel(&function("do_page_fault", None)), Layer::KernelMemory);
        assert_eq!(rules.kernel(&function("do_page", None)), Layer::KernelMemory);
        assert_eq!(rules.kernel(&function("do_pag", None)), Layer::KernelNetwork);
        let twice = text.replace("do_page", "do_");
        assert!(Classifier::parse(&twice).is_err());
        let unknown = text.replace("kernel_memory", "memory");
        assert!(Classifier::parse(&unknown).is_err());
    }

    #[test]
    fn the_function_s_own_symbols_are_told_from_those_of_its_libraries() {
        let rules = Classifier::builtin();
        let layer = |file, symbol| rules.user(file, Some(symbol));
        let server = "/app/server";
        assert_eq!(layer(server, "main.(*server).SayHello"), Layer::Function);
        assert_eq!(
            layer(server, "vswarm/protos/helloworld.RegisterGreeterServer"),
            Layer::Function
        );
        assert_eq!(layer(server, "runtime.mallocgc"), Layer::Runtime);
        assert_eq!(layer(server, "google.golang.org/grpc.(*Server).Serve"), Layer::Runtime);
        assert_eq!(layer(server, "_ZN6server9fibonacci17h0123456789abcdefE"), Layer::Function);
        assert_eq!(layer(server, "_ZN5tokio7runtime4park17h0123456789abcdefE"), Layer::Runtime);
        assert_eq!(layer("/usr/lib/libx.so", "main.main"), Layer::Runtime);
        assert_eq!(rules.user(server, None), Layer::Runtime);
        assert!(rules.is_engine("dockerd") && !rules.is_engine("server"));
    }
}

//! The kernel's symbols, from the text of `/proc/kallsyms`: address, type, name and, for a module's, `[module]`.

/// A function of the kernel or of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KernelFunction {
    pub(crate) name: Box<str>,
    pub(crate) module: Option<Box<str>>,
}

/// The kernel's functions by address.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kallsyms {
    /// Sorted by address, one for each.
    functions: Vec<(u64, KernelFunction)>,
    btf: [Option<u64>; 2],
}

/// The symbols between which the kernel's type information lies.
const BTF: [&str; 2] = ["__start_BTF", "__stop_BTF"];

impl Kallsyms {
    /// Reads the text. Lines of another form are passed over.
    pub(crate) fn parse(text: &str) -> Self {
        let mut read = Self::default();
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(address), Some(kind), Some(name)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let Ok(address) = u64::from_str_radix(address, 16) else { continue };
            if let Some(which) = BTF.iter().position(|symbol| *symbol == name) {
                read.btf[which] = Some(address);
            }
            if !matches!(kind, "t" | "T" | "w" | "W") || name.starts_with(['$', '.']) {
                continue;
            }
            let module = words.next().map(|word| word.trim_matches(['[', ']']).into());
            read.functions.push((address, KernelFunction { name: name.into(), module }));
        }
        // Of several names of an address the first listed stays: the sort is stable.
        read.functions.sort_by_key(|(address, _)| *address);
        read.functions.dedup_by_key(|(address, _)| *address);
        read
    }

    /// How many functions there are.
    pub(crate) fn len(&self) -> usize {
        self.functions.len()
    }

    /// Where the kernel's type information begins and ends.
    pub(crate) fn btf(&self) -> Option<(u64, u64)> {
        let [start, end] = self.btf;
        Some((start?, end?)).filter(|(start, end)| start < end)
    }

    /// The number of the function that `address` lies in: the last that begins at or before it.
    pub(crate) fn at(&self, address: u64) -> Option<usize> {
        self.functions.partition_point(|(start, _)| *start <= address).checked_sub(1)
    }

    /// The function with a number that [`Kallsyms::at`] gave.
    pub(crate) fn function(&self, number: usize) -> &KernelFunction {
        &self.functions[number].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
ffffffff80002000 T _start
ffffffff80123456 t tcp_ack
ffffffff80123456 t tcp_ack_alias
ffffffff80123400 T tcp_v4_rcv
ffffffff80123500 d tcp_data
ffffffff80123480 t $xrv64
ffffffff01001000 t veth_xmit\t[veth]
ffffffff81000000 R __start_BTF
ffffffff81400000 R __stop_BTF
junk
";

    #[test]
    fn a_function_reaches_from_its_symbol_to_the_next() {
        let symbols = Kallsyms::parse(TEXT);
        let at = |address| symbols.at(address).map(|number| symbols.function(number));
        let name = |address| at(address).map(|function| &*function.name);
        assert_eq!(symbols.len(), 4, "functions only, one for each address");
        assert_eq!(name(0xffff_ffff_8012_3400), Some("tcp_v4_rcv"));
        assert_eq!(name(0xffff_ffff_8012_3455), Some("tcp_v4_rcv"));
        assert_eq!(name(0xffff_ffff_8012_3456), Some("tcp_ack"));
        assert_eq!(name(0xffff_ffff_8012_3500), Some("tcp_ack"), "data is no function");
        assert_eq!(name(0xffff_ffff_0100_0fff), None);
        let module = at(0xffff_ffff_0100_1004).unwrap();
        assert_eq!(module.module.as_deref(), Some("veth"));
    }

    #[test]
    fn the_type_information_is_found_if_both_its_ends_are() {
        let both = Kallsyms::parse(TEXT).btf();
        assert_eq!(both, Some((0xffff_ffff_8100_0000, 0xffff_ffff_8140_0000)));
        assert_eq!(Kallsyms::parse("ffffffff81000000 R __start_BTF").btf(), None);
    }
}

//! The platform-level interrupt controller.
//!
//! Source: RISC-V Platform-Level Interrupt Controller Specification 1.0.0 (March 2023). Two contexts
//! a hart, M then S; sources 1 to [`MAX_SOURCES`]; 3-bit priorities and thresholds. Every gateway is
//! level-triggered (section 6): while the line is high one request at a time goes to the core, the
//! next one only after completion. A request stays pending when the line falls before the claim.
//!
//! Registers are 32 bits wide; accesses of another size read zero and write nothing. This device has
//! no interrupt line of its own: its owner feeds lines with [`Plic::set_level`] and asks
//! [`Plic::pending`] for each context.

use crate::{Context, Device, Model, Wiring, fdt, state};
use serde::{Deserialize, Serialize};

/// The highest source number.
pub const MAX_SOURCES: u32 = 96;
/// Harts that fit.
const MAX_HARTS: usize = 8;
/// Priorities and thresholds have three bits.
const PRIORITY_MASK: u32 = 7;

const PENDING: u64 = 0x1000;
const ENABLE: u64 = 0x2000;
const ENABLE_STRIDE: u64 = 0x80;
const CONTEXT: u64 = 0x20_0000;
const CONTEXT_STRIDE: u64 = 0x1000;
const WINDOW: u64 = 0x400_0000;

/// External interrupt numbers in M and S mode (Privileged Architecture, `mip`).
const EXTERNAL_LINES: [u32; 2] = [11, 9];

/// Sets of sources: bit `n` stands for source `n`.
type Sources = u128;

#[derive(Debug, Serialize, Deserialize)]
struct State {
    level: Sources,
    pending: Sources,
    /// Claimed and not completed.
    in_service: Sources,
    priority: Vec<u8>,
    contexts: Vec<ContextState>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct ContextState {
    enable: Sources,
    threshold: u8,
}

/// The interrupt controller.
#[derive(Debug)]
pub struct Plic {
    phandle: u32,
    intc_phandles: Vec<u32>,
    state: State,
}

enum Register {
    Priority(usize),
    Pending(u32),
    Enable(usize, u32),
    Threshold(usize),
    Claim(usize),
}

impl Plic {
    /// A controller with its own `phandle`, for the harts whose `riscv,cpu-intc` nodes have
    /// `intc_phandles`. Panics unless there are 1 to 8 harts.
    #[must_use]
    pub fn new(phandle: u32, intc_phandles: &[u32]) -> Self {
        let harts = intc_phandles.len();
        assert!((1..=MAX_HARTS).contains(&harts), "a PLIC serves 1 to 8 harts, not {harts}");
        let state = State {
            level: 0,
            pending: 0,
            in_service: 0,
            priority: vec![0; MAX_SOURCES as usize + 1],
            contexts: vec![ContextState::default(); 2 * harts],
        };
        Self { phandle, intc_phandles: intc_phandles.to_vec(), state }
    }

    /// The context of a hart's M mode.
    #[must_use]
    pub fn machine_context(hart: usize) -> usize {
        2 * hart
    }

    /// The context of a hart's S mode.
    #[must_use]
    pub fn supervisor_context(hart: usize) -> usize {
        2 * hart + 1
    }

    /// Sets the line of `source`. Source 0 and sources beyond the last do not exist.
    pub fn set_level(&mut self, source: u32, high: bool) {
        if source == 0 || source > MAX_SOURCES {
            return;
        }
        let bit = 1 << source;
        if high {
            self.state.level |= bit;
            self.state.pending |= bit & !self.state.in_service;
        } else {
            self.state.level &= !bit;
        }
    }

    /// Whether the external interrupt of `context` is raised.
    #[inline]
    #[must_use]
    pub fn pending(&self, context: usize) -> bool {
        let Some(target) = self.state.contexts.get(context) else { return false };
        let candidates = self.state.pending & target.enable;
        candidates != 0 && self.state.best(candidates).1 > target.threshold
    }

    fn register(&self, offset: u64) -> Option<Register> {
        let contexts = self.state.contexts.len();
        let word = |at: u64| (at / 4) as u32;
        let words = (MAX_SOURCES + 32) / 32;
        let register = match offset {
            ..PENDING => Register::Priority(word(offset) as usize),
            PENDING..ENABLE => Register::Pending(word(offset - PENDING)),
            ENABLE..CONTEXT => {
                let at = offset - ENABLE;
                Register::Enable((at / ENABLE_STRIDE) as usize, word(at % ENABLE_STRIDE))
            }
            _ => {
                let context = ((offset - CONTEXT) / CONTEXT_STRIDE) as usize;
                match offset % CONTEXT_STRIDE {
                    0 => Register::Threshold(context),
                    4 => Register::Claim(context),
                    _ => return None,
                }
            }
        };
        let exists = match register {
            Register::Priority(source) => (1..=MAX_SOURCES as usize).contains(&source),
            Register::Pending(word) => word < words,
            Register::Enable(context, word) => context < contexts && word < words,
            Register::Threshold(context) | Register::Claim(context) => context < contexts,
        };
        exists.then_some(register)
    }
}

impl State {
    /// The source of highest priority, the lowest number among equals, and its priority.
    fn best(&self, candidates: Sources) -> (u32, u8) {
        let mut best = (0, 0);
        let mut rest = candidates;
        while rest != 0 {
            let source = rest.trailing_zeros();
            rest &= rest - 1;
            let priority = self.priority[source as usize];
            if priority > best.1 {
                best = (source, priority);
            }
        }
        best
    }

    /// Claims do not look at the threshold (specification, section 8).
    fn claim(&mut self, context: usize) -> u32 {
        let (source, _) = self.best(self.pending & self.contexts[context].enable);
        if source != 0 {
            self.pending &= !(1 << source);
            self.in_service |= 1 << source;
        }
        source
    }

    /// A completion for a source that is not enabled here is ignored (section 9).
    fn complete(&mut self, context: usize, source: u32) {
        let bit = 1_u128.checked_shl(source).unwrap_or(0);
        if self.contexts[context].enable & self.in_service & bit != 0 {
            self.in_service &= !bit;
            self.pending |= self.level & bit;
        }
    }
}

fn word_of(sources: Sources, word: u32) -> u32 {
    (sources >> (32 * word)) as u32
}

fn with_word(sources: Sources, word: u32, value: u32) -> Sources {
    let existing = ((1 << (MAX_SOURCES + 1)) - 1) & !1;
    let shift = 32 * word;
    (sources & !(Sources::from(u32::MAX) << shift) | Sources::from(value) << shift) & existing
}

impl Model for Plic {
    const NAME: &'static str = "plic";
    const WINDOW: u64 = WINDOW;
    const INTERRUPTS: bool = false;

    fn sample() -> Self {
        Self::new(9, &[1, 2])
    }
}

impl Device for Plic {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn read(&mut self, _ctx: &mut Context<'_>, offset: u64, size: u8) -> u64 {
        let Some(register) = self.register(offset).filter(|_| size == 4) else { return 0 };
        let state = &mut self.state;
        u64::from(match register {
            Register::Priority(source) => u32::from(state.priority[source]),
            Register::Pending(word) => word_of(state.pending, word),
            Register::Enable(context, word) => word_of(state.contexts[context].enable, word),
            Register::Threshold(context) => u32::from(state.contexts[context].threshold),
            Register::Claim(context) => state.claim(context),
        })
    }

    fn write(&mut self, _ctx: &mut Context<'_>, offset: u64, size: u8, value: u64) {
        let Some(register) = self.register(offset).filter(|_| size == 4) else { return };
        let (state, value) = (&mut self.state, value as u32);
        match register {
            Register::Priority(source) => state.priority[source] = (value & PRIORITY_MASK) as u8,
            Register::Pending(_) => {}
            Register::Enable(context, word) => {
                let enable = &mut state.contexts[context].enable;
                *enable = with_word(*enable, word, value);
            }
            Register::Threshold(context) => {
                state.contexts[context].threshold = (value & PRIORITY_MASK) as u8;
            }
            Register::Claim(context) => state.complete(context, value),
        }
    }

    fn fdt_node(&self, fdt: &mut vm_fdt::FdtWriter, wiring: &Wiring) -> Result<(), vm_fdt::Error> {
        let compatible = ["sifive,plic-1.0.0", "riscv,plic0"];
        let node = fdt::begin(fdt, "interrupt-controller", &compatible, wiring)?;
        fdt.property_null("interrupt-controller")?;
        fdt.property_u32("#interrupt-cells", 1)?;
        fdt.property_u32("#address-cells", 0)?;
        let targets = fdt::per_hart(&self.intc_phandles, EXTERNAL_LINES);
        fdt.property_array_u32("interrupts-extended", &targets)?;
        fdt.property_u32("riscv,ndev", MAX_SOURCES)?;
        fdt.property_phandle(self.phandle)?;
        fdt.end_node(node)
    }

    fn save(&self) -> Vec<u8> {
        state::save(&self.state)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let fresh: State = state::load(Self::NAME, state)?;
        let (has, needs) = (fresh.contexts.len(), self.state.contexts.len());
        if has != needs || fresh.priority.len() != self.state.priority.len() {
            return Err(format!(
                "restoring plic: the saved state has {has} contexts, this machine {needs}; \
                 restore with the number of harts it was saved with"
            ));
        }
        self.state = fresh;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    const CLAIM: u64 = CONTEXT + 4;

    fn bench() -> Bench<Plic> {
        Bench::new(Plic::sample())
    }

    /// Source `source` with `priority`, enabled for `context`.
    fn enable(plic: &mut Bench<Plic>, context: u64, source: u64, priority: u64) {
        plic.write(4 * source, 4, priority);
        let word = ENABLE + context * ENABLE_STRIDE + source / 32 * 4;
        let old = plic.read(word, 4);
        plic.write(word, 4, old | 1 << (source % 32));
    }

    #[test]
    fn claim_gives_the_highest_priority_then_the_lowest_number() {
        let mut plic = bench();
        for (source, priority) in [(5, 1), (70, 3), (96, 3), (9, 2)] {
            enable(&mut plic, 1, source, priority);
            plic.device.set_level(source as u32, true);
        }
        let claims: Vec<u64> = (0..5).map(|_| plic.read(CLAIM + CONTEXT_STRIDE, 4)).collect();
        assert_eq!(claims, [70, 96, 9, 5, 0]);
    }

    #[test]
    fn a_level_asks_again_only_after_completion() {
        let mut plic = bench();
        enable(&mut plic, 0, 7, 1);
        plic.device.set_level(7, true);
        assert!(plic.device.pending(0) && !plic.device.pending(1));
        assert_eq!(plic.read(CLAIM, 4), 7);
        plic.device.set_level(7, true);
        assert!(!plic.device.pending(0));
        plic.write(CLAIM, 4, 7);
        assert!(plic.device.pending(0));
        assert_eq!(plic.read(CLAIM, 4), 7);
        plic.device.set_level(7, false);
        plic.write(CLAIM, 4, 7);
        assert!(!plic.device.pending(0));
    }

    #[test]
    fn a_request_outlives_its_line() {
        let mut plic = bench();
        enable(&mut plic, 0, 7, 1);
        plic.device.set_level(7, true);
        plic.device.set_level(7, false);
        assert_eq!(plic.read(PENDING, 4), 1 << 7);
        assert_eq!(plic.read(CLAIM, 4), 7);
        assert_eq!(plic.read(PENDING, 4), 0);
    }

    #[test]
    fn threshold_and_priority_zero_hold_interrupts_back() {
        let mut plic = bench();
        enable(&mut plic, 0, 3, 0);
        plic.device.set_level(3, true);
        assert!(!plic.device.pending(0));
        assert_eq!(plic.read(CLAIM, 4), 0);
        plic.write(4 * 3, 4, 4);
        plic.write(CONTEXT, 4, 4);
        assert!(!plic.device.pending(0));
        plic.write(CONTEXT, 4, 3);
        assert!(plic.device.pending(0));
    }

    #[test]
    fn a_completion_from_a_context_without_the_source_is_ignored() {
        let mut plic = bench();
        enable(&mut plic, 0, 7, 1);
        plic.device.set_level(7, true);
        plic.read(CLAIM, 4);
        plic.write(CLAIM + CONTEXT_STRIDE, 4, 7);
        assert!(!plic.device.pending(0));
        for bogus in [0, 8, 127, 128, u64::from(u32::MAX)] {
            plic.write(CLAIM, 4, bogus);
        }
        assert!(!plic.device.pending(0));
        plic.write(CLAIM, 4, 7);
        assert!(plic.device.pending(0));
    }

    #[test]
    fn fields_keep_only_the_bits_that_exist() {
        let mut plic = bench();
        plic.write(ENABLE, 4, u64::from(u32::MAX));
        plic.write(ENABLE + 12, 4, u64::from(u32::MAX));
        plic.write(4, 4, 0xff);
        plic.write(0, 4, 1);
        assert_eq!(plic.read(ENABLE, 4), 0xffff_fffe);
        assert_eq!(plic.read(ENABLE + 12, 4), 1);
        assert_eq!((plic.read(4, 4), plic.read(0, 4), plic.read(4, 8)), (7, 0, 0));
        plic.device.set_level(0, true);
        plic.device.set_level(97, true);
        plic.device.set_level(4000, true);
        assert_eq!(plic.read(PENDING, 4), 0);
    }

    #[test]
    fn a_restored_controller_still_owes_a_completion() {
        let mut plic = bench();
        enable(&mut plic, 3, 33, 2);
        plic.device.set_level(33, true);
        assert_eq!(plic.read(CLAIM + 3 * CONTEXT_STRIDE, 4), 33);
        plic.hand_over(Plic::sample());
        assert!(!plic.device.pending(3));
        plic.write(CLAIM + 3 * CONTEXT_STRIDE, 4, 33);
        assert!(plic.device.pending(3));
    }

    #[test]
    fn a_state_for_another_number_of_harts_is_refused() {
        let state = Plic::new(1, &[1]).save();
        assert!(Plic::sample().restore(&state).unwrap_err().contains("number of harts"));
    }
}

//! Images: many programs in one bare-metal executable, so that one start of a machine runs them all.

use crate::asm::Asm;
use crate::body::{Body, Features};
use crate::elf::{self, Segment};
use crate::harness::{self, Routines};
use crate::layout::{self, init_block};
use crate::programs::Kind;
use crate::random::Random;
use crate::values;

/// What names a program: the same recipe gives the same code for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// What it exercises.
    pub kind: Kind,
    /// Seed of its randomness.
    pub seed: u64,
    /// How many steps of it are emitted.
    pub steps: usize,
}

/// A program's place in the image.
#[derive(Clone, Debug)]
pub struct Placed {
    /// What it is.
    pub recipe: Recipe,
    /// Address of its first random instruction.
    pub start: u64,
    /// Address after its last.
    pub end: u64,
}

/// An executable image and what is in it.
#[derive(Clone, Debug)]
pub struct Image {
    /// Where execution starts.
    pub entry: u64,
    /// Code and initial data.
    pub segments: Vec<Segment>,
    /// The programs, in execution order.
    pub programs: Vec<Placed>,
}

impl Image {
    /// Builds an image of `recipes`, at most [`layout::MAX_PROGRAMS`].
    #[must_use]
    pub fn build(recipes: &[Recipe], features: &Features) -> Self {
        assert!(recipes.len() <= layout::MAX_PROGRAMS, "the image has room for fewer programs");
        let mut asm = Asm::new(layout::CODE);
        let routines = harness::prologue(&mut asm);
        let mut segments = Vec::new();
        let mut programs = Vec::new();
        for (index, &recipe) in recipes.iter().enumerate() {
            harness::enter(&mut asm, routines, index);
            let placed = emit(&mut asm, routines, features, index, recipe, &mut segments);
            programs.push(placed);
            harness::leave(&mut asm, routines);
        }
        harness::epilogue(&mut asm);
        assert!(asm.here() <= layout::CODE_END, "the code does not fit; use fewer programs");
        segments.insert(0, Segment { address: layout::CODE, bytes: asm.code().to_vec() });
        Self { entry: layout::CODE, segments, programs }
    }

    /// The image as an executable file.
    #[must_use]
    pub fn elf(&self) -> Vec<u8> {
        elf::write(self.entry, &self.segments, &[("tohost", layout::TOHOST)])
    }

    /// The text of `program`'s instructions.
    #[must_use]
    pub fn listing(&self, program: &Placed) -> String {
        let code = &self.segments[0].bytes;
        let mut text = String::new();
        let mut pc = program.start;
        while pc < program.end {
            let at = (pc - layout::CODE) as usize;
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&code[at..at + 4]);
            let raw = u32::from_le_bytes(bytes);
            let (len, line) = match isa::decode(raw) {
                Some(inst) => (u64::from(inst.len), isa::disassemble(&inst, pc)),
                None if raw & 3 == 3 => (4, format!(".word {raw:#010x}")),
                None => (2, format!(".half {:#06x}", raw & 0xffff)),
            };
            text += &format!("  {pc:#x}: {line}\n");
            pc += len;
        }
        text
    }
}

fn emit(
    asm: &mut Asm,
    routines: Routines,
    features: &Features,
    index: usize,
    recipe: Recipe,
    segments: &mut Vec<Segment>,
) -> Placed {
    let mut body = Body::new(asm, features, index, recipe.seed);
    body.supervisor_handler = routines.supervisor_handler;
    let integers = body.initial_integers();
    let scratch = scratch_content(&mut body.random);
    let mut init = initial_state(&integers, &mut body.random, index);
    recipe.kind.emit(&mut body, recipe.steps);
    let (start, end) = (body.start, body.asm.here());
    segments.append(&mut body.memory);
    init[..8].copy_from_slice(&end.to_le_bytes());
    segments.push(Segment { address: layout::init(index), bytes: init });
    segments.push(Segment { address: layout::scratch(index) + 2048, bytes: scratch });
    Placed { recipe, start, end }
}

/// The memory that the pointers' offsets reach: floating-point operands below, integers above.
fn scratch_content(random: &mut Random) -> Vec<u8> {
    let float = (0..256).map(|_| values::float(random)).collect::<Vec<_>>();
    let integer = (0..256).map(|_| values::integer(random));
    float.into_iter().chain(integer.collect::<Vec<_>>()).flat_map(u64::to_le_bytes).collect()
}

fn initial_state(integers: &[u64; 32], random: &mut Random, index: usize) -> Vec<u8> {
    let mut block: Vec<u8> = integers.iter().flat_map(|x| x.to_le_bytes()).collect();
    for _ in 0..32 {
        block.extend(values::float(random).to_le_bytes());
    }
    let rounding = random.below(5) as u64;
    block.extend((rounding << 5 | random.bits() & 0x1f).to_le_bytes());
    block.extend(layout::result(index).to_le_bytes());
    assert_eq!(block.len(), init_block::SIZE, "the block is as the harness expects it");
    block
}

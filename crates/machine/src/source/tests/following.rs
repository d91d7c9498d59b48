//! What a hart leaves behind is the same whether it is followed or its records are.

use super::*;
use stream::{Bytes, Followed, Follower, MemAccess, Translate, Walker};

/// Digests all it is shown, less what may be left out.
struct Seen {
    line: u64,
    digest: blake3::Hasher,
}

impl Seen {
    const LINE_LOG2: u32 = 6;

    fn note(&mut self, what: &str) {
        self.digest.update(what.as_bytes());
    }
}

impl Follower for Seen {
    fn line_log2(&self) -> u32 {
        Self::LINE_LOG2
    }

    fn fetch(&mut self, bytes: &Bytes, walk: &mut Walker<'_>) {
        let [first, last] = [bytes.pa, bytes.last()].map(|pa| pa.0 >> Self::LINE_LOG2);
        if [first, last] != [self.line; 2] {
            self.note(&format!("{bytes:?} {:?}", walk(bytes.pc, Translate::Fetch)));
        }
        self.line = last;
    }

    fn access(&mut self, pc: VirtAddr, asid: u16, access: &MemAccess, walk: &mut Walker<'_>) {
        self.note(&format!("{pc:?} {asid} {access:?} {:?}", walk(access.va, Translate::Load)));
    }

    fn branch(&mut self, pc: VirtAddr, end: VirtAddr, branch: &Branch) {
        self.note(&format!("{pc:?} {end:?} {branch:?}"));
    }
}

/// Steps of random length as warming makes them, a cycle an instruction; the hart is followed, or it is
/// asked for its records.
struct Warming {
    random: Random,
    follows: bool,
    seen: Seen,
    followed: u64,
    executed: u64,
}

impl Warming {
    fn follow(&mut self, hart: HartId, most: u64, source: &mut dyn Source) -> Followed {
        if !self.follows {
            return Followed { instructions: 0, goes_on: true };
        }
        let followed = source.follow(hart, most, &mut self.seen);
        self.followed += followed.instructions;
        followed
    }

    fn execute(&mut self, hart: HartId, most: u64, source: &mut dyn Source) -> u64 {
        let mut executed = 0;
        while executed < most {
            let followed = self.follow(hart, most - executed, source);
            executed += followed.instructions;
            if executed >= most || !followed.goes_on {
                break;
            }
            match source.next(hart) {
                Fetched::Instr(instr) => {
                    executed += 1;
                    self.seen.instr(&instr, &mut |va, what| source.walk(hart, va, what));
                    if instr.event == stream::Event::Exception {
                        break;
                    }
                }
                Fetched::Flush(scope) => self.seen.note(&format!("{scope:?}")),
                _ => break,
            }
        }
        executed
    }
}

impl Timing for Warming {
    fn pace(&self) -> Pace {
        Pace { instruction: CYCLE, ..Pace::exact(CYCLE) }
    }

    fn advance(&mut self, hart: HartId, now: Picos, _: Picos, source: &mut dyn Source) -> Picos {
        let longest = if self.random.below(2) == 0 { 6 } else { 200 };
        let most = 1 + self.random.below(longest) as u64;
        let executed = self.execute(hart, most, source);
        self.executed += executed;
        now + Picos(CYCLE.0 * executed)
    }

    fn idle(&mut self, _: HartId, _: Picos) {}
}

#[test]
fn a_hart_that_is_followed_leaves_behind_what_its_records_say() {
    let images = Kind::ALL.into_iter().map(|kind| (1, format!("{kind:?}"), image(kind)));
    for (harts, name, elf) in images.chain([(2, "contenders".to_owned(), contenders(500))]) {
        let run = |follows| {
            let mut machine = machine(harts, &elf);
            let seen = Seen { line: 0, digest: blake3::Hasher::new() };
            let random = Random::new(9);
            let mut timing = Warming { random, follows, seen, followed: 0, executed: 0 };
            to_the_end(|deadline| machine.run_timed(&mut timing, deadline));
            let left = timing.seen.digest.finalize();
            (timing.followed, (left, timing.executed, machine.retired(), machine.state_digest()))
        };
        let ((none, recorded), (followed, left)) = (run(false), run(true));
        assert_eq!(none, 0);
        assert!(
            followed * 4 > left.1,
            "{name}: followed for {followed} of {} instructions",
            left.1
        );
        assert_eq!(left, recorded, "{name}");
    }
}

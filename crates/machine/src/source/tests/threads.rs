//! Which thread of Linux runs.

use super::*;

const TASK: u64 = 0xffff_ffd8_0012_3400;
const USER_TLS: u64 = 0x3f_8000_1000;

/// Asks which thread runs, and executes nothing.
struct Asking(Option<u64>);

impl Timing for Asking {
    fn pace(&self) -> Pace {
        Pace::exact(CYCLE)
    }

    fn advance(&mut self, hart: HartId, now: Picos, _: Picos, source: &mut dyn Source) -> Picos {
        self.0 = source.thread(hart);
        now + CYCLE
    }

    fn idle(&mut self, _: HartId, _: Picos) {}
}

fn thread(sscratch: u64, tp: u64) -> Option<u64> {
    let mut machine = machine(1, &assembled(pass));
    machine.hart_mut(0).csr.sscratch = sscratch;
    machine.hart_mut(0).x[4] = tp;
    let mut asking = Asking(None);
    assert_eq!(machine.run_timed(&mut asking, CYCLE), Event::Deadline);
    asking.0
}

#[test]
fn the_task_is_in_sscratch_while_a_program_runs_and_in_tp_while_the_kernel_does() {
    assert_eq!(thread(TASK, USER_TLS), Some(TASK), "a program");
    assert_eq!(thread(0, TASK), Some(TASK), "the kernel");
    assert_eq!(
        thread(USER_TLS, TASK),
        Some(TASK),
        "entry from a program, before sscratch is cleared"
    );
    assert_eq!(thread(TASK, 0), Some(TASK), "entry from the kernel, before tp is set");
    assert_eq!(thread(0, USER_TLS), None, "no Linux");
}

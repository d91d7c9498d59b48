//! When the function is scheduled for a request.
//!
//! The operating system's scheduler knows; the units' papers have it start them (D. Schall et al.,
//! "Lukewarm serverless functions", ISCA 2022, section 3.3). Here the experiment tells when a request
//! reaches the machine, and the function is scheduled when its address space is first active on the core
//! after that: from the kernel's switch to it on, or, where the kernel kept it while the core was idle,
//! from the first instruction after the wake-up.
//!
//! Which address space is the function's is learned: the one in which most user instructions ran while
//! requests were served. Until a request has been served nobody knows, so the first one that is told of
//! starts nothing.

/// Learns the address space of the function and tells when it is scheduled.
#[derive(Clone, Debug, Default)]
pub struct Trigger {
    phase: Phase,
    /// The address space of the function, as far as it is known.
    function: Option<u16>,
    /// What user code ran in each address space while requests were served.
    ran: Vec<(u16, u64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// No request is served.
    #[default]
    Idle,
    /// A request has come.
    Awaiting,
    /// The function has been scheduled for it.
    Scheduled,
}

impl Trigger {
    /// A request has reached the machine.
    pub fn begin_request(&mut self) {
        self.phase = Phase::Awaiting;
        // Of several the one that was seen first, so that nothing depends on numbers.
        let most = self.ran.iter().rev().max_by_key(|(_, amount)| *amount);
        self.function = most.map(|(asid, _)| *asid);
    }

    /// Its reply has left; whether the function had been scheduled for it.
    pub fn end_request(&mut self) -> bool {
        std::mem::take(&mut self.phase) == Phase::Scheduled
    }

    /// So much user code (instructions, or what stands for them) ran in an address space.
    pub fn ran(&mut self, asid: u16, amount: u64) {
        if self.phase == Phase::Idle || amount == 0 {
            return;
        }
        match self.ran.iter_mut().find(|(known, _)| *known == asid) {
            Some((_, sum)) => *sum += amount,
            None => self.ran.push((asid, amount)),
        }
    }

    /// An instruction is executed in an address space; whether it is the function's first for a request.
    pub fn schedules(&mut self, asid: u16) -> bool {
        let first = self.phase == Phase::Awaiting && self.function == Some(asid);
        if first {
            self.phase = Phase::Scheduled;
        }
        first
    }

    /// Whether what runs in `asid` is the function, which was scheduled for a request.
    #[must_use]
    pub fn is_serving(&self, asid: u16) -> bool {
        self.phase == Phase::Scheduled && self.function == Some(asid)
    }

    /// Whether `asid` is the function's address space.
    #[must_use]
    pub fn is_function(&self, asid: u16) -> bool {
        self.function == Some(asid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A request during which `ran` ran.
    fn serve(trigger: &mut Trigger, ran: &[(u16, u64)]) {
        trigger.begin_request();
        ran.iter().for_each(|&(asid, amount)| trigger.ran(asid, amount));
        trigger.end_request();
    }

    #[test]
    fn the_address_space_that_ran_most_while_requests_were_served_is_the_functions() {
        let mut trigger = Trigger::default();
        trigger.ran(3, 1_000_000);
        serve(&mut trigger, &[(7, 100), (8, 90)]);
        serve(&mut trigger, &[(8, 30), (7, 10)]);
        trigger.begin_request();
        assert!(!trigger.schedules(3), "it ran while nothing was asked for");
        assert!(!trigger.schedules(7), "110 to 120");
        assert!(trigger.schedules(8));
    }

    #[test]
    fn the_function_is_scheduled_once_a_request_and_serves_until_its_end() {
        let mut trigger = Trigger::default();
        serve(&mut trigger, &[(7, 100)]);
        assert!(!trigger.schedules(7), "no request has come");
        trigger.begin_request();
        assert!(!trigger.is_serving(7));
        assert!(trigger.schedules(7));
        assert!(!trigger.schedules(7));
        assert!(trigger.is_serving(7) && !trigger.is_serving(8));
        assert!(trigger.end_request());
        assert!(!trigger.is_serving(7) && trigger.is_function(7));
    }

    #[test]
    fn the_first_request_schedules_nothing() {
        let mut trigger = Trigger::default();
        trigger.begin_request();
        trigger.ran(7, 100);
        assert!(!trigger.schedules(7));
        assert!(!trigger.end_request());
    }
}

use super::*;
use proptest::prelude::*;
use ram::{CHUNK, RAM_BASE};

#[derive(Debug, PartialEq, Eq)]
enum Did {
    Start(usize, Entry),
    Stop(usize),
    Suspend(usize, Option<Entry>),
    Timer(usize, u64),
    Ipi(usize),
    Fence(usize, Fence),
    Reset(Reset),
}

/// Four harts, of which only hart 0 runs.
struct Host {
    ram: Ram,
    did: Vec<Did>,
    output: Vec<u8>,
    input: Vec<u8>,
}

impl Host {
    fn new() -> Self {
        Self { ram: Ram::new(CHUNK), did: vec![], output: vec![], input: b"in".to_vec() }
    }

    fn call(&mut self, extension: u64, function: u64, args: &[u64]) -> Reply {
        let mut all = [0; 6];
        all[..args.len()].copy_from_slice(args);
        call(self, 0, Call { args: all, function, extension })
    }
}

impl SbiHost for Host {
    fn hart_count(&self) -> usize {
        4
    }
    fn hart_state(&self, hart: usize) -> HartState {
        if hart == 0 { HartState::Started } else { HartState::Stopped }
    }
    fn start_hart(&mut self, hart: usize, entry: Entry) {
        self.did.push(Did::Start(hart, entry));
    }
    fn stop_hart(&mut self, hart: usize) {
        self.did.push(Did::Stop(hart));
    }
    fn suspend_hart(&mut self, hart: usize, resume: Option<Entry>) {
        self.did.push(Did::Suspend(hart, resume));
    }
    fn set_timer(&mut self, hart: usize, time: u64) {
        self.did.push(Did::Timer(hart, time));
    }
    fn send_ipi(&mut self, hart: usize) {
        self.did.push(Did::Ipi(hart));
    }
    fn remote_fence(&mut self, hart: usize, fence: Fence) {
        self.did.push(Did::Fence(hart, fence));
    }
    fn system_reset(&mut self, reset: Reset) {
        self.did.push(Did::Reset(reset));
    }
    fn ram(&mut self) -> &mut Ram {
        &mut self.ram
    }
    fn console_write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }
    fn console_read(&mut self) -> Option<u8> {
        (!self.input.is_empty()).then(|| self.input.remove(0))
    }
}

fn ok(value: u64) -> Reply {
    Reply::Pair { error: 0, value }
}

fn error(error: SbiError) -> Reply {
    Err(error).into()
}

#[test]
fn the_interface_says_it_is_version_two() {
    assert_eq!(Host::new().call(BASE, 0, &[]), ok(0x0200_0000));
    assert_eq!(Host::new().call(BASE, 4, &[]), ok(0));
    assert_eq!(Host::new().call(BASE, 7, &[]), error(SbiError::NotSupported));
}

#[test]
fn probing_finds_what_is_served_and_nothing_else() {
    for extension in [BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN, 1, 2] {
        assert_eq!(Host::new().call(BASE, 3, &[extension]), ok(1), "{extension:#x}");
    }
    let (pmu, susp, sta) = (0x50_4d55, 0x5355_5350, 0x53_5441);
    for extension in [pmu, susp, sta, 3, 0x7fff_ffff] {
        assert_eq!(Host::new().call(BASE, 3, &[extension]), ok(0), "{extension:#x}");
        let reply = Host::new().call(extension, 0, &[]);
        assert_eq!(reply, error(SbiError::NotSupported), "{extension:#x}");
    }
}

#[test]
fn extension_ids_that_were_sign_extended_are_recognised() {
    // 0x8000_0000 and up are negative as 32-bit integers; none of ours is, but the rule is general.
    let reply = Host::new().call(0xffff_ffff_0000_0000 | BASE, 0, &[]);
    assert_eq!(reply, ok(0x0200_0000));
}

#[test]
fn a_hart_mask_selects_harts_from_its_base_on() {
    let mut host = Host::new();
    assert_eq!(host.call(IPI, 0, &[0b101, 1]), ok(0));
    assert_eq!(host.did, [Did::Ipi(1), Did::Ipi(3)]);
}

#[test]
fn a_base_of_all_ones_selects_every_hart_whatever_the_mask() {
    let mut host = Host::new();
    assert_eq!(host.call(IPI, 0, &[0, u64::MAX]), ok(0));
    assert_eq!(host.did.len(), 4);
}

#[test]
fn a_mask_that_names_a_missing_hart_is_refused_whole() {
    for (mask, base) in [(0b1_0000, 0), (0b11, 3), (1, 4), (0, 4), (1 << 63, 0), (2, u64::MAX - 1)]
    {
        let mut host = Host::new();
        assert_eq!(host.call(IPI, 0, &[mask, base]), error(SbiError::InvalidParam));
        assert_eq!(host.call(RFENCE, 0, &[mask, base]), error(SbiError::InvalidParam));
        assert!(host.did.is_empty(), "mask {mask:#x} base {base}");
    }
    assert_eq!(Host::new().call(IPI, 0, &[0, 3]), ok(0));
}

#[test]
fn remote_fences_carry_range_and_address_space() {
    let mut host = Host::new();
    let fence = |range, asid| Fence::Translation { range, asid };
    assert_eq!(host.call(RFENCE, 0, &[2, 0]), ok(0));
    assert_eq!(host.call(RFENCE, 1, &[2, 0, 0x1000, 0x2000]), ok(0));
    assert_eq!(host.call(RFENCE, 1, &[2, 0, 0, 0]), ok(0));
    assert_eq!(host.call(RFENCE, 2, &[2, 0, 0x1000, u64::MAX, 9]), ok(0));
    let expected = [
        Fence::Instruction,
        fence(Some((0x1000, 0x2000)), None),
        fence(None, None),
        fence(None, Some(9)),
    ];
    assert_eq!(host.did, expected.map(|fence| Did::Fence(1, fence)));
    for hypervisor in 3..=6 {
        assert_eq!(host.call(RFENCE, hypervisor, &[1, 0]), error(SbiError::NotSupported));
    }
}

#[test]
fn the_timer_is_set_by_both_generations_of_the_call() {
    let mut host = Host::new();
    assert_eq!(host.call(TIME, 0, &[77]), ok(0));
    assert_eq!(host.call(LEGACY_SET_TIMER, 0, &[78]), Reply::Legacy(0));
    assert_eq!(host.did, [Did::Timer(0, 77), Did::Timer(0, 78)]);
}

#[test]
fn a_hart_starts_once_and_only_in_ram() {
    let mut host = Host::new();
    let pc = RAM_BASE + 0x1000;
    assert_eq!(host.call(HSM, 0, &[4, pc, 5]), error(SbiError::InvalidParam));
    assert_eq!(host.call(HSM, 0, &[0, pc, 5]), error(SbiError::AlreadyAvailable));
    for bad in [0x1000, RAM_BASE + CHUNK, RAM_BASE + 1, u64::MAX] {
        assert_eq!(host.call(HSM, 0, &[1, bad, 5]), error(SbiError::InvalidAddress));
    }
    assert!(host.did.is_empty());
    assert_eq!(host.call(HSM, 0, &[1, pc, 5]), ok(0));
    assert_eq!(host.did, [Did::Start(1, Entry { pc, opaque: 5 })]);
}

#[test]
fn hart_states_are_reported_by_their_numbers() {
    assert_eq!(Host::new().call(HSM, 2, &[0]), ok(0));
    assert_eq!(Host::new().call(HSM, 2, &[3]), ok(1));
    assert_eq!(Host::new().call(HSM, 2, &[4]), error(SbiError::InvalidParam));
}

#[test]
fn stopping_does_not_return() {
    let mut host = Host::new();
    assert_eq!(host.call(HSM, 1, &[]), Reply::NoReturn);
    assert_eq!(host.did, [Did::Stop(0)]);
}

#[test]
fn a_retentive_suspend_returns_and_a_non_retentive_one_resumes_elsewhere() {
    let mut host = Host::new();
    let entry = Entry { pc: RAM_BASE, opaque: 3 };
    assert_eq!(host.call(HSM, 3, &[0, 0, 0]), ok(0));
    assert_eq!(host.call(HSM, 3, &[0x8000_0000, entry.pc, 3]), Reply::NoReturn);
    assert_eq!(host.did, [Did::Suspend(0, None), Did::Suspend(0, Some(entry))]);
    let bad = host.call(HSM, 3, &[0x8000_0000, 0, 3]);
    assert_eq!(bad, error(SbiError::InvalidAddress));
    for reserved in [1, 0x1000_0000, 0x8000_0001, 0x9000_0000, 1 << 40] {
        assert_eq!(host.call(HSM, 3, &[reserved, 0, 0]), error(SbiError::InvalidParam));
    }
}

#[test]
fn resets_name_their_kind_and_reason() {
    let mut host = Host::new();
    assert_eq!(host.call(SRST, 0, &[0, 0]), Reply::NoReturn);
    assert_eq!(host.call(SRST, 0, &[1, 1]), Reply::NoReturn);
    assert_eq!(host.call(LEGACY_SHUTDOWN, 0, &[]), Reply::NoReturn);
    let reset = |kind, failure| Did::Reset(Reset { kind, failure });
    let shutdown = reset(ResetKind::Shutdown, false);
    assert_eq!(host.did[..2], [shutdown, reset(ResetKind::ColdReboot, true)]);
    assert_eq!(host.did[2], reset(ResetKind::Shutdown, false));
    assert_eq!(host.call(SRST, 0, &[3, 0]), error(SbiError::InvalidParam));
    assert_eq!(host.call(SRST, 0, &[0, 2]), error(SbiError::InvalidParam));
    assert_eq!(host.did.len(), 3);
}

#[test]
fn the_debug_console_writes_from_and_reads_into_ram() {
    let mut host = Host::new();
    host.ram.write(RAM_BASE + 8, b"text").unwrap();
    assert_eq!(host.call(DBCN, 0, &[4, RAM_BASE + 8, 0]), ok(4));
    assert_eq!(host.call(DBCN, 2, &[u64::from(b'!')]), ok(0));
    assert_eq!(host.output, b"text!");
    assert_eq!(host.call(DBCN, 1, &[16, RAM_BASE, 0]), ok(2));
    assert_eq!(host.call(DBCN, 1, &[16, RAM_BASE, 0]), ok(0));
    let mut read = [0; 2];
    host.ram.read(RAM_BASE, &mut read).unwrap();
    assert_eq!(&read, b"in");
}

#[test]
fn the_debug_console_refuses_memory_that_is_not_ram_and_loses_no_input() {
    let mut host = Host::new();
    for function in [0, 1] {
        for args in [[4, 0x1000, 0], [4, RAM_BASE, 1], [CHUNK + 1, RAM_BASE, 0], [u64::MAX; 3]] {
            assert_eq!(host.call(DBCN, function, &args), error(SbiError::InvalidParam));
        }
    }
    assert_eq!((host.output.len(), host.input.len()), (0, 2));
}

#[test]
fn legacy_console_calls_write_only_a0() {
    let mut host = Host::new();
    assert_eq!(host.call(1, 0, &[u64::from(b'x')]), Reply::Legacy(0));
    assert_eq!(host.call(2, 0, &[]), Reply::Legacy(i64::from(b'i')));
    host.input.clear();
    assert_eq!(host.call(2, 0, &[]), Reply::Legacy(-1));
    assert_eq!(host.output, b"x");
}

proptest! {
    #[test]
    fn no_call_panics_whatever_its_arguments(registers: [u64; 8], known in 0usize..11) {
        let extensions = [BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN, 0, 1, 2, 8];
        let mut call_ = Call::from_registers(registers);
        call(&mut Host::new(), 1, call_);
        call_.extension = extensions[known];
        call_.function %= 8;
        call(&mut Host::new(), 1, call_);
    }
}

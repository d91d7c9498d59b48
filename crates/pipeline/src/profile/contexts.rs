//! Calling contexts: who called whom, as far as calls, returns and traps tell (G. Ammons, T. Ball and J. Larus,
//! "Exploiting hardware performance counters with flow and context sensitive profiling", PLDI 1997).
//!
//! Each thread has a shadow stack. A call pushes where it will return to; a return goes back to the
//! frame with that address, wherever in the stack it is, so that frames that were left in another way
//! (`longjmp`, exceptions of C++) go with it. A return to an address that no frame has means that the
//! stack is another than thought (a coroutine, a signal, a program that was replaced, a thread first seen within a
//! call): what is known of the callers is forgotten. A trap pushes a frame that returns do not cross.
//!
//! Left out: tail calls (the caller's frame stands for both, while the place says where it is), the
//! frames above a switch of coroutines up to the first return that does not fit, and calls deeper than
//! [`DEEPEST`], whose frames stand for all that lies deeper.

use super::table::Table;
use stream::VirtAddr;

/// Frames of a shadow stack; deeper calls are counted only.
pub(super) const DEEPEST: usize = 160;
/// Contexts that are told apart; later ones are counted as their callers'.
const MOST: usize = 1 << 21;

/// A calling context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Context(pub(super) u32);

/// All calling contexts, as a tree for each thread.
#[derive(Clone, Debug)]
pub struct Contexts {
    nodes: Vec<Node>,
    table: Table,
    /// What names each thread; the first is one that is not known.
    threads: Vec<(u64, Context)>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    parent: Context,
    thread: u32,
    /// Where it was entered.
    entry: VirtAddr,
}

impl Default for Contexts {
    fn default() -> Self {
        let root = Node { parent: Context(0), thread: 0, entry: VirtAddr(0) };
        Self { nodes: vec![root], table: Table::default(), threads: vec![(0, Context(0))] }
    }
}

impl Contexts {
    /// The number of the thread that is named `name`.
    pub(super) fn thread(&mut self, name: u64) -> usize {
        // The first has no name.
        let known = self.threads.iter().skip(1).position(|(known, _)| *known == name);
        if let Some(number) = known {
            return number + 1;
        }
        let root = Context(self.nodes.len() as u32);
        let thread = self.threads.len() as u32;
        self.nodes.push(Node { parent: root, thread, entry: VirtAddr(0) });
        self.threads.push((name, root));
        thread as usize
    }

    /// Whether thread `number` is named `name`.
    pub(super) fn is_named(&self, number: usize, name: u64) -> bool {
        number > 0 && self.threads[number].0 == name
    }

    /// The context of a thread of which no call is known.
    pub(super) fn root(&self, thread: usize) -> Context {
        self.threads[thread].1
    }

    /// `parent`, within a call of `entry`.
    fn enter(&mut self, parent: Context, entry: VirtAddr) -> Context {
        let number = self.nodes.len() as u32;
        let key = (parent.0, entry.0);
        if self.nodes.len() >= MOST {
            return self.table.find(key).map_or(parent, Context);
        }
        let found = self.table.find_or_insert(key, number);
        if found == number {
            let thread = self.nodes[parent.0 as usize].thread;
            self.nodes.push(Node { parent, thread, entry });
        }
        Context(found)
    }

    /// What names the threads that were seen, in the order in which they were.
    pub fn threads(&self) -> impl Iterator<Item = u64> {
        self.threads.iter().skip(1).map(|(name, _)| *name)
    }

    /// The thread of a context; `None` if it is not known.
    #[must_use]
    pub fn thread_of(&self, context: Context) -> Option<u64> {
        let thread = self.nodes[context.0 as usize].thread;
        (thread > 0).then(|| self.threads[thread as usize].0)
    }

    /// Where the calls of a context went, the innermost first.
    pub fn entries(&self, context: Context) -> impl Iterator<Item = VirtAddr> {
        let parent = |context: Context| {
            let parent = self.nodes[context.0 as usize].parent;
            (parent != context).then_some(parent)
        };
        let all = std::iter::successors(Some(context), move |context| parent(*context));
        let calls = all.filter(move |context| parent(*context).is_some());
        calls.map(|context| self.nodes[context.0 as usize].entry)
    }
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    /// The context that called.
    caller: Context,
    /// The context that was entered.
    entered: Context,
    /// Where it returns to; none of a trap's.
    returns_to: Option<VirtAddr>,
}

/// The calls that a thread is in.
#[derive(Clone, Debug)]
pub(super) struct Stack {
    root: Context,
    frames: Vec<Frame>,
    /// Calls deeper than there are frames for.
    deeper: u64,
}

impl Stack {
    pub(super) fn new(root: Context) -> Self {
        Self { root, frames: Vec::with_capacity(DEEPEST), deeper: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.cut(0);
    }

    #[inline]
    pub(super) fn context(&self) -> Context {
        self.frames.last().map_or(self.root, |frame| frame.entered)
    }

    /// A call of `entry` that will return to `returns_to`.
    #[inline]
    pub(super) fn call(&mut self, entry: VirtAddr, returns_to: VirtAddr, contexts: &mut Contexts) {
        if self.frames.len() >= DEEPEST {
            self.deeper += 1;
            return;
        }
        self.push(entry, Some(returns_to), contexts);
    }

    /// A trap whose handler begins at `entry`.
    pub(super) fn trap(&mut self, entry: VirtAddr, contexts: &mut Contexts) {
        // The frame must be there for the return: a stack that is full has lost its count.
        if self.frames.len() >= DEEPEST {
            self.clear();
        }
        self.push(entry, None, contexts);
    }

    fn push(&mut self, entry: VirtAddr, returns_to: Option<VirtAddr>, contexts: &mut Contexts) {
        let caller = self.context();
        let entered = contexts.enter(caller, entry);
        self.frames.push(Frame { caller, entered, returns_to });
    }

    /// The call just made goes on to `entry`: what was called only leads there.
    pub(super) fn enter_instead(&mut self, entry: VirtAddr, contexts: &mut Contexts) {
        let Some(frame) = self.frames.last_mut() else { return };
        if self.deeper == 0 && frame.returns_to.is_some() {
            frame.entered = contexts.enter(frame.caller, entry);
        }
    }

    /// A return to `target`.
    #[inline]
    pub(super) fn return_to(&mut self, target: VirtAddr) {
        if self.deeper > 0 {
            self.deeper -= 1;
            return;
        }
        for (at, frame) in self.frames.iter().enumerate().rev() {
            match frame.returns_to {
                Some(address) if address == target => return self.cut(at),
                Some(_) => {}
                // Whoever was interrupted does not go on by a return.
                None => return self.cut(at + 1),
            }
        }
        self.clear();
    }

    /// A return from the innermost trap.
    pub(super) fn return_from_trap(&mut self) {
        if let Some(at) = self.frames.iter().rposition(|frame| frame.returns_to.is_none()) {
            self.cut(at);
        }
    }

    /// The thread is in user mode: no trap is under way.
    pub(super) fn leave_kernel(&mut self) {
        if let Some(at) = self.frames.iter().position(|frame| frame.returns_to.is_none()) {
            self.cut(at);
        }
    }

    fn cut(&mut self, at: usize) {
        self.frames.truncate(at);
        self.deeper = 0;
    }
}

//! A model of the log's queues: a thread is killed, interrupted by a signal handler, and read from at every step.
//!
//! The two halves of the protocol are the very files that the library is built from. Between their steps they call
//! [`step`], where a test does what may happen there: nothing orders a kill or a handler, so every place is tried, and every
//! two places together. Threads that run at the same time need no model: one writes, one reads, and what is read was
//! stored with Release.

#[path = "../preload/log/queue/reader.rs"]
mod reader;
#[path = "../preload/log/queue/reserve.rs"]
mod reserve;
#[path = "../preload/log/queue/segment.rs"]
mod segment;

use reader::Reader;
use reserve::{reserve, reserve_further};
use segment::{EVENT, OPEN, Pool, SEGMENT, SLOT, STRIDE, header, is_inside, slots, word};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What happens at a step, by its number.
type Plan = BTreeMap<u32, Rc<dyn Fn()>>;

thread_local! {
    static PLAN: RefCell<Plan> = const { RefCell::new(Plan::new()) };
    static STEPS: Cell<u32> = const { Cell::new(0) };
    /// The most steps of a run since this was set.
    static MOST: Cell<u32> = const { Cell::new(0) };
}

/// Called between the steps of the protocol.
fn step() {
    let number = STEPS.replace(STEPS.get() + 1);
    MOST.set(MOST.get().max(number));
    let event = PLAN.with_borrow(|plan| plan.get(&number).cloned());
    if let Some(event) = event {
        event();
    }
}

fn plan(events: Plan) {
    STEPS.set(0);
    PLAN.set(events);
}

/// Tries one place after the other, until a run has fewer steps.
fn each_step(mut test: impl FnMut(u32)) {
    for number in 0.. {
        MOST.set(0);
        test(number);
        if MOST.get() < number {
            return;
        }
    }
}

/// What a killed thread, or a handler that jumps out, unwinds with.
struct Gone;

fn goes() -> Rc<dyn Fn()> {
    Rc::new(|| resume_unwind(Box::new(Gone)))
}

/// Segments, all of them in one piece of memory.
struct Memory {
    start: *mut u8,
    layout: Layout,
    free: RefCell<BTreeSet<u64>>,
}

impl Memory {
    fn new(count: u64) -> Memory {
        let layout = Layout::from_size_align(((count + 1) * STRIDE) as usize, STRIDE as usize);
        let layout = layout.expect("a layout");
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(layout) };
        assert!(!start.is_null());
        let first = start as u64 + SEGMENT;
        let free = (0..count).map(|number| first + number * STRIDE).collect();
        Memory { start, layout, free: RefCell::new(free) }
    }

    /// What is free is zero in every first word: nobody has written there after it was given back. Only the two ends are
    /// ever used but in one test.
    fn check(&self, segment: u64) {
        let parts = [0..32, SEGMENT / SLOT - 32..SEGMENT / SLOT + 32];
        for place in parts.into_iter().flatten().map(|slot| segment + slot * SLOT) {
            // SAFETY: the place is in the memory.
            let first = unsafe { word(place) }.load(Ordering::Relaxed);
            assert_eq!(first, 0, "slot {}", (place - segment) / SLOT);
        }
        // SAFETY: it is a segment.
        assert_eq!(unsafe { header(segment) }.previous.load(Ordering::Relaxed), 0);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: it was allocated so.
        unsafe { dealloc(self.start, self.layout) };
    }
}

impl Pool for Memory {
    fn take(&self) -> Option<u64> {
        self.free.borrow_mut().pop_first()
    }

    fn give(&self, segment: u64) {
        self.check(segment);
        assert!(self.free.borrow_mut().insert(segment), "given twice");
    }
}

/// One thread's queue, and what became of its calls.
struct Queue {
    next: AtomicU64,
    cursor: AtomicU64,
    memory: Memory,
    count: Cell<u64>,
    begun: RefCell<BTreeSet<u64>>,
    returned: RefCell<BTreeSet<u64>>,
    lost: RefCell<BTreeSet<u64>>,
    read: RefCell<Vec<u64>>,
}

impl Queue {
    /// A queue in a memory of so many segments, whose own one has room for so many slots.
    fn new(room: u64, segments: u64) -> Rc<Queue> {
        let memory = Memory::new(segments);
        let at = memory.take().expect("a segment") + SEGMENT - room * SLOT;
        Rc::new(Queue {
            next: at.into(),
            cursor: at.into(),
            memory,
            count: Cell::new(0),
            begun: RefCell::default(),
            returned: RefCell::default(),
            lost: RefCell::default(),
            read: RefCell::default(),
        })
    }

    /// A call whose record has so many slots, written in the order in which the library does it.
    fn put(&self, slots: u64) {
        let number = self.count.replace(self.count.get() + 1) + 1;
        self.begun.borrow_mut().insert(number);
        step();
        let mut at = reserve(&self.next, slots);
        if !is_inside(at) {
            let Some((_, further)) = reserve_further(&self.next, slots, &self.memory) else {
                self.lost.borrow_mut().insert(number);
                return;
            };
            at = further;
        }
        let store = |place: u64, value| {
            // SAFETY: the slots were taken for this call.
            unsafe { word(place) }.store(value, Ordering::Release);
            step();
        };
        if slots > 1 {
            store(at, OPEN | slots);
        }
        for slot in 1..slots {
            // What looks like a whole record.
            store(at + slot * SLOT, 1 << 40);
        }
        store(at + 8, number);
        store(at, if slots > 1 { EVENT | slots } else { 1 << 41 });
        self.returned.borrow_mut().insert(number);
    }

    fn reader(&self, skips: bool) -> Reader<'_, Memory> {
        Reader { next: &self.next, cursor: &self.cursor, skips, pool: &self.memory }
    }

    fn read(&self, skips: bool) {
        let reader = self.reader(skips);
        while let Some((at, first)) = reader.find() {
            let count = if first & EVENT != 0 { slots(first) } else { 1 };
            // SAFETY: the record is whole.
            self.read.borrow_mut().push(unsafe { word(at + 8) }.load(Ordering::Relaxed));
            reader.free(at, count);
        }
    }

    /// Every call that had returned was read once, and of the others only what had begun.
    fn check(&self) {
        let read: BTreeSet<u64> = self.read.borrow().iter().copied().collect();
        assert_eq!(read.len(), self.read.borrow().len(), "read twice");
        assert!(read.is_superset(&self.returned.borrow()), "{read:?} of {:?}", self.returned.borrow());
        assert!(read.is_subset(&self.begun.borrow()) && read.is_disjoint(&self.lost.borrow()), "{read:?}");
        self.memory.free.borrow().iter().for_each(|segment| self.memory.check(*segment));
    }

    /// Reads to the end, and nothing is left.
    fn check_all(&self) {
        self.read(false);
        self.check();
        assert!(!self.reader(false).has_any() && !self.reader(false).has_later());
        assert_eq!(self.read.borrow().len() + self.lost.borrow().len(), self.begun.borrow().len());
    }

    /// What a handler does.
    fn handler(self: &Rc<Self>, slots: u64, times: u64) -> Rc<dyn Fn()> {
        let queue = Rc::clone(self);
        Rc::new(move || (0..times).for_each(|_| queue.put(slots)))
    }

    fn reading(self: &Rc<Self>) -> Rc<dyn Fn()> {
        let queue = Rc::clone(self);
        Rc::new(move || queue.read(false))
    }
}

/// Whether it ran to its end.
fn run(calls: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(calls)) {
        Ok(()) => true,
        Err(payload) if payload.is::<Gone>() => false,
        Err(payload) => resume_unwind(payload),
    }
}

/// All queues and calls that differ: how much room there is, and how many slots a call and a handler's call take.
fn each(mut test: impl FnMut(Rc<Queue>, u64, u64)) {
    for room in 0..4 {
        for outer in 1..4 {
            for inner in 1..4 {
                test(Queue::new(room, 3), outer, inner);
            }
        }
    }
}

/// At every step a handler, which is killed at every step of its own or after it.
#[test]
fn killed() {
    each_step(|interrupted| {
        each_step(|killed| {
            each(|queue, outer, inner| {
                plan(Plan::from([(interrupted, queue.handler(inner, 2)), (killed, goes())]));
                run(|| (0..2).for_each(|_| queue.put(outer)));
                plan(Plan::new());
                queue.read(true);
                queue.check();
            });
        });
    });
}

/// At every step a handler, and at every step a reader.
#[test]
fn interrupted_and_read() {
    each_step(|interrupted| {
        each_step(|read| {
            each(|queue, outer, inner| {
                plan(Plan::from([(interrupted, queue.handler(inner, 2)), (read, queue.reading())]));
                assert!(run(|| (0..2).for_each(|_| queue.put(outer))));
                plan(Plan::new());
                queue.check_all();
            });
        });
    });
}

/// A handler fills whole segments while a call is between two steps, and the reader gives them back: the call must not take
/// one of them for the one that it knew.
#[test]
fn segments_come_back() {
    const FULL: u64 = SEGMENT / SLOT;
    // A handler that comes later has the same before it.
    for interrupted in 0..40 {
        for outer in 1..4 {
            let queue = Queue::new(0, 6);
            let handler = {
                let queue = Rc::clone(&queue);
                Rc::new(move || {
                    for _ in 0..3 {
                        (0..FULL / 3).for_each(|_| queue.put(3));
                        queue.read(false);
                    }
                })
            };
            plan(Plan::from([(interrupted, handler as Rc<dyn Fn()>)]));
            assert!(run(|| (0..2).for_each(|_| queue.put(outer))));
            plan(Plan::new());
            queue.check_all();
            assert!(queue.lost.borrow().is_empty());
        }
    }
}

/// A handler jumps out of a call at every step, the thread goes on, and the reader gets over what never becomes whole.
#[test]
fn jumped_out() {
    each_step(|gone| {
        each(|queue, outer, inner| {
            plan(Plan::from([(gone, goes())]));
            run(|| queue.put(outer));
            plan(Plan::new());
            (0..3).for_each(|_| queue.put(inner));
            queue.read(false);
            let read = queue.read.borrow().len();
            assert!(read >= queue.returned.borrow().len() || queue.reader(false).has_later());
            queue.read(true);
            queue.check();
        });
    });
}

/// Without memory calls are lost, any number of them, and it goes on when there is some.
#[test]
fn no_memory() {
    let queue = Queue::new(1, 3);
    let taken: Vec<u64> = std::iter::from_fn(|| queue.memory.take()).collect();
    (0..5000).for_each(|_| queue.put(3));
    assert_eq!(queue.lost.borrow().len(), 4999);
    taken.into_iter().for_each(|segment| queue.memory.give(segment));
    queue.put(2);
    queue.check_all();
}

/// A child of fork comes back to a call that began in its parent, and finds nothing where the queue was.
#[test]
fn forked() {
    let queue = Queue::new(1, 3);
    queue.next.store(0, Ordering::Relaxed);
    queue.cursor.store(0, Ordering::Relaxed);
    (0..3).for_each(|_| queue.put(1));
    assert_eq!(queue.lost.borrow().len(), 3);
    assert!(!queue.reader(false).has_any() && !queue.reader(false).has_later());
    queue.check_all();
}

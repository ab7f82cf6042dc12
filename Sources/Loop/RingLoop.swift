internal import CLiburing
import Glibc
import NIOCore
import Synchronization
import WAL

/// A thread that runs connections, a shard and timers by turns: what is complete, what was given to it, the end of
/// the turn; then one system call submits what the turn has prepared and waits for more.
///
/// It is a NIO event loop, so that an engine runs on it as on any other, but its sockets are its own.
// Sound because what is not under `inbox`'s mutex is touched by the loop's own thread only, or is set before another
// thread can know the loop.
package final class RingLoop: @unchecked Sendable {
    // Sound because work is handed over once: `execute` takes only what may change threads, and `submit` of a closure
    // that may not is for the loop's own thread.
    enum Work: @unchecked Sendable {
        case closure(() -> Void)
        case job(UnownedJob)
    }

    private struct Inbox {
        var work: ContiguousArray<Work> = []
        /// The loop sleeps, or is about to: whoever adds work wakes it.
        var isAsleep = false
    }

    private struct Timer {
        let deadline: NIODeadline
        let number: UInt64
        let body: () -> Void
    }

    /// What a completion is for, where it is not for a stream; streams have their address there.
    private static let wakeTag: UInt64 = 0
    private static let acceptTag: UInt64 = 8
    private static let acceptEndTag: UInt64 = 16
    /// From a connection's first segment to its third, for clients who are not farther away than that.
    private static let handshakeTime = TimeAmount.milliseconds(150)
    private static let markTag: UInt64 = 24
    private static let sleepNanosecondsMax: Int64 = 1_000_000_000

    private(set) var ring: SocketRing!
    private var buffers: ReceiveBuffers!
    private var identity: pthread_t = 0
    private var thread: JoinableThread?
    private let wakeDescriptor: Int32
    private let markDescriptor: Int32
    private var backlog = Backlog()
    private let wakeCount: UnsafeMutablePointer<UInt64>

    private let inbox = Mutex(Inbox())
    private var work: ContiguousArray<Work> = []
    private var running: ContiguousArray<Work> = []
    /// Sorted, the next one last. There is a handful of them.
    private var timers: ContiguousArray<Timer> = []
    private var timersMade: UInt64 = 0
    private var turnEnds: [() -> Void] = []
    private var listening: ListeningSocket?
    /// Outlives `listening`: a connection may have been accepted just before its end.
    private var accepted: ((Int32) -> Void)?
    /// A socket that is being left, and what to call then.
    private var leaving: (socket: ListeningSocket, done: () -> Void)?
    private var isStopping = false

    private init() throws(LogError) {
        wakeDescriptor = eventfd(0, Int32(EFD_CLOEXEC))
        markDescriptor = eventfd(0, Int32(EFD_CLOEXEC))
        guard wakeDescriptor >= 0, markDescriptor >= 0 else {
            throw .system(operation: "make the eventfd of", path: "an event loop", errno: errno)
        }
        wakeCount = .allocate(capacity: 1)
        wakeCount.initialize(to: 0)
    }

    deinit {
        Glibc.close(wakeDescriptor)
        Glibc.close(markDescriptor)
        wakeCount.deallocate()
    }

    /// Starts a loop on a thread of its own.
    /// - Throws: what keeps io_uring from working on this machine, and what to change.
    package static func start(number: Int) throws(LogError) -> RingLoop {
        let loop = try RingLoop()
        loop.thread = try JoinableThread.start(name: "holdfast-loop\(number)") { () throws(LogError) in
            // Made here because an io_uring belongs to the thread that made it.
            let ring = try SocketRing()
            loop.buffers = try ReceiveBuffers(ring)
            loop.ring = ring
            loop.identity = pthread_self()
        } run: {
            loop.run()
        }
        return loop
    }

    /// Ends the loop after the turn that runs, and waits for its thread. Its streams are closed before.
    package func stop() {
        submit { self.isStopping = true }
        thread?.join()
    }

    /// Calls `body` at the end of every turn, before the turn's sends are submitted.
    package func atEndOfTurn(_ body: @escaping () -> Void) {
        preconditionInEventLoop()
        turnEnds.append(body)
    }

    /// What has arrived waits too long: it is better refused than answered late. True when waiting has taken more than
    /// 20 ms for 100 ms, false again below 10 ms.
    package var isBehind: Bool { backlog.isBehind }

    var isCurrent: Bool { pthread_equal(pthread_self(), identity) != 0 }
}

// MARK: - Turns

extension RingLoop {
    private func run() {
        prepareWake()
        prepareMark()
        while true {
            runTimers()
            runWork()
            for end in turnEnds { end() }
            if isStopping { break }
            ring.submitAndWait(nanoseconds: patience())
            inbox.withLock { $0.isAsleep = false }
            let completions = ring.visitCompletions(complete)
            let now = NIODeadline.now().uptimeNanoseconds
            if backlog.turnEnded(completions: completions, now: now) { signal(markDescriptor) }
        }
        accepted = nil
        // In this order: the ring ends what the kernel still does in the buffers.
        ring = nil
        buffers = nil
    }

    private func complete(_ userData: UInt64, _ result: Int32, _ flags: UInt32) {
        switch userData {
        case Self.wakeTag: prepareWake()
        case Self.acceptTag: completeAccept(result, flags)
        case Self.acceptEndTag: leave()
        case Self.markTag:
            backlog.markArrived(now: NIODeadline.now().uptimeNanoseconds)
            prepareMark()
        default:
            let address = UnsafeRawPointer(bitPattern: UInt(userData & ~SocketStream.operationMask))!
            let stream = Unmanaged<SocketStream>.fromOpaque(address).takeUnretainedValue()
            let operation = SocketStream.Operation(rawValue: userData & SocketStream.operationMask)!
            stream.complete(operation, result, flags, buffers)
        }
    }

    /// Nanoseconds to sleep; 0 when there is something to do.
    private func patience() -> Int64 {
        guard work.isEmpty else { return 0 }
        let isIdle = inbox.withLock { inbox in
            inbox.isAsleep = inbox.work.isEmpty
            return inbox.isAsleep
        }
        guard isIdle else { return 0 }
        guard let next = timers.last?.deadline else { return Self.sleepNanosecondsMax }
        return min(max(0, (next - .now()).nanoseconds), Self.sleepNanosecondsMax)
    }

    private func prepareWake() { prepareCount(of: wakeDescriptor, Self.wakeTag) }

    private func prepareMark() { prepareCount(of: markDescriptor, Self.markTag) }

    /// Waits for a signal. How many there were is of no interest, so all go to the same place.
    private func prepareCount(of descriptor: Int32, _ tag: UInt64) {
        let entry = ring.entry()
        io_uring_prep_read(entry, descriptor, wakeCount, 8, 0)
        entry.pointee.user_data = tag
    }

    private func signal(_ descriptor: Int32) {
        var one: UInt64 = 1
        // Fails only when it was interrupted; the counter is never full.
        while write(descriptor, &one, 8) < 0 && errno == EINTR {}
    }

    private func runWork() {
        inbox.withLock { inbox in
            if inbox.work.isEmpty { return }
            work.append(contentsOf: inbox.work)
            inbox.work.removeAll(keepingCapacity: true)
        }
        // What these add comes in the next turn, so that sockets have theirs in between.
        swap(&work, &running)
        for item in running { run(item) }
        running.removeAll(keepingCapacity: true)
    }

    private func run(_ item: Work) {
        switch item {
        case .closure(let body): body()
        case .job(let job): job.runSynchronously(on: asUnownedSerialExecutor())
        }
    }

    /// Adds work, from any thread.
    func submit(_ item: Work) {
        if isCurrent { return work.append(item) }
        let mustWake = inbox.withLock { inbox in
            inbox.work.append(item)
            defer { inbox.isAsleep = false }
            return inbox.isAsleep
        }
        if mustWake { signal(wakeDescriptor) }
    }

    package func submit(_ body: @escaping () -> Void) { submit(.closure(body)) }
}

// MARK: - Timers

extension RingLoop {
    /// - Returns: the timer's number, for `cancelTimer`.
    func addTimer(at deadline: NIODeadline, _ body: @escaping () -> Void) -> UInt64 {
        preconditionInEventLoop()
        timersMade += 1
        let index = timers.firstIndex { $0.deadline <= deadline } ?? timers.count
        timers.insert(Timer(deadline: deadline, number: timersMade, body: body), at: index)
        return timersMade
    }

    func cancelTimer(_ number: UInt64) { timers.removeAll { $0.number == number } }

    private func runTimers() {
        guard let next = timers.last?.deadline else { return }
        let now = NIODeadline.now()
        guard next <= now else { return }
        while let timer = timers.last, timer.deadline <= now {
            timers.removeLast()
            timer.body()
        }
    }
}

// MARK: - Accepting

extension RingLoop {
    /// Accepts connections of `socket` from here on; `accepted` gets each one's descriptor.
    package func listen(_ socket: ListeningSocket) {
        preconditionInEventLoop()
        listening = socket
        accepted = socket.accepted
        prepareAccept()
    }

    /// Accepts no more. Of a socket of our own, connections that wait to be accepted are, since nobody else would: their
    /// peers may have sent requests. An inherited one goes on listening for whoever comes next.
    /// - Parameter done: called on the loop when `accepted` has got the last one.
    package func stopListening(_ done: @escaping () -> Void) {
        preconditionInEventLoop()
        guard let socket = listening else { return done() }
        listening = nil
        leaving = (socket, done)
        let entry = ring.entry()
        io_uring_prep_cancel64(entry, Self.acceptTag, 0)
        entry.pointee.user_data = Self.acceptEndTag
    }

    private func leave() {
        guard let (socket, done) = leaving else { return }
        leaving = nil
        guard socket.isOwn else { return done() }
        socket.beginNoConnections()
        socket.acceptWaiting()
        // Whose handshake is under way takes the server for listening: a close now would reset a request on its way.
        _ = addTimer(at: .now() + Self.handshakeTime) {
            socket.acceptWaiting()
            done()
        }
    }

    private func prepareAccept() {
        guard let listening else { return }
        let entry = ring.entry()
        io_uring_prep_multishot_accept(entry, listening.descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        entry.pointee.user_data = Self.acceptTag
    }

    private func completeAccept(_ result: Int32, _ flags: UInt32) {
        if result >= 0 {
            if let accepted { accepted(result) } else { Glibc.close(result) }
        }
        guard listening != nil, flags & holdfast_cqe_more == 0 else { return }
        if result >= 0 { return prepareAccept() }
        // Out of descriptors or memory: some connections have to end first.
        _ = addTimer(at: .now() + .milliseconds(50)) { self.prepareAccept() }
    }
}

import Glibc
import Synchronization

/// Records between the threads that append and the one that writes.
///
/// Two buffers: appenders copy into one under a short lock while the writer works through the other; the writer
/// swaps them. Invariants: positions are given in the order of the copies, so the bytes of a buffer are in the order
/// of their positions; `waitingBytes` counts what stands in either buffer and was not handed to the device.
///
/// States: idle → accepting → stopping → stopped, and from any of the last three → failed.
///
/// `@unchecked Sendable`: everything that changes is an atomic or guarded by `monitor`, except the buffer the writer
/// took, which it has for itself until the next swap.
final class PendingRecords: @unchecked Sendable {
    private let monitor = Monitor()
    private let limitBytes: Int
    private let recordBytesMax: Int

    private var filling: PendingBuffer
    private var draining: PendingBuffer
    private var state = State.idle
    /// The writer sleeps until so many records or bytes are there; `Int.max` while it is awake.
    private var wakeAtRecords = Int.max
    private var wakeAtBytes = Int.max

    private let last = Atomic<UInt64>(0)
    private let waitingBytes = Atomic<Int>(0)

    private enum State {
        case idle, accepting, stopping, stopped
        case failed(LogError)
    }

    /// - Parameter recordBytesMax: the largest payload a batch can hold.
    init(limitBytes: Int, recordBytesMax: Int) {
        self.limitBytes = limitBytes
        self.recordBytesMax = recordBytesMax
        filling = PendingBuffer(capacity: 1 << 20)
        draining = PendingBuffer(capacity: 1 << 20)
    }

    deinit {
        filling.free()
        draining.free()
    }

    var lastPosition: LogPosition { LogPosition(last.load(ordering: .acquiring)) }
    var byteCount: Int { waitingBytes.load(ordering: .relaxed) }

    // MARK: Any thread

    func append(_ records: borrowing RecordBuffer) throws(LogError) -> LogPosition {
        let largest = records.largestPayloadBytes
        guard largest <= recordBytesMax else {
            throw LogError.recordTooLarge(bytes: largest, limitBytes: recordBytesMax)
        }
        let count = records.count
        monitor.lock()
        let waiting = waitingBytes.load(ordering: .relaxed)
        guard case .accepting = state, waiting < limitBytes || count == 0 else {
            let error = refusal(waitingBytes: waiting)
            monitor.unlock()
            throw error
        }
        let position = last.load(ordering: .relaxed) + UInt64(count)
        records.withBytes { filling.append($0) }
        filling.recordCount += count
        last.store(position, ordering: .releasing)
        waitingBytes.add(records.byteCount, ordering: .relaxed)
        let wakes = filling.recordCount >= wakeAtRecords || filling.byteCount >= wakeAtBytes
        if wakes {
            // One signal is enough, the next appender need not give another.
            wakeAtRecords = .max
            wakeAtBytes = .max
        }
        monitor.unlock()
        if wakes { monitor.signal() }
        return LogPosition(position)
    }

    private func refusal(waitingBytes: Int) -> LogError {
        switch state {
        case .failed(let error): error
        case .idle, .stopping, .stopped: .closed
        case .accepting: .saturated(pendingBytes: waitingBytes, limitBytes: limitBytes)
        }
    }

    /// Why nothing is accepted any more, when that is because of a failure.
    var failure: LogError? {
        monitor.withLock {
            if case .failed(let error) = state { return error }
            return nil
        }
    }

    /// The next record appended follows this position.
    func continueAfter(_ position: LogPosition) {
        monitor.withLock { last.store(position.rawValue, ordering: .releasing) }
    }

    func accept() {
        monitor.withLock { if case .idle = state { state = .accepting } }
    }

    /// Accepts nothing more; the writer ends when it has written what is there.
    func stop() {
        monitor.withLock {
            switch state {
            case .accepting: state = .stopping
            case .idle: state = .stopped
            case .stopping, .stopped, .failed: break
            }
        }
        monitor.signal()
    }

    /// Accepts nothing more because of `cause`. The first cause counts; what everybody hears is the result.
    @discardableResult
    func fail(_ cause: LogError) -> LogError {
        let poison = monitor.withLock {
            if case .failed(let first) = state { return first }
            let poison = LogError.poisoned("\(cause)")
            state = .failed(poison)
            return poison
        }
        monitor.signal()
        return poison
    }

    // MARK: The writer's thread

    enum WaitOutcome {
        case ready(records: Int)
        case deadlinePassed
        /// Nothing is there and nothing will come.
        case stopping
        case failed(LogError)
    }

    /// Sleeps until there are `records` records or `bytes` bytes, the deadline has passed, or the log stops.
    func wait(records: Int, bytes: Int, until deadline: MonotonicTime?) -> WaitOutcome {
        monitor.lock()
        defer {
            wakeAtRecords = .max
            wakeAtBytes = .max
            monitor.unlock()
        }
        while true {
            switch state {
            case .failed(let error): return .failed(error)
            case .stopping, .idle, .stopped:
                return filling.recordCount == 0 ? .stopping : .ready(records: filling.recordCount)
            case .accepting: break
            }
            if filling.recordCount >= records || filling.byteCount >= bytes {
                return .ready(records: filling.recordCount)
            }
            wakeAtRecords = records
            wakeAtBytes = bytes
            if !monitor.wait(until: deadline) { return .deadlinePassed }
        }
    }

    /// Takes all that has gathered. The bytes are the writer's until the next call.
    func take() -> (bytes: UnsafeRawBufferPointer, recordCount: Int) {
        monitor.lock()
        draining.removeAll()
        swap(&filling, &draining)
        let taken = (draining.bytes, draining.recordCount)
        monitor.unlock()
        return taken
    }

    /// `count` of the bytes taken go to the device now.
    func handedOver(bytes count: Int) { waitingBytes.subtract(count, ordering: .relaxed) }

    func finished() {
        monitor.withLock { if case .stopping = state { state = .stopped } }
    }
}

/// Memory that grows and keeps its size; owned by `PendingRecords`.
private struct PendingBuffer {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    private(set) var byteCount = 0
    var recordCount = 0

    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }

    mutating func append(_ more: UnsafeRawBufferPointer) {
        guard let source = more.baseAddress, !more.isEmpty else { return }
        if byteCount + more.count > capacity { grow(to: byteCount + more.count) }
        (base + byteCount).copyMemory(from: source, byteCount: more.count)
        byteCount += more.count
    }

    mutating func removeAll() {
        byteCount = 0
        recordCount = 0
    }

    private mutating func grow(to byteCount: Int) {
        while capacity < byteCount { capacity *= 2 }
        let moved = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        moved.copyMemory(from: base, byteCount: self.byteCount)
        base.deallocate()
        base = moved
    }

    func free() { base.deallocate() }
}

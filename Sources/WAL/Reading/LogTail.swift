import Synchronization

/// The newest durable batches in memory, for everybody who follows the log: one copy, whoever reads it.
///
/// Invariants: batches follow each other without a gap; a batch is added before the watermark covers it, so whoever
/// has seen the watermark finds it here; nothing is kept before somebody reads the log for the first time.
final class LogTail: Sendable {
    /// The records of one batch, framed as in the file.
    struct Batch: Sendable {
        let firstPosition: UInt64
        let count: UInt64
        let records: [UInt8]

        var end: UInt64 { firstPosition + count }
        /// What it takes of the tail's share: memory has its price beside the bytes.
        var cost: Int { records.count + 128 }
    }

    private struct State: Sendable {
        var batches: ContiguousArray<Batch> = []
        /// Those before were let go of; they are removed when they are many.
        var head = 0
        var cost = 0
    }

    private let bytesMax: Int
    private let isFollowed = Atomic(false)
    private let state = Mutex(State())

    /// - Parameter bytesMax: 0 keeps nothing.
    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// From here on batches are kept.
    func follow() { if bytesMax > 0 { isFollowed.store(true, ordering: .relaxed) } }

    /// Takes a copy of a batch that has just become durable. On the log's thread.
    func append(firstPosition: UInt64, count: Int, _ records: UnsafeRawBufferPointer) {
        guard isFollowed.load(ordering: .relaxed), count > 0 else { return }
        // Copied outside the lock: readers take batches out meanwhile.
        let batch = Batch(firstPosition: firstPosition, count: UInt64(count), records: Array(records))
        state.withLock { state in
            state.batches.append(batch)
            state.cost += batch.cost
            while state.cost > bytesMax, state.head < state.batches.count {
                state.cost -= state.batches[state.head].cost
                // Its records' memory goes now, its place later.
                state.batches[state.head] = Batch(firstPosition: 0, count: 0, records: [])
                state.head += 1
            }
            // Half of it at a time: each removal moves as many as it removes.
            if state.head > 64, state.head * 2 > state.batches.count {
                state.batches.removeFirst(state.head)
                state.head = 0
            }
        }
    }

    /// The batch with the record at this position; nil when it is not, or no longer, here.
    func batch(holding position: UInt64) -> Batch? {
        guard isFollowed.load(ordering: .relaxed) else { return nil }
        return state.withLock { state in
            var low = state.head
            var high = state.batches.count
            while low < high {
                let middle = (low + high) / 2
                if state.batches[middle].end <= position { low = middle + 1 } else { high = middle }
            }
            guard low < state.batches.count, state.batches[low].firstPosition <= position else { return nil }
            return state.batches[low]
        }
    }
}

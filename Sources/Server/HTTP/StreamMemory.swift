import Synchronization

/// What the chunks of streams take that clients have not read yet, on all loops. A chunk that several read counts once
/// a loop.
final class StreamMemory: Sendable {
    private let bytes = Atomic<Int>(0)
    private let closed = Atomic<UInt64>(0)

    var heldBytes: Int { bytes.load(ordering: .relaxed) }

    /// Streams that were closed because others had no room left.
    var closedStreams: UInt64 { closed.load(ordering: .relaxed) }

    func add(_ count: Int) { bytes.add(count, ordering: .relaxed) }

    func countClosed() { closed.add(1, ordering: .relaxed) }
}

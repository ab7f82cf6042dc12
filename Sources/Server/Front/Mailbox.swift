import Synchronization

/// What other loops have sent to one loop: filled a batch at a time, emptied whole.
final class Mailbox: Sendable {
    private let messages = Mutex<[LoopMessage]>([])

    /// Adds a batch and empties `batch`, keeping its memory.
    /// - Returns: whether the box was empty, so that its owner has to be woken.
    func send(_ batch: inout [LoopMessage]) -> Bool {
        messages.withLock { messages in
            let wasEmpty = messages.isEmpty
            messages.append(contentsOf: batch)
            batch.removeAll(keepingCapacity: true)
            return wasEmpty
        }
    }

    /// Exchanges the box's content for `emptied`.
    func drain(into emptied: inout [LoopMessage]) { messages.withLock { swap(&$0, &emptied) } }
}

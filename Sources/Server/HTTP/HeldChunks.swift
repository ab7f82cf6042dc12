/// The chunks that one loop's clients are reading, in the order in which they were begun: who reads slowly keeps a chunk
/// that nobody else needs any more. When all together take more than they may, those that read for the longest time are
/// closed; they come back and get what is new.
final class HeldChunks {
    /// Smaller ones aren't counted: a connection costs more.
    static let countedBytesMin = 4 * 1_024
    /// Connections closed in one turn.
    private static let turnClosesMax = 64

    private let memory: StreamMemory
    private let bytesMax: Int
    private var oldest: HeldChunk?
    private var newest: HeldChunk?
    /// How many of the loop's clients read a chunk.
    private var readers: [ObjectIdentifier: Int] = [:]

    /// - Parameter bytesMax: of the chunks of all loops.
    init(_ memory: StreamMemory, bytesMax: Int) {
        self.memory = memory
        self.bytesMax = bytesMax
    }

    /// - Returns: what to give to `remove` when the connection has read it, or is gone; nil for a small one.
    func add(_ chunk: StreamChunk, of connection: Connection) -> HeldChunk? {
        guard chunk.byteCount >= Self.countedBytesMin else { return nil }
        let held = HeldChunk(chunk, connection)
        held.older = newest
        newest?.newer = held
        newest = held
        if oldest == nil { oldest = held }
        readers[ObjectIdentifier(chunk), default: 0] += 1
        if readers[ObjectIdentifier(chunk)] == 1 { memory.add(chunk.byteCount) }
        return held
    }

    func remove(_ held: HeldChunk) {
        guard held.isListed else { return }
        held.isListed = false
        held.older?.newer = held.newer
        held.newer?.older = held.older
        if newest === held { newest = held.older }
        if oldest === held { oldest = held.newer }
        held.newer = nil
        held.older = nil
        let chunk = ObjectIdentifier(held.chunk)
        readers[chunk]! -= 1
        guard readers[chunk] == 0 else { return }
        readers[chunk] = nil
        memory.add(-held.chunk.byteCount)
    }

    /// Closes those that have read for the longest time, while all together take more than they may.
    func closeStalest() {
        var left = Self.turnClosesMax
        while left > 0, memory.heldBytes > bytesMax, let held = oldest {
            left -= 1
            remove(held)
            memory.countClosed()
            held.connection.close()
        }
    }
}

/// A chunk that a connection is sending.
final class HeldChunk {
    fileprivate let chunk: StreamChunk
    // Its connection gives it back when it closes.
    fileprivate unowned let connection: Connection
    fileprivate var isListed = true
    fileprivate weak var older: HeldChunk?
    fileprivate var newer: HeldChunk?

    fileprivate init(_ chunk: StreamChunk, _ connection: Connection) {
        self.chunk = chunk
        self.connection = connection
    }
}

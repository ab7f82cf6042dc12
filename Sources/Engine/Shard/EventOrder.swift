/// A tenant's events in one shard, in the order of their ids' bytes, so that a page of them costs what it shows.
///
/// Slots in chunks: to add one moves a chunk's slots at most, and the chunks' own places when one becomes two. 4 bytes an
/// event; the ids are looked up where the events are.
struct EventOrder {
    private static let chunkMax = 512

    /// None of them is empty.
    private var chunks: ContiguousArray<ContiguousArray<UInt32>> = []

    /// - Parameter id: of the event in a slot. No other slot has this one's.
    mutating func add(_ slot: UInt32, id: (UInt32) -> ShortText) {
        let new = id(slot)
        guard var number = chunks.indices.last else { return chunks.append([slot]) }
        // The common case at a start, and of ids that count up: behind everything.
        if !id(chunks[number].last!).precedes(new) {
            number = chunk(of: new, id)
            chunks[number].insert(slot, at: Self.place(of: new, in: chunks[number], id))
        } else {
            chunks[number].append(slot)
        }
        guard chunks[number].count > Self.chunkMax else { return }
        // The last one stays full but for one, so that ids that count up fill their chunks.
        let half = number == chunks.count - 1 ? Self.chunkMax : Self.chunkMax / 2
        chunks.insert(ContiguousArray(chunks[number][half...]), at: number + 1)
        chunks[number].removeSubrange(half...)
    }

    /// Visits the slots whose ids come behind `after`, in order, until `body` says false.
    func visit(after: ShortText, id: (UInt32) -> ShortText, _ body: (UInt32) -> Bool) {
        guard !chunks.isEmpty else { return }
        let first = after.isEmpty ? 0 : chunk(of: after, id)
        for number in first..<chunks.count {
            var place = number == first && !after.isEmpty ? Self.place(of: after, in: chunks[number], id) : 0
            if place < chunks[number].count, id(chunks[number][place]) == after { place += 1 }
            while place < chunks[number].count {
                guard body(chunks[number][place]) else { return }
                place += 1
            }
        }
    }

    /// The last chunk that does not begin behind the id; the first one where all do.
    private func chunk(of new: ShortText, _ id: (UInt32) -> ShortText) -> Int {
        var (low, high) = (0, chunks.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if new.precedes(id(chunks[middle][0])) { high = middle } else { low = middle }
        }
        return low
    }

    /// The first place in the chunk whose id does not come before this one.
    private static func place(
        of new: ShortText,
        in chunk: ContiguousArray<UInt32>,
        _ id: (UInt32) -> ShortText
    ) -> Int {
        var (low, high) = (0, chunk.count)
        while low < high {
            let middle = (low + high) / 2
            if id(chunk[middle]).precedes(new) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

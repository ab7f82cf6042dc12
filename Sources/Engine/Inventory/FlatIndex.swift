/// From a hash to the numbers stored under it: open addressing in flat memory, 8 bytes an entry.
///
/// Keys are not kept: the caller says whether a candidate is the one it looks for. Beyond a few thousand entries the
/// index is split in 256 parts that grow one by one, so that no insertion pays for moving everything, and a copy made
/// for a snapshot shares the parts that aren't written to.
struct FlatIndex: Sendable {
    private static let partsMax = 256
    private static let entriesBeforeSplit = 4_096

    private var parts: ContiguousArray<Part> = [Part()]
    private(set) var count = 0

    /// The number stored under `hash` that `matches` accepts.
    func find(_ hash: UInt64, _ matches: (UInt32) -> Bool) -> UInt32? {
        let tag = UInt32(truncatingIfNeeded: hash)
        return parts[part(of: tag)].find(tag, matches)
    }

    mutating func insert(_ hash: UInt64, _ number: UInt32) {
        if count == Self.entriesBeforeSplit, parts.count == 1 { split() }
        let tag = UInt32(truncatingIfNeeded: hash)
        parts[part(of: tag)].insert(tag, number)
        count += 1
    }

    mutating func remove(_ hash: UInt64, _ number: UInt32) {
        let tag = UInt32(truncatingIfNeeded: hash)
        if parts[part(of: tag)].remove(tag, number) { count -= 1 }
    }

    private func part(of tag: UInt32) -> Int { parts.count == 1 ? 0 : Int(tag >> 24) }

    private mutating func split() {
        let whole = parts[0]
        parts = ContiguousArray(repeating: Part(), count: Self.partsMax)
        whole.visit { tag, number in parts[Int(tag >> 24)].insert(tag, number) }
    }
}

extension FlatIndex {
    /// Linear probing; at most three quarters full. An entry is tag and number + 1; zero is a free place.
    private struct Part: Sendable {
        private var entries: ContiguousArray<UInt64> = []
        private var count = 0

        private var mask: Int { entries.count - 1 }

        func find(_ tag: UInt32, _ matches: (UInt32) -> Bool) -> UInt32? {
            guard !entries.isEmpty else { return nil }
            var place = Int(tag) & mask
            while entries[place] != 0 {
                let number = UInt32(truncatingIfNeeded: entries[place]) - 1
                if UInt32(truncatingIfNeeded: entries[place] >> 32) == tag, matches(number) { return number }
                place = (place + 1) & mask
            }
            return nil
        }

        mutating func insert(_ tag: UInt32, _ number: UInt32) {
            if (count + 1) * 4 > entries.count * 3 { grow() }
            place(UInt64(tag) << 32 | UInt64(number + 1))
            count += 1
        }

        mutating func remove(_ tag: UInt32, _ number: UInt32) -> Bool {
            guard !entries.isEmpty else { return false }
            let entry = UInt64(tag) << 32 | UInt64(number + 1)
            var hole = Int(tag) & mask
            while entries[hole] != entry {
                if entries[hole] == 0 { return false }
                hole = (hole + 1) & mask
            }
            closeUp(hole)
            count -= 1
            return true
        }

        func visit(_ body: (UInt32, UInt32) -> Void) {
            for entry in entries where entry != 0 {
                body(UInt32(truncatingIfNeeded: entry >> 32), UInt32(truncatingIfNeeded: entry) - 1)
            }
        }

        private mutating func place(_ entry: UInt64) {
            var place = Int(entry >> 32) & mask
            while entries[place] != 0 { place = (place + 1) & mask }
            entries[place] = entry
        }

        private mutating func grow() {
            let old = entries
            entries = ContiguousArray(repeating: 0, count: max(8, old.count * 2))
            for entry in old where entry != 0 { place(entry) }
        }

        /// Moves back the entries that probed past the hole, so that no search stops short of them.
        private mutating func closeUp(_ start: Int) {
            var hole = start
            var next = (hole + 1) & mask
            while entries[next] != 0 {
                let home = Int(entries[next] >> 32) & mask
                if (next &- home) & mask >= (next &- hole) & mask {
                    entries[hole] = entries[next]
                    hole = next
                }
                next = (next + 1) & mask
            }
            entries[hole] = 0
        }
    }
}

/// From a hash to the numbers stored under it: open addressing in flat memory, 8 bytes an entry.
///
/// Keys are not kept: the caller says whether a candidate is the one it looks for. Beyond a few thousand entries the
/// index is split in 256 parts that grow one by one, so that no insertion pays for moving everything, and a copy made
/// for a snapshot shares the parts that aren't written to.
struct FlatIndex: Sendable {
    private static let partsMax = 256
    private static let entriesBeforeSplit = 4_096

    private var parts: ContiguousArray<Part> = [Part(capacity: 0)]
    private(set) var count = 0

    /// The number stored under `hash` that `matches` accepts.
    @inline(__always)
    func find(_ hash: UInt64, _ matches: (UInt32) -> Bool) -> UInt32? {
        parts[part(of: hash)].find(UInt32(truncatingIfNeeded: hash), matches)
    }

    /// Begins a search for numbers stored under `hash`; `next` gives them. For those whose comparison needs a whole table,
    /// which a closure would copy.
    @inline(__always)
    func search(_ hash: UInt64) -> Search {
        let tag = UInt32(truncatingIfNeeded: hash)
        let part = part(of: hash)
        return Search(part: part, tag: tag, place: parts[part].home(tag))
    }

    /// The next candidate: a number stored under the same hash, or one that looks the same.
    @inline(__always)
    func next(_ search: inout Search) -> UInt32? { parts[search.part].next(&search) }

    struct Search {
        fileprivate let part: Int
        fileprivate let tag: UInt32
        fileprivate var place: Int
    }

    /// Begins to load what `find` and `insert` will look at.
    @inline(__always)
    func prefetch(_ hash: UInt64) {
        parts.withUnsafeBufferPointer { parts in
            Part.prefetch(parts.baseAddress! + part(of: hash), UInt32(truncatingIfNeeded: hash))
        }
    }

    /// - Precondition: `number` is not `UInt32.max`.
    mutating func insert(_ hash: UInt64, _ number: UInt32) {
        if count == Self.entriesBeforeSplit, parts.count == 1 { split() }
        parts[part(of: hash)].insert(UInt32(truncatingIfNeeded: hash), number)
        count += 1
    }

    mutating func remove(_ hash: UInt64, _ number: UInt32) {
        if parts[part(of: hash)].remove(UInt32(truncatingIfNeeded: hash), number) { count -= 1 }
    }

    /// Memory set aside.
    var byteCount: Int { parts.reduce(parts.capacity * MemoryLayout<Part>.stride) { $0 + $1.byteCount } }

    @inline(__always)
    private func part(of hash: UInt64) -> Int { parts.count == 1 ? 0 : Self.part(of: UInt32(truncatingIfNeeded: hash)) }

    /// Bits that the place in a part doesn't depend on much: that takes the highest.
    @inline(__always)
    private static func part(of tag: UInt32) -> Int { Int(tag & 255) }

    /// The parts begin with different sizes, a quarter more from the first to the last, so that they don't all
    /// grow at the same time.
    private mutating func split() {
        let whole = parts[0]
        let least = Self.entriesBeforeSplit / Self.partsMax * 3 / 2
        parts = ContiguousArray((0..<Self.partsMax).map { Part(capacity: least + least * $0 / (4 * Self.partsMax)) })
        whole.visit { tag, number in parts[Self.part(of: tag)].insert(tag, number) }
    }
}

extension FlatIndex {
    /// Linear probing, at most four fifths full, growing by a quarter: memory is what a hold must not take much of. An entry
    /// is 32 bits of the hash, and number + 1; zero is a free place.
    private struct Part: Sendable {
        private var entries: ContiguousArray<UInt64>
        private var count: UInt32 = 0
        /// That of `entries`, here so that nothing of them has to be in the cache for an entry's address.
        private var capacity: UInt32

        init(capacity: Int) {
            entries = ContiguousArray(repeating: 0, count: capacity)
            self.capacity = UInt32(capacity)
        }

        var byteCount: Int { entries.capacity * 8 }

        @inline(__always)
        func find(_ tag: UInt32, _ matches: (UInt32) -> Bool) -> UInt32? {
            guard capacity > 0 else { return nil }
            var place = home(tag)
            while true {
                let entry = entries[place]
                if entry == 0 { return nil }
                let number = UInt32(truncatingIfNeeded: entry) &- 1
                if UInt32(truncatingIfNeeded: entry >> 32) == tag, matches(number) { return number }
                place = following(place)
            }
        }

        @inline(__always)
        func next(_ search: inout Search) -> UInt32? {
            guard capacity > 0 else { return nil }
            while true {
                let entry = entries[search.place]
                if entry == 0 { return nil }
                search.place = following(search.place)
                if UInt32(truncatingIfNeeded: entry >> 32) == search.tag {
                    return UInt32(truncatingIfNeeded: entry) &- 1
                }
            }
        }

        @inline(__always)
        static func prefetch(_ part: UnsafePointer<Part>, _ tag: UInt32) {
            // `entries` stands first, and its reference is its memory's address.
            prefetchElement(part.pointee.home(tag), of: UnsafeRawPointer(part), stride: 8)
        }

        mutating func insert(_ tag: UInt32, _ number: UInt32) {
            if (count + 1) * 5 > capacity * 4 { grow() }
            put(UInt64(tag) << 32 | UInt64(number + 1))
            count += 1
        }

        mutating func remove(_ tag: UInt32, _ number: UInt32) -> Bool {
            guard capacity > 0 else { return false }
            let entry = UInt64(tag) << 32 | UInt64(number + 1)
            var hole = home(tag)
            while entries[hole] != entry {
                if entries[hole] == 0 { return false }
                hole = following(hole)
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

        /// Scales the hash to the size, which need not be a power of two.
        @inline(__always)
        func home(_ tag: UInt32) -> Int { Int((UInt64(tag) &* UInt64(capacity)) >> 32) }

        @inline(__always)
        private func following(_ place: Int) -> Int { place + 1 == Int(capacity) ? 0 : place + 1 }

        @inline(__always)
        private mutating func put(_ entry: UInt64) {
            var place = home(UInt32(truncatingIfNeeded: entry >> 32))
            while entries[place] != 0 { place = following(place) }
            entries[place] = entry
        }

        private mutating func grow() {
            let old = entries
            capacity = max(8, capacity + capacity / 4)
            entries = ContiguousArray(repeating: 0, count: Int(capacity))
            for entry in old where entry != 0 { put(entry) }
        }

        /// Moves back the entries that probed past the hole, so that no search stops short of them.
        private mutating func closeUp(_ start: Int) {
            var hole = start
            var next = following(hole)
            while entries[next] != 0 {
                let home = home(UInt32(truncatingIfNeeded: entries[next] >> 32))
                if distance(from: home, to: next) >= distance(from: hole, to: next) {
                    entries[hole] = entries[next]
                    hole = next
                }
                next = following(next)
            }
            entries[hole] = 0
        }

        private func distance(from: Int, to: Int) -> Int { to >= from ? to - from : to - from + Int(capacity) }
    }
}

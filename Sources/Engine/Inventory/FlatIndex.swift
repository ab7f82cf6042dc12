/// From a hash to the numbers stored under it: open addressing in flat memory, 4 bytes an entry.
///
/// Neither keys nor hashes are kept: the caller says whether a candidate is the one it looks for, and what the hash of
/// a number was. Beyond a few thousand entries the index is split in 256 parts that grow one by one, so that no
/// insertion pays for moving everything, and a copy made for a snapshot shares the parts that aren't written to.
struct FlatIndex: Sendable {
    /// The largest number that can be stored.
    static let numberMax: UInt32 = 0xff_fffe

    private static let partsMax = 256
    private static let entriesBeforeSplit = 4_096

    private var parts: ContiguousArray<Part> = [Part(capacity: 0)]
    private(set) var count = 0

    /// The number stored under `hash` that `matches` accepts.
    @inline(__always)
    func find(_ hash: UInt64, _ matches: (UInt32) -> Bool) -> UInt32? {
        parts[part(of: hash)].find(hash, matches)
    }

    /// Whether `grow` must come before the next insertion under this hash.
    @inline(__always)
    func isFull(at hash: UInt64) -> Bool {
        parts[part(of: hash)].isFull || (count == Self.entriesBeforeSplit && parts.count == 1)
    }

    /// - Parameter hashOf: the hash under which a number was inserted.
    mutating func grow(at hash: UInt64, hashOf: (UInt32) -> UInt64) {
        if count == Self.entriesBeforeSplit, parts.count == 1 { split(hashOf) }
        if parts[part(of: hash)].isFull { parts[part(of: hash)].grow(hashOf) }
    }

    /// - Precondition: not `isFull`.
    @inline(__always)
    mutating func insert(_ hash: UInt64, _ number: UInt32) {
        precondition(number <= Self.numberMax, "an index of more entries than its numbers can tell apart")
        parts[part(of: hash)].insert(hash, number)
        count += 1
    }

    mutating func remove(_ hash: UInt64, _ number: UInt32, hashOf: (UInt32) -> UInt64) {
        if parts[part(of: hash)].remove(hash, number, hashOf) { count -= 1 }
    }

    /// Memory set aside.
    var byteCount: Int { parts.reduce(parts.capacity * MemoryLayout<Part>.stride) { $0 + $1.byteCount } }

    @inline(__always)
    private func part(of hash: UInt64) -> Int { parts.count == 1 ? 0 : Int(hash >> 56) }

    /// The parts begin with different sizes, half as much again from the first to the last, so that they don't all
    /// grow at the same time.
    private mutating func split(_ hashOf: (UInt32) -> UInt64) {
        let whole = parts[0]
        let least = Self.entriesBeforeSplit / Self.partsMax * 3 / 2
        parts = ContiguousArray((0..<Self.partsMax).map { Part(capacity: least + least * $0 / (2 * Self.partsMax)) })
        whole.visit { number in
            let hash = hashOf(number)
            if parts[part(of: hash)].isFull { parts[part(of: hash)].grow(hashOf) }
            parts[part(of: hash)].insert(hash, number)
        }
    }
}

extension FlatIndex {
    /// Linear probing, at most four fifths full. An entry is 8 bits of the hash and number + 1; zero is a free place.
    private struct Part: Sendable {
        private var entries: ContiguousArray<UInt32>
        private var count = 0

        init(capacity: Int) { entries = ContiguousArray(repeating: 0, count: capacity) }

        var byteCount: Int { entries.capacity * 4 }

        @inline(__always)
        func find(_ hash: UInt64, _ matches: (UInt32) -> Bool) -> UInt32? {
            guard !entries.isEmpty else { return nil }
            let tag = Self.tag(hash)
            var place = home(hash)
            while true {
                let entry = entries[place]
                if entry == 0 { return nil }
                if entry & 0xff00_0000 == tag {
                    let number = (entry & 0xff_ffff) - 1
                    if matches(number) { return number }
                }
                place = following(place)
            }
        }

        @inline(__always)
        var isFull: Bool { (count + 1) * 5 > entries.count * 4 }

        @inline(__always)
        mutating func insert(_ hash: UInt64, _ number: UInt32) {
            put(hash, number)
            count += 1
        }

        mutating func remove(_ hash: UInt64, _ number: UInt32, _ hashOf: (UInt32) -> UInt64) -> Bool {
            guard !entries.isEmpty else { return false }
            let entry = Self.tag(hash) | (number + 1)
            var hole = home(hash)
            while entries[hole] != entry {
                if entries[hole] == 0 { return false }
                hole = following(hole)
            }
            closeUp(hole, hashOf)
            count -= 1
            return true
        }

        func visit(_ body: (UInt32) -> Void) {
            for entry in entries where entry != 0 { body((entry & 0xff_ffff) - 1) }
        }

        private static func tag(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash) << 24 }

        /// Scales 32 bits of the hash to the size, which need not be a power of two.
        @inline(__always)
        private func home(_ hash: UInt64) -> Int {
            Int((UInt64(UInt32(truncatingIfNeeded: hash >> 16)) &* UInt64(entries.count)) >> 32)
        }

        @inline(__always)
        private func following(_ place: Int) -> Int { place + 1 == entries.count ? 0 : place + 1 }

        @inline(__always)
        private mutating func put(_ hash: UInt64, _ number: UInt32) {
            var place = home(hash)
            while entries[place] != 0 { place = following(place) }
            entries[place] = Self.tag(hash) | (number + 1)
        }

        mutating func grow(_ hashOf: (UInt32) -> UInt64) {
            let old = entries
            entries = ContiguousArray(repeating: 0, count: max(8, old.count + old.count / 2))
            for entry in old where entry != 0 {
                let number = (entry & 0xff_ffff) - 1
                put(hashOf(number), number)
            }
        }

        /// Moves back the entries that probed past the hole, so that no search stops short of them.
        private mutating func closeUp(_ start: Int, _ hashOf: (UInt32) -> UInt64) {
            var hole = start
            var next = following(hole)
            while entries[next] != 0 {
                let home = home(hashOf((entries[next] & 0xff_ffff) - 1))
                if distance(from: home, to: next) >= distance(from: hole, to: next) {
                    entries[hole] = entries[next]
                    hole = next
                }
                next = following(next)
            }
            entries[hole] = 0
        }

        private func distance(from: Int, to: Int) -> Int { to >= from ? to - from : to - from + entries.count }
    }
}

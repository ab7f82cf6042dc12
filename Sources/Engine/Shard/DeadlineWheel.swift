/// Which holds may have to expire, by the millisecond: a timing wheel of two levels and a list for what is far away.
///
/// Nothing is taken out when a hold ends or is extended: the entry is looked at when its time comes, and the owner
/// says then what the deadline is now. When holds that have ended leave half of the entries without a meaning, they are
/// swept out a few at a time, so the wheel never has more than about twice as many entries as there are live holds.
///
/// An entry takes 8 bytes, in chunks of 31 that the buckets share.
struct DeadlineWheel: Sendable {
    /// A hold of one of the shard's events. Of the generation only the low 20 bits are kept.
    struct Entry: Equatable, Sendable {
        static let generationMask: UInt32 = 0xf_ffff

        var event: UInt32
        var hold: HoldReference

        init(event: UInt32, hold: HoldReference) {
            self.event = event
            self.hold = HoldReference(slot: hold.slot, generation: hold.generation & Self.generationMask)
        }

        fileprivate init(_ packed: UInt64) {
            event = UInt32(truncatingIfNeeded: packed >> 44)
            hold = HoldReference(
                slot: UInt32(truncatingIfNeeded: packed >> 20) & 0xff_ffff,
                generation: UInt32(truncatingIfNeeded: packed) & Self.generationMask
            )
        }

        fileprivate var packed: UInt64 { UInt64(event) << 44 | UInt64(hold.slot) << 20 | UInt64(hold.generation) }
    }

    private static let nearMilliseconds: Milliseconds = 4_096
    private static let farBuckets: Milliseconds = 1_024
    /// Entries without a meaning that are left alone.
    private static let staleMax = 2_048
    /// Entries looked at for each hold that ends while there are too many.
    private static let sweptAtOnce = 8

    private var chunks = ChunkPool()
    private var near = ContiguousArray<Chunk>(repeating: ChunkPool.none, count: Int(nearMilliseconds))
    private var far = ContiguousArray<Chunk>(repeating: ChunkPool.none, count: Int(farBuckets))
    private var beyond = ChunkPool.none
    private var due = ChunkPool.none
    private var now: Milliseconds
    /// Entries in `near`: while there are none, its milliseconds need not be looked at one by one.
    private var nearCount = 0

    /// Entries in all.
    private(set) var count = 0
    /// Entries whose hold has ended, about.
    private var stale = 0
    /// What is left of the far bucket that is being swept, or of `beyond`, whose number is the one behind the last.
    private var sweeping = ChunkPool.none
    private var sweepBucket = 0

    init(now: Milliseconds) { self.now = now }

    /// Memory set aside.
    var byteCount: Int { chunks.byteCount + (near.capacity + far.capacity) * MemoryLayout<Chunk>.stride }

    /// Remembers to look at the hold at `deadline`; at once when that has passed.
    mutating func add(_ entry: Entry, deadline: Milliseconds) {
        count += 1
        put(entry.packed, deadline)
    }

    /// Moves the clock on; `deadline` says when an entry's hold must expire now, nil when it has ended.
    mutating func advance(to time: Milliseconds, deadline: (Entry) -> Milliseconds?) {
        if time - now > Self.nearMilliseconds * Self.farBuckets { return jump(to: time, deadline) }
        while now < time {
            if nearCount == 0 { now = min(time, now | (Self.nearMilliseconds - 1)) }
            guard now < time else { return }
            now += 1
            if now % Self.nearMilliseconds == 0 { turnFar(deadline) }
            let bucket = Int(now % Self.nearMilliseconds)
            while let entry = chunks.pop(&near[bucket]) {
                nearCount -= 1
                chunks.push(entry, to: &due)
            }
        }
    }

    /// The next entry whose time has come.
    mutating func popDue() -> Entry? {
        guard let packed = chunks.pop(&due) else { return nil }
        count -= 1
        return Entry(packed)
    }

    /// Notes that a hold has ended before its time came.
    mutating func noteEnded(deadline: (Entry) -> Milliseconds?) {
        stale += 1
        guard stale > Self.staleMax, stale * 2 > count else { return }
        for _ in 0..<Self.sweptAtOnce { sweepOne(deadline) }
    }

    private mutating func put(_ packed: UInt64, _ deadline: Milliseconds) {
        let wait = deadline - now
        if wait <= 0 {
            chunks.push(packed, to: &due)
        } else if wait < Self.nearMilliseconds {
            nearCount += 1
            chunks.push(packed, to: &near[Int(deadline % Self.nearMilliseconds)])
        } else if deadline / Self.nearMilliseconds - now / Self.nearMilliseconds < Self.farBuckets {
            chunks.push(packed, to: &far[Int(deadline / Self.nearMilliseconds % Self.farBuckets)])
        } else {
            chunks.push(packed, to: &beyond)
        }
    }

    /// The clock has jumped by more than the wheel spans: sorts everything anew instead of turning through it all.
    private mutating func jump(to time: Milliseconds, _ deadline: (Entry) -> Milliseconds?) {
        let buckets = near + far + [beyond, sweeping]
        for bucket in near.indices { near[bucket] = ChunkPool.none }
        for bucket in far.indices { far[bucket] = ChunkPool.none }
        beyond = ChunkPool.none
        sweeping = ChunkPool.none
        nearCount = 0
        now = time
        for bucket in buckets { sort(bucket, deadline) }
    }

    private mutating func turnFar(_ deadline: (Entry) -> Milliseconds?) {
        let bucket = Int(now / Self.nearMilliseconds % Self.farBuckets)
        sort(Self.take(&far[bucket]), deadline)
        if sweepBucket == bucket { sort(Self.take(&sweeping), deadline) }
        guard bucket == 0 else { return }
        sort(Self.take(&beyond), deadline)
        if sweepBucket == far.count { sort(Self.take(&sweeping), deadline) }
    }

    private static func take(_ bucket: inout Chunk) -> Chunk {
        defer { bucket = ChunkPool.none }
        return bucket
    }

    /// Puts a bucket's entries where they belong now, and forgets those whose hold has ended.
    private mutating func sort(_ bucket: Chunk, _ deadline: (Entry) -> Milliseconds?) {
        var bucket = bucket
        while let packed = chunks.pop(&bucket) { putAgain(packed, deadline) }
    }

    private mutating func putAgain(_ packed: UInt64, _ deadline: (Entry) -> Milliseconds?) {
        if let time = deadline(Entry(packed)) { return put(packed, time) }
        count -= 1
        stale = max(0, stale - 1)
    }

    private mutating func sweepOne(_ deadline: (Entry) -> Milliseconds?) {
        if let packed = chunks.pop(&sweeping) { return putAgain(packed, deadline) }
        sweepBucket = sweepBucket == far.count ? 0 : sweepBucket + 1
        if sweepBucket == far.count {
            swap(&sweeping, &beyond)
        } else {
            swap(&sweeping, &far[sweepBucket])
        }
    }
}

extension DeadlineWheel {
    /// The number of a chunk, which stands for the chain that begins there.
    fileprivate typealias Chunk = UInt32

    /// Chunks of 32 words: the number of the next chunk and the entries in use, then up to 31 entries.
    fileprivate struct ChunkPool: Sendable {
        static let none = Chunk.max

        private static let words = 32

        private var pool = PagedArray<UInt64>()
        private var firstFree = ChunkPool.none

        var byteCount: Int { pool.byteCount }

        mutating func push(_ entry: UInt64, to head: inout Chunk) {
            if head == Self.none || used(head) == Self.words - 1 { head = take(next: head) }
            let used = used(head)
            pool[Int(head) * Self.words + 1 + used] = entry
            pool[Int(head) * Self.words] += 1
        }

        /// Takes an entry from a chain; nil when it is empty.
        mutating func pop(_ head: inout Chunk) -> UInt64? {
            guard head != Self.none else { return nil }
            let used = used(head)
            let entry = pool[Int(head) * Self.words + used]
            pool[Int(head) * Self.words] -= 1
            if used == 1 {
                let next = next(head)
                pool[Int(head) * Self.words] = UInt64(firstFree) << 32
                firstFree = head
                head = next
            }
            return entry
        }

        private func used(_ chunk: Chunk) -> Int { Int(UInt32(truncatingIfNeeded: pool[Int(chunk) * Self.words])) }

        private func next(_ chunk: Chunk) -> Chunk { Chunk(pool[Int(chunk) * Self.words] >> 32) }

        private mutating func take(next: Chunk) -> Chunk {
            let chunk: Chunk
            if firstFree != Self.none {
                chunk = firstFree
                firstFree = self.next(chunk)
            } else {
                chunk = Chunk(pool.count / Self.words)
                for _ in 0..<Self.words { pool.append(0) }
            }
            pool[Int(chunk) * Self.words] = UInt64(next) << 32
            return chunk
        }
    }
}

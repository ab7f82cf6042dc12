/// Which holds may have to expire, by the millisecond: a timing wheel of two levels and a list for what is far away.
///
/// Nothing is taken out when a hold ends or is extended: the entry is looked at when its time comes, and the owner
/// says then what the deadline is now.
struct DeadlineWheel: Sendable {
    struct Entry: Equatable, Sendable {
        var event: UInt32
        var hold: HoldReference
    }

    private static let nearMilliseconds: Milliseconds = 4_096
    private static let farBuckets: Milliseconds = 1_024

    private var near = ContiguousArray<ContiguousArray<Entry>>(repeating: [], count: Int(nearMilliseconds))
    private var far = ContiguousArray<ContiguousArray<Entry>>(repeating: [], count: Int(farBuckets))
    private var beyond: ContiguousArray<Entry> = []
    private var due: ContiguousArray<Entry> = []
    private var now: Milliseconds

    init(now: Milliseconds) { self.now = now }

    private init(now: Milliseconds, due: ContiguousArray<Entry>) {
        self.now = now
        self.due = due
    }

    /// Remembers to look at the hold at `deadline`; at once when that has passed.
    mutating func add(_ entry: Entry, deadline: Milliseconds) {
        let wait = deadline - now
        if wait <= 0 {
            due.append(entry)
        } else if wait < Self.nearMilliseconds {
            near[Int(deadline % Self.nearMilliseconds)].append(entry)
        } else if deadline / Self.nearMilliseconds - now / Self.nearMilliseconds < Self.farBuckets {
            far[Int(deadline / Self.nearMilliseconds % Self.farBuckets)].append(entry)
        } else {
            beyond.append(entry)
        }
    }

    /// Moves the clock on; `deadline` says when an entry's hold must expire now, nil when it has ended.
    mutating func advance(to time: Milliseconds, deadline: (Entry) -> Milliseconds?) {
        if time - now > Self.nearMilliseconds * Self.farBuckets { return jump(to: time, deadline) }
        while now < time {
            now += 1
            if now % Self.nearMilliseconds == 0 { turnFar(deadline) }
            let bucket = Int(now % Self.nearMilliseconds)
            if !near[bucket].isEmpty {
                due.append(contentsOf: near[bucket])
                near[bucket].removeAll(keepingCapacity: near[bucket].capacity <= 64)
            }
        }
    }

    /// The clock has jumped by more than the wheel spans: sorts everything anew instead of turning through it all.
    private mutating func jump(to time: Milliseconds, _ deadline: (Entry) -> Milliseconds?) {
        let entries = Array(near.joined()) + Array(far.joined()) + beyond
        self = DeadlineWheel(now: time, due: due)
        for entry in entries { if let time = deadline(entry) { add(entry, deadline: time) } }
    }

    /// The next entry whose time has come.
    mutating func popDue() -> Entry? { due.popLast() }

    private mutating func turnFar(_ deadline: (Entry) -> Milliseconds?) {
        let bucket = Int(now / Self.nearMilliseconds % Self.farBuckets)
        let entries = far[bucket]
        far[bucket] = []
        for entry in entries { if let time = deadline(entry) { add(entry, deadline: time) } }
        guard bucket == 0 else { return }
        let distant = beyond
        beyond = []
        for entry in distant { if let time = deadline(entry) { add(entry, deadline: time) } }
    }
}

/// Which of a shard's events somebody watches, and which of those were changed: one byte an event, written once when it
/// is changed, so that a sale hardly pays for it. Without anybody who watches it is one test of a flag.
struct WatchMarks {
    private static let isUnwatched: UInt8 = 0
    private static let isWatched: UInt8 = 1
    private static let isChanged: UInt8 = 2

    /// By slot. As long as the last slot that was ever watched asks for.
    private var marks: ContiguousArray<UInt8> = []
    private var changedSlots: ContiguousArray<Int> = []
    private var count = 0

    var isAny: Bool { count > 0 }

    /// The event has been changed.
    @inline(__always)
    mutating func note(_ slot: Int) {
        guard slot < marks.count, marks[slot] == Self.isWatched else { return }
        marks[slot] = Self.isChanged
        changedSlots.append(slot)
    }

    mutating func watch(_ slot: Int) {
        while marks.count <= slot { marks.append(Self.isUnwatched) }
        guard marks[slot] == Self.isUnwatched else { return }
        marks[slot] = Self.isWatched
        count += 1
    }

    mutating func unwatch(_ slot: Int) {
        guard slot < marks.count, marks[slot] != Self.isUnwatched else { return }
        if marks[slot] == Self.isChanged { changedSlots.removeAll { $0 == slot } }
        marks[slot] = Self.isUnwatched
        count -= 1
    }

    /// The slots that were changed since this was asked last.
    mutating func takeChanged() -> ContiguousArray<Int> {
        var taken: ContiguousArray<Int> = []
        swap(&taken, &changedSlots)
        for slot in taken { marks[slot] = Self.isWatched }
        return taken
    }
}

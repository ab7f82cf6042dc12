/// How long the stretches of free seats are in a row, or in many rows: as much of it as a search for seats side by side has
/// to know. 2 bytes.
///
/// From a stretch of n seats m can be taken without leaving a single one where n is m, or m + 2 and more. So the longest
/// stretch says whether there are m seats to give; but when it is m + 1, it is another one, of m, that it depends on.
struct FreeStretches: Equatable, Sendable {
    /// Twice the longest, and one more where another one is a seat shorter.
    private var packed: UInt16 = 0

    /// 0 where no seat is free.
    var longest: UInt16 { packed >> 1 }

    /// Whether there is also a stretch that is one seat shorter than the longest.
    private var hasOneShorter: Bool { packed & 1 != 0 }

    private mutating func set(_ longest: UInt16, _ hasOneShorter: Bool) {
        packed = longest << 1 | (hasOneShorter ? 1 : 0)
    }

    /// - Parameter count: of a stretch; at most `InventoryLimits.seatsPerRowMax`.
    mutating func add(_ count: Int) {
        let count = UInt16(count)
        if count > longest {
            set(count, count == longest + 1)
        } else if count + 1 == longest {
            set(longest, true)
        }
    }

    mutating func add(_ other: FreeStretches) {
        let hasOneShorter = other.hasOneShorter && other.longest >= longest
        add(Int(other.longest))
        if hasOneShorter { set(longest, true) }
    }

    /// Whether a stretch gives `count` seats.
    func gives(_ count: UInt32, _ leavingNoSingle: Bool) -> Bool {
        UInt32(longest) >= count && !(leavingNoSingle && UInt32(longest) == count + 1 && !hasOneShorter)
    }
}

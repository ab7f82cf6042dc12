/// Places of several sections together: of an event, of a shard. Running sums, so that nobody has to walk sections.
///
/// Not part of an event's digest: they follow from its sections, and `checkInvariants` adds those up.
public struct StockSums: Equatable, Sendable {
    public var total: UInt64 = 0
    /// Set aside, blocked seats included.
    public var buffer: UInt64 = 0
    public var reserved: UInt64 = 0
    public var sold: UInt64 = 0

    public init() {}

    public var available: UInt64 { total &- buffer &- reserved &- sold }

    // Wrapping: what is taken away was added before, so the sums are right whatever comes in between.

    /// Something counted here has become something else.
    @inline(__always)
    mutating func replace(_ old: StockSums, by new: StockSums) {
        total = total &+ new.total &- old.total
        buffer = buffer &+ new.buffer &- old.buffer
        reserved = reserved &+ new.reserved &- old.reserved
        sold = sold &+ new.sold &- old.sold
    }

    public static func += (left: inout StockSums, right: StockSums) { left.replace(StockSums(), by: right) }
}

extension StockSums {
    @inline(__always)
    init(_ counts: SectionCounts) {
        total = UInt64(counts.total)
        buffer = UInt64(counts.buffer)
        reserved = UInt64(counts.reserved)
        sold = UInt64(counts.sold)
    }
}

extension EventInventory {
    /// Changes a section, and with it the event's sums. Everything that changes a section's numbers goes through here.
    @inline(__always)
    mutating func changeSection(_ number: SectionNumber, _ body: (inout Section) -> Void) {
        let before = StockSums(sections[Int(number)].counts)
        body(&sections[Int(number)])
        stock.replace(before, by: StockSums(sections[Int(number)].counts))
    }

    /// Adds a section at the end.
    mutating func add(_ details: SectionDetails) {
        sections.append(Section(details: details))
        stock += StockSums(sections[sections.count - 1].counts)
    }

    /// The sums as the sections have them.
    func checkStock() -> [String] {
        let found = sections.reduce(into: StockSums()) { $0 += StockSums($1.counts) }
        return found == stock ? [] : ["event \(details.id): \(stock), but its sections add up to \(found)"]
    }
}

/// The prices that lines are locked at. A tier has few of them, and most lines share one: a line keeps a number.
///
/// A price is forgotten with the last line that has it.
struct PriceTable: Sendable {
    struct Price: Equatable, Sendable {
        var tier: TierNumber
        /// False for a line that names its tier and has no price yet.
        var isLocked: Bool
        var taxBasisPoints: UInt32
        var tierVersion: UInt32
        var unitPrice: Int64
        var serviceFee: Int64
        var facilityFee: Int64
    }

    private struct Entry: Sendable {
        let price: Price
        /// Lines that have it; of an entry not in use the number of the next such entry.
        var uses: UInt32
    }

    static let none = UInt32.max

    private var entries = PagedArray<Entry>()
    private var index = FlatIndex()
    private var firstFree = PriceTable.none
    private var latest = PriceTable.none

    subscript(number: UInt32) -> Price { entries[Int(number)].price }

    /// The number of a line's price; `none` where the line has neither price nor tier.
    mutating func join(_ line: HoldLine) -> UInt32 {
        guard let tier = line.tier else { return Self.none }
        let lock = line.lock
        return join(
            Price(
                tier: tier,
                isLocked: lock != nil,
                taxBasisPoints: lock?.taxBasisPoints ?? 0,
                tierVersion: lock?.tierVersion ?? 0,
                unitPrice: lock?.unitPrice ?? 0,
                serviceFee: lock?.serviceFee ?? 0,
                facilityFee: lock?.facilityFee ?? 0
            )
        )
    }

    /// Notes that one line fewer has the price.
    mutating func leave(_ number: UInt32) {
        guard number != Self.none else { return }
        entries[Int(number)].uses -= 1
        guard entries[Int(number)].uses == 0 else { return }
        index.remove(Self.hash(self[number]), number) { [entries] in Self.hash(entries[Int($0)].price) }
        entries[Int(number)].uses = firstFree
        firstFree = number
        if latest == number { latest = Self.none }
    }

    /// The line as facts and answers carry it.
    func line(_ section: SectionNumber, _ quantity: UInt32, _ number: UInt32, lockedAt: Milliseconds) -> HoldLine {
        guard number != Self.none else { return HoldLine(section: section, quantity: quantity) }
        let price = self[number]
        let lock = PriceLock(
            tierVersion: price.tierVersion,
            unitPrice: price.unitPrice,
            serviceFee: price.serviceFee,
            facilityFee: price.facilityFee,
            taxBasisPoints: price.taxBasisPoints,
            lockedAt: lockedAt
        )
        return HoldLine(section: section, quantity: quantity, tier: price.tier, lock: price.isLocked ? lock : nil)
    }

    /// Memory set aside.
    var byteCount: Int { entries.byteCount + index.byteCount }

    private mutating func join(_ price: Price) -> UInt32 {
        if latest == Self.none || self[latest] != price { latest = find(price) ?? add(price) }
        entries[Int(latest)].uses += 1
        return latest
    }

    private func find(_ price: Price) -> UInt32? { index.find(Self.hash(price)) { self[$0] == price } }

    private mutating func add(_ price: Price) -> UInt32 {
        let entry = Entry(price: price, uses: 0)
        let number: UInt32
        if firstFree != Self.none {
            number = firstFree
            firstFree = entries[Int(number)].uses
            entries[Int(number)] = entry
        } else {
            number = UInt32(entries.count)
            entries.append(entry)
        }
        let hash = Self.hash(price)
        if index.isFull(at: hash) { index.grow(at: hash) { [entries] in Self.hash(entries[Int($0)].price) } }
        index.insert(hash, number)
        return number
    }

    private static func hash(_ price: Price) -> UInt64 {
        var hash = StableHash()
        hash.combine(UInt64(price.tier) << 32 | UInt64(price.tierVersion))
        hash.combine(price.unitPrice)
        hash.combine(price.serviceFee)
        hash.combine(price.facilityFee)
        hash.combine(UInt64(price.taxBasisPoints) << 1 | (price.isLocked ? 1 : 0))
        return hash.finish()
    }
}

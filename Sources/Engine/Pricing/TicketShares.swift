/// Minor units, apart by what they are for.
public struct Amounts: Equatable, Sendable {
    public var base: Int64
    public var serviceFee: Int64
    public var facilityFee: Int64
    public var tax: Int64

    public static let zero = Amounts(base: 0, serviceFee: 0, facilityFee: 0, tax: 0)

    public init(base: Int64, serviceFee: Int64, facilityFee: Int64, tax: Int64) {
        self.base = base
        self.serviceFee = serviceFee
        self.facilityFee = facilityFee
        self.tax = tax
    }

    init(_ quote: Quote) {
        base = quote.base
        serviceFee = quote.serviceFee
        facilityFee = quote.facilityFee
        tax = quote.tax
    }

    public var fees: Int64 { serviceFee + facilityFee }
    public var total: Int64 { base + fees + tax }

    public static func += (left: inout Amounts, right: Amounts) {
        left.base += right.base
        left.serviceFee += right.serviceFee
        left.facilityFee += right.facilityFee
        left.tax += right.tax
    }

    public static func + (left: Amounts, right: Amounts) -> Amounts {
        var sum = left
        sum += right
        return sum
    }
}

/// What each ticket of a line costs: the line's quote divided among its tickets so that nothing is left over. What a
/// ticket costs here is what its refund gives back.
///
/// Price and fees are per ticket anyway. Of the tax, which is rounded once for the line, every ticket bears the same, and
/// the line's first tickets one minor unit more until it adds up. So a ticket's share depends on its place in the line and
/// on nothing that happens to the others: tickets may be refunded in any order, in any parts, and a line whose tickets
/// are all refunded has given back its quote's total, to the unit.
public struct TicketShares: Equatable, Sendable {
    /// The whole line's.
    public let line: Amounts
    /// Tickets of the line, 1 or more.
    public let quantity: UInt32
    private let unit: Amounts
    /// Tickets from the first on that bear one minor unit of tax more than the others.
    private let taxedMore: UInt32

    /// - Parameter quantity: of the line; 1 or more.
    public init(lock: PriceLock, quantity: UInt32) {
        let quote = Quote(lock: lock, quantity: quantity)
        let (tax, rest) = quote.tax.quotientAndRemainder(dividingBy: Int64(quantity))
        line = Amounts(quote)
        unit = Amounts(
            base: lock.unitPrice,
            serviceFee: lock.serviceFee,
            facilityFee: lock.facilityFee,
            tax: tax
        )
        taxedMore = UInt32(rest)
        self.quantity = quantity
    }

    /// The share of one ticket.
    /// - Parameter index: its place in the line, counted from 0, below `quantity`.
    public subscript(index: UInt32) -> Amounts {
        precondition(index < quantity, "a ticket beyond its line's last one")
        var share = unit
        if index < taxedMore { share.tax += 1 }
        return share
    }
}

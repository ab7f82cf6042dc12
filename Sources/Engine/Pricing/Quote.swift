/// The price of a line: all in minor units, for the whole line but `unitPrice` and `perTicket`.
public struct Quote: Equatable, Sendable {
    public let unitPrice: Int64
    public let base: Int64
    public let serviceFee: Int64
    public let facilityFee: Int64
    public let subtotal: Int64
    public let tax: Int64
    public let total: Int64
    /// `total` divided by the quantity, rounded half up.
    public let perTicket: Int64

    /// The line's price under a lock. Tax is rounded once, half away from zero.
    ///
    /// Can't overflow: (3 × 10¹¹) × 1,000 tickets × 10⁴ basis points is below 2⁶³.
    public init(lock: PriceLock, quantity: UInt32) {
        let count = Int64(quantity)
        unitPrice = lock.unitPrice
        base = lock.unitPrice * count
        serviceFee = lock.serviceFee * count
        facilityFee = lock.facilityFee * count
        subtotal = base + serviceFee + facilityFee
        tax = (subtotal * Int64(lock.taxBasisPoints) + 5_000) / 10_000
        total = subtotal + tax
        perTicket = count == 0 ? 0 : (total + count / 2) / count
    }
}

extension PriceTierDetails {
    /// The price of one ticket at `now` in a line of `quantity`: group(last minute(early bird(current or base))),
    /// clamped where the tier is dynamic. Nothing is written when a rule's time comes or goes.
    public func unitPrice(at now: Milliseconds, quantity: UInt32) -> Int64 {
        var price = isDynamic ? (currentPrice ?? basePrice) : basePrice
        if let early = earlyBirdPrice, let end = earlyBirdEndsAt, now < end { price = early }
        if let late = lastMinutePrice, let start = lastMinuteStartsAt, now >= start { price = late }
        if groupSizeMin > 0, quantity >= groupSizeMin {
            price = (price * Int64(10_000 - groupDiscountBasisPoints) + 5_000) / 10_000
        }
        if isDynamic {
            if let floor = minPrice { price = max(price, floor) }
            if let ceiling = maxPrice { price = min(price, ceiling) }
        }
        return price
    }

    /// Today's price and fees, to be kept with a line.
    public func lock(version: UInt32, at now: Milliseconds, quantity: UInt32) -> PriceLock {
        PriceLock(
            tierVersion: version,
            unitPrice: unitPrice(at: now, quantity: quantity),
            serviceFee: serviceFee,
            facilityFee: facilityFee,
            taxBasisPoints: taxBasisPoints,
            lockedAt: now
        )
    }
}

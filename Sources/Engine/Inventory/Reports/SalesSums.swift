/// Sums of money in minor units, apart by what they are for.
///
/// 128 bits wide: sixteen million orders at the highest price are beyond 64, and what `apply` adds up can't be refused.
public struct SalesAmounts: Equatable, Sendable {
    public var base: Int128 = 0
    public var serviceFee: Int128 = 0
    public var facilityFee: Int128 = 0
    public var tax: Int128 = 0

    public init() {}

    init(_ amounts: Amounts) {
        base = Int128(amounts.base)
        serviceFee = Int128(amounts.serviceFee)
        facilityFee = Int128(amounts.facilityFee)
        tax = Int128(amounts.tax)
    }

    public var fees: Int128 { serviceFee + facilityFee }
    public var total: Int128 { base + fees + tax }

    static func += (left: inout SalesAmounts, right: Amounts) {
        left.base += Int128(right.base)
        left.serviceFee += Int128(right.serviceFee)
        left.facilityFee += Int128(right.facilityFee)
        left.tax += Int128(right.tax)
    }

    public static func += (left: inout SalesAmounts, right: SalesAmounts) {
        left.base += right.base
        left.serviceFee += right.serviceFee
        left.facilityFee += right.facilityFee
        left.tax += right.tax
    }
}

/// What was sold of something, and what of it was given back: both only grow.
public struct SalesSums: Equatable, Sendable {
    public var tickets: UInt64 = 0
    /// At the prices that were locked.
    public var sold = SalesAmounts()
    public var refundedTickets: UInt64 = 0
    /// The shares of the refunded tickets in their lines: see `TicketShares`.
    public var refunded = SalesAmounts()

    public init() {}

    /// A line that was sold.
    init(_ line: HoldLine) {
        sell(line.quantity, Amounts(line))
    }

    mutating func sell(_ tickets: UInt32, _ amounts: Amounts) {
        self.tickets += UInt64(tickets)
        sold += amounts
    }

    public var net: Int128 { sold.total - refunded.total }

    public static func += (left: inout SalesSums, right: SalesSums) {
        left.tickets += right.tickets
        left.sold += right.sold
        left.refundedTickets += right.refundedTickets
        left.refunded += right.refunded
    }
}

/// Sums, and the orders that they are of.
public struct OrderSums: Equatable, Sendable {
    public var orders: UInt64 = 0
    public var sums = SalesSums()

    public init() {}

    public static func += (left: inout OrderSums, right: OrderSums) {
        left.orders += right.orders
        left.sums += right.sums
    }

    static func += (left: inout OrderSums, right: DaySales) {
        left.orders += right.orders
        left.sums += right.sums
    }
}

extension Amounts {
    /// Of a line at its locked price; nothing of one that has none.
    init(_ line: HoldLine) {
        self = line.lock.map { Amounts(Quote(lock: $0, quantity: line.quantity)) } ?? .zero
    }
}

/// A day's sales: orders confirmed on it, and refunds given on it, whenever the tickets were sold.
public struct DaySales: Equatable, Sendable {
    /// Days since 1970-01-01, UTC; or one of the two below, which come before all of them.
    public var day: Int64
    public var orders: UInt64 = 0
    public var sums = SalesSums()

    /// Refunds of which a data folder of an earlier build doesn't know the day.
    static let undated = Int64.min
    /// Everything before the days that are kept.
    static let earlier = Int64.min + 1

    init(day: Int64) { self.day = day }

    public static func number(of time: Milliseconds) -> Int64 { time.floored(to: 86_400_000) }

    static func += (left: inout DaySales, right: DaySales) {
        left.orders += right.orders
        left.sums += right.sums
    }
}

/// What was sold in an hour.
public struct HourSales: Equatable, Sendable {
    /// Hours since 1970-01-01T00:00Z.
    public var hour: Int64
    public var orders: UInt64 = 0
    public var tickets: UInt64 = 0
    /// Minor units, fees and tax included.
    public var total: Int128 = 0

    init(hour: Int64) { self.hour = hour }

    public static func number(of time: Milliseconds) -> Int64 { time.floored(to: 3_600_000) }
}

extension Milliseconds {
    fileprivate func floored(to length: Int64) -> Int64 {
        let (quotient, rest) = quotientAndRemainder(dividingBy: length)
        return rest < 0 ? quotient - 1 : quotient
    }
}

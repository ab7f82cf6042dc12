import Foundation
import Testing

@testable import Engine
@testable import ReferenceModel

/// Prices to the cent against decimal arithmetic on amounts as people write them, worked out from the rules of the sale
/// and not from the engine: unit = group(last minute(early bird(current or base))), clamped where the tier is dynamic; fees
/// for each ticket; tax on the line's subtotal, rounded once, half away from zero.
@Suite struct PriceReferenceTests {
    private static let noon: Milliseconds = 1_800_000_000_000

    /// A tier in units of its currency, and shares of one.
    struct DecimalTier {
        var base: Decimal
        var service: Decimal
        var facility: Decimal
        var taxRate: Decimal
        var isDynamic: Bool
        var floor, ceiling, current: Decimal?
        var early: (price: Decimal, endsAt: Milliseconds)?
        var late: (price: Decimal, startsAt: Milliseconds)?
        var group: (size: UInt32, discount: Decimal)?
    }

    struct DecimalQuote: Equatable {
        var unit, base, service, facility, subtotal, tax, total, perTicket: Decimal
    }

    static func rounded(_ amount: Decimal, digits: Int) -> Decimal {
        var (exact, rounded) = (amount, Decimal())
        NSDecimalRound(&rounded, &exact, digits, .plain)
        return rounded
    }

    static func quote(_ tier: DecimalTier, quantity: UInt32, at now: Milliseconds, digits: Int) -> DecimalQuote {
        let count = Decimal(quantity)
        var unit = tier.base
        if tier.isDynamic, let current = tier.current { unit = current }
        if let early = tier.early, now < early.endsAt { unit = early.price }
        if let late = tier.late, now >= late.startsAt { unit = late.price }
        if let group = tier.group, quantity >= group.size {
            unit = rounded(unit * (1 - group.discount), digits: digits)
        }
        if tier.isDynamic, let floor = tier.floor, unit < floor { unit = floor }
        if tier.isDynamic, let ceiling = tier.ceiling, unit > ceiling { unit = ceiling }
        let subtotal = (unit + tier.service + tier.facility) * count
        let tax = rounded(subtotal * tier.taxRate, digits: digits)
        return DecimalQuote(
            unit: unit,
            base: unit * count,
            service: tier.service * count,
            facility: tier.facility * count,
            subtotal: subtotal,
            tax: tax,
            total: subtotal + tax,
            perTicket: rounded((subtotal + tax) / count, digits: digits)
        )
    }

    // MARK: - Random tiers

    private struct Tiers {
        var random: SeededRandom
        let digits: Int

        /// Often one at which something happens: zero, the least there is, a third, the most.
        mutating func price() -> Decimal {
            let most = InventoryLimits.priceMax
            let minor =
                switch random.below(6) {
                case 0: Int64(0)
                case 1: Int64(1 + random.below(3))
                case 2: Int64(3_333)
                case 3: most - Int64(random.below(2))
                default: Int64.random(in: 0...[99, 9_999, 99_999, most][random.below(4)], using: &random)
                }
            return Decimal(sign: .plus, exponent: -digits, significand: Decimal(minor))
        }

        mutating func share(digits: Int) -> Decimal {
            let points = random.chance(20) ? [0, 1, 5_000, 9_999, 10_000][random.below(5)] : random.below(10_001)
            return Decimal(sign: .plus, exponent: -digits, significand: Decimal(points))
        }

        mutating func time() -> Milliseconds { noon + Milliseconds(random.below(7)) - 3 }

        mutating func next() -> DecimalTier {
            let bounds = [price(), price()].sorted()
            return DecimalTier(
                base: price(),
                service: random.chance(30) ? 0 : price(),
                facility: random.chance(30) ? 0 : price(),
                taxRate: share(digits: 4),
                isDynamic: random.chance(50),
                floor: random.chance(50) ? bounds[0] : nil,
                ceiling: random.chance(50) ? bounds[1] : nil,
                current: random.chance(50) ? price() : nil,
                early: random.chance(40) ? (price(), time()) : nil,
                late: random.chance(40) ? (price(), time()) : nil,
                group: random.chance(40) ? (UInt32(1 + random.below(12)), share(digits: 4)) : nil
            )
        }
    }

    private static func minor(_ amount: Decimal, _ digits: Int) -> Int64 {
        let scaled = Decimal(sign: .plus, exponent: digits, significand: amount)
        return NSDecimalNumber(decimal: scaled).int64Value
    }

    private static func details(_ tier: DecimalTier, digits: Int) -> PriceTierDetails {
        func minor(_ amount: Decimal) -> Int64 { Self.minor(amount, digits) }
        var details = PriceTierDetails(name: "T", basePrice: minor(tier.base))
        details.serviceFee = minor(tier.service)
        details.facilityFee = minor(tier.facility)
        details.taxBasisPoints = UInt32(Self.minor(tier.taxRate, 4))
        details.isDynamic = tier.isDynamic
        details.minPrice = tier.floor.map(minor)
        details.maxPrice = tier.ceiling.map(minor)
        details.currentPrice = tier.current.map(minor)
        details.earlyBirdPrice = (tier.early?.price).map(minor)
        details.earlyBirdEndsAt = tier.early?.endsAt
        details.lastMinutePrice = (tier.late?.price).map(minor)
        details.lastMinuteStartsAt = tier.late?.startsAt
        details.groupSizeMin = tier.group?.size ?? 0
        details.groupDiscountBasisPoints = tier.group.map { UInt32(Self.minor($0.discount, 4)) } ?? 0
        return details
    }

    private static func decimals(_ quote: Quote, digits: Int) -> DecimalQuote {
        func major(_ minor: Int64) -> Decimal { Decimal(sign: .plus, exponent: -digits, significand: Decimal(minor)) }
        return DecimalQuote(
            unit: major(quote.unitPrice),
            base: major(quote.base),
            service: major(quote.serviceFee),
            facility: major(quote.facilityFee),
            subtotal: major(quote.subtotal),
            tax: major(quote.tax),
            total: major(quote.total),
            perTicket: major(quote.perTicket)
        )
    }

    // MARK: - Tests

    @Test(arguments: [0, 2, 3], 1...4 as ClosedRange<UInt64>)
    func everyPriceIsThatOfDecimalArithmetic(digits: Int, seed: UInt64) throws {
        var tiers = Tiers(random: SeededRandom(seed: seed &* 10 &+ UInt64(digits)), digits: digits)
        for _ in 0..<400 {
            let tier = tiers.next()
            let event = try Self.event([Self.details(tier, digits: digits)])
            for _ in 0..<4 {
                let quantity = UInt32(tiers.random.chance(80) ? 1 + tiers.random.below(12) : 1_000)
                let now = tiers.time()
                let finding = try event.find(.calculate(0, quantity: quantity), Self.context(at: now))
                guard case .price(_, let quote) = finding else { throw Rejection.tierNotFound }
                let expected = Self.quote(tier, quantity: quantity, at: now, digits: digits)
                #expect(Self.decimals(quote, digits: digits) == expected, "\(quantity) at \(now) of \(tier)")
            }
        }
    }

    /// The lines of one order are rounded one by one, whenever each of them got its price.
    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func anOrderIsTheSumOfItsLines(seed: UInt64) throws {
        var tiers = Tiers(random: SeededRandom(seed: seed), digits: 2)
        for _ in 0..<100 {
            let decimals = [tiers.next(), tiers.next(), tiers.next()]
            var event = try Self.event(decimals.map { Self.details($0, digits: 2) })
            let quantities = decimals.map { _ in UInt32(1 + tiers.random.below(30)) }
            func line(_ number: Int) -> ReserveRequest.Line {
                .init(section: UInt32(number), quantity: quantities[number], tier: TierNumber(number))
            }
            var request = ReserveRequest(first: line(0), rest: [line(1), line(2)])
            // The last one gets its price when it is sold: that of its section's only tier.
            request.rest[1].tier = nil
            let (reservedAt, soldAt) = (tiers.time(), Self.noon + 10)
            let reserved = try event.run(.reserve(request), Self.context(at: reservedAt))
            guard case .reserved(let hold, _, _, _) = reserved else { throw Rejection.reservationNotFound }
            let id = HoldID(event: event.key, reference: hold.reference, secret: hold.secret)
            let confirm = Command.confirm(id, paymentReference: "p", amount: nil)
            guard case .order(let sold, _) = try event.run(confirm, Self.context(at: soldAt)) else {
                throw Rejection.orderNotFound
            }
            let total = (0..<3).reduce(Decimal(0)) { sum, number in
                let time = number == 2 ? soldAt : reservedAt
                return sum + Self.quote(decimals[number], quantity: quantities[number], at: time, digits: 2).total
            }
            #expect(Decimal(try #require(sold.order).state.total) == total * 100)
        }
    }

    /// Price, fees, tax and the tier's version stay with each line, whatever becomes of the tier, also behind a snapshot.
    @Test func aLockStaysWithItsLine() throws {
        var tiers = Tiers(random: SeededRandom(seed: 77), digits: 2)
        for _ in 0..<50 {
            let decimals = [tiers.next(), tiers.next()]
            var event = try Self.event(decimals.map { Self.details($0, digits: 2) })
            let lines = (0..<2).map { ReserveRequest.Line(section: UInt32($0), quantity: 3) }
            let request = ReserveRequest(first: lines[0], rest: [lines[1]])
            guard case .reserved(let hold, _, _, _) = try event.run(.reserve(request), Self.context(at: Self.noon))
            else { throw Rejection.reservationNotFound }
            let id = HoldID(event: event.key, reference: hold.reference, secret: hold.secret)
            let versions = (0..<2).map { _ in UInt32(tiers.random.below(4)) }
            for (number, version) in versions.enumerated() {
                for _ in 0..<version {
                    let details = Self.details(decimals[number], digits: 2).of(section: UInt32(number))
                    _ = try event.run(.updateTier(TierNumber(number), details), Self.context(at: Self.noon))
                }
            }
            _ = try event.run(.lockPrice(id, tier: nil), Self.context(at: Self.noon + 1))
            let locked = event.holdState(hold.reference.slot)
            for number in 0..<2 {
                var other = Self.details(tiers.next(), digits: 2).of(section: UInt32(number))
                other.isActive = false
                _ = try event.run(.updateTier(TierNumber(number), other), Self.context(at: Self.noon + 2))
                let lock = try #require(locked[line: number].lock)
                let expected = Self.quote(decimals[number], quantity: 3, at: Self.noon + 1, digits: 2)
                #expect(lock.tierVersion == 1 + versions[number])
                #expect(lock.lockedAt == Self.noon + 1)
                #expect(Self.decimals(Quote(lock: lock, quantity: 3), digits: 2) == expected)
            }
            let restored = try Self.restored(event)
            #expect(restored.holdState(hold.reference.slot) == locked)
            #expect(restored.digest() == event.digest())
        }
    }

    // MARK: - Events

    /// A published event with a section for each tier, which prices nothing else.
    private static func event(_ tiers: [PriceTierDetails]) throws -> EventInventory {
        let details = EventDetails(id: "gala", name: "Gala", currency: "EUR")
        var event = EventInventory(creating: .eventCreated(tenant: "shop", details, at: noon - 10))!
        for (number, tier) in tiers.enumerated() {
            let section = SectionDetails(id: ShortText("s\(number)")!, name: "S", total: 10_000)
            _ = try event.run(.addSection(section), context(at: noon - 10))
            _ = try event.run(.addTier(tier.of(section: UInt32(number))), context(at: noon - 10))
        }
        _ = try event.run(.publishEvent, context(at: noon - 10))
        return event
    }

    private static func context(at now: Milliseconds) -> CommandContext {
        CommandContext(tenant: "shop", now: now, random: (1, 2))
    }

    private static func restored(_ event: EventInventory) throws -> EventInventory {
        var restored: EventInventory?
        event.visitSnapshotFacts { fact in
            if restored == nil { restored = EventInventory(creating: fact) } else { restored?.apply(fact) }
        }
        return try #require(restored)
    }
}

extension PriceTierDetails {
    fileprivate func of(section: SectionNumber) -> PriceTierDetails {
        var details = self
        details.section = section
        return details
    }
}

extension EventInventory {
    fileprivate mutating func run(_ command: Command, _ context: CommandContext) throws -> Answer {
        let decision = try decide(command, context)
        for fact in decision.facts { apply(fact) }
        return decision.answer
    }
}

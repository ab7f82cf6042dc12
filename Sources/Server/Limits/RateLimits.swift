import Engine
import Glibc

/// The limits that are set: for a caller and for an address, of the sale and of the rest each.
struct RateLimitSettings: Equatable, Sendable {
    /// Nil where there is no limit.
    var sale: RateRule?
    var addressSale: RateRule?
    var reporting: RateRule?
    var addressReporting: RateRule?
    /// Where a client's address stands when the connection is a proxy's.
    var forwarding: AddressForwarding?

    var isEmpty: Bool { sale == nil && addressSale == nil && reporting == nil && addressReporting == nil }
}

/// Who spends: a caller or an address.
enum RateSpender: Sendable { case caller, address }

/// The budgets of all callers and addresses, shared by all loops.
final class RateLimits: Sendable {
    let settings: RateLimitSettings
    private let sale: RateTable?
    private let addressSale: RateTable?
    private let reporting: RateTable?
    private let addressReporting: RateTable?
    private let clock: @Sendable () -> UInt64
    /// So that nobody can choose names or addresses that share a place.
    private let seed = UInt64.random(in: .min ... .max)

    /// - Parameters:
    ///   - places: of each table; see `RateTable`.
    ///   - clock: nanoseconds since any moment; never steps back.
    init(
        _ settings: RateLimitSettings,
        places: Int = RateTable.defaultPlaces,
        clock: @escaping @Sendable () -> UInt64 = RateLimits.monotonicNanoseconds
    ) {
        self.settings = settings
        self.clock = clock
        func table(_ rule: RateRule?) -> RateTable? { rule.map { RateTable($0, places: places) } }
        sale = table(settings.sale)
        addressSale = table(settings.addressSale)
        reporting = table(settings.reporting)
        addressReporting = table(settings.addressReporting)
    }

    func now() -> UInt64 { clock() }

    /// What may be limited.
    static let policies: [(RouteBudget, RateSpender)] = [
        (.sale, .caller), (.sale, .address), (.reporting, .caller), (.reporting, .address),
    ]

    func table(_ budget: RouteBudget, of spender: RateSpender) -> RateTable? {
        switch (budget, spender) {
        case (.unlimited, _): nil
        case (.sale, .caller): sale
        case (.sale, .address): addressSale
        case (.reporting, .caller): reporting
        case (.reporting, .address): addressReporting
        }
    }

    func key(_ context: CommandContext) -> UInt64 {
        var hash = StableHash(seed: seed)
        context.tenant.withBytes { hash.combine($0) }
        hash.combine(context.tenant.count)
        context.actor.withBytes { hash.combine($0) }
        return hash.finish()
    }

    /// IPv4 by address, IPv6 by the 64 bits that a network gives to one customer: the rest is the customer's own to choose.
    func key(_ address: ClientAddress) -> UInt64 {
        var hash = StableHash(seed: ~seed)
        hash.combine(address.high)
        hash.combine(address.isIPv4 ? address.low : 0)
        return hash.finish()
    }

    static let monotonicNanoseconds: @Sendable () -> UInt64 = {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

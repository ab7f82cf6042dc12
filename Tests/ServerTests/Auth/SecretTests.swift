import Foundation
import Testing

@testable import Engine
@testable import Server

/// Secrets: how they are compared, and how much chance is in them. SECURITY.md states the figures.
@Suite struct SecretTests {
    @Test func everyBitOfASecretCounts() {
        var random = SeededBytes(seed: 3)
        for count in [1, 7, 8, 9, 64, 300] {
            let secret = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            #expect(same(secret, secret))
            for bit in 0..<(8 * count) {
                var other = secret
                other[bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(!same(secret, other))
            }
            #expect(!same(secret, secret + [0]) && !same(secret, secret.dropLast()))
        }
    }

    private func same(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Bool {
        Array(left).withUnsafeBytes { left in Array(right).withUnsafeBytes { left.isSameSecret(as: $0) } }
    }

    /// A code is compared whole, and in one way: nobody adds a quicker one.
    @Test func codesAreTheSameInEveryBitOrNotAtAll() {
        let code = TicketCode(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
        #expect(code == TicketCode(high: code.high, low: code.low))
        for bit in 0..<64 as Range<UInt64> {
            #expect(code != TicketCode(high: code.high ^ 1 << bit, low: code.low))
            #expect(code != TicketCode(high: code.high, low: code.low ^ 1 << bit))
        }
    }

    // MARK: - Chance

    /// An event on sale, asked with chosen random bits.
    private struct Sale {
        var inventory: EventInventory

        init() throws {
            let created = try EventInventory.decideCreation(
                EventDetails(id: "gala", name: "Gala", currency: "EUR"),
                Self.context((0, 0))
            )
            let fact = try #require(created.first)
            inventory = try #require(EventInventory(creating: fact))
            for command in [
                .addSection(SectionDetails(id: "floor", name: "Floor", total: 10)),
                .addTier(PriceTierDetails(name: "Full", basePrice: 5_000)), .publishEvent,
            ] as [Command] { _ = try perform(command, (0, 0)) }
        }

        static func context(_ random: (UInt64, UInt64)) -> CommandContext {
            CommandContext(tenant: "default", now: SettableTime.noon, random: random)
        }

        mutating func perform(_ command: Command, _ random: (UInt64, UInt64)) throws -> Answer {
            let decision = try inventory.decide(command, Self.context(random))
            for fact in decision.facts { inventory.apply(fact, isAnswered: false) }
            return decision.answer
        }

        /// The answer, without what it leads to.
        func answer(_ command: Command, _ random: (UInt64, UInt64)) throws -> Answer {
            try inventory.decide(command, Self.context(random)).answer
        }

        func reservation(_ random: (UInt64, UInt64)) throws -> HoldID {
            let request = ReserveRequest(first: .init(section: 0, quantity: 1))
            guard case .reservedOne(let hold, _, _, _) = try answer(.reserve(request), random) else {
                throw TestFailure("no reservation")
            }
            return HoldID(event: inventory.key, reference: hold.reference, secret: hold.secret)
        }
    }

    /// How many of 128 random bits `make` depends on, and whether each of those makes a difference of its own.
    private func randomBits<Secret: Hashable>(_ make: ((UInt64, UInt64)) throws -> Secret) rethrows -> Int {
        let plain = try make((0, 0))
        var found: Set<Secret> = []
        for bit in 0..<128 as Range<UInt64> {
            found.insert(try make(bit < 64 ? (1 << bit, 0) : (0, 1 << (bit - 64))))
        }
        found.remove(plain)
        return found.count
    }

    @Test func anIdHasTheRandomBitsThatAreStated() throws {
        var sale = try Sale()
        #expect(try randomBits { try text(sale.reservation($0)) } == 64)
        // A ticket's code comes from its order's 128, a check that is hashed from the reservation's 64 is in its id.
        guard
            case .reservedOne(let hold, _, _, _) = try sale.perform(
                .reserve(ReserveRequest(customer: "ann", first: .init(section: 0, quantity: 1))),
                (7, 7)
            )
        else { throw TestFailure("no reservation") }
        let id = HoldID(event: sale.inventory.key, reference: hold.reference, secret: hold.secret)
        let confirm = Command.confirm(id, paymentReference: "p", amount: nil)
        let codes = try randomBits { random in
            guard case .order(let sold, _) = try sale.answer(confirm, random), let order = sold.order else {
                throw TestFailure("no order")
            }
            let code = TicketCode(secret: order.state.ticketSecret, index: 0)
            return [code.high, code.low]
        }
        #expect(codes == 128)
        let checks = randomBits {
            TicketID(0, of: HoldID(event: id.event, reference: id.reference, secret: $0.0)).check
        }
        #expect(checks == 64)
        _ = try sale.perform(confirm, (9, 9))
        let offers = try randomBits { random in
            let offer = Command.offerTransfer(TicketID(0, of: id), recipient: .empty, expiresAt: nil)
            guard case .ticket(let view) = try sale.answer(offer, random), let code = view.offer?.code else {
                throw TestFailure("no offer")
            }
            return [code.high, code.low]
        }
        #expect(offers == 128)
    }

    /// A reservation's id as a client has it.
    private func text(_ id: HoldID) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: PublicIdentifiers.holdCharacters)
        bytes.withUnsafeMutableBytes { PublicIdentifiers.write(id, as: .reservation, into: $0) }
        return bytes
    }

    /// Each of the 128 bits is as often 0 as 1 (within six standard deviations), none follows another, nothing comes twice.
    @Test func theSourceOfChanceIsEven() {
        let draws = 16_384
        var bits = RandomBits()
        var ones = [Int](repeating: 0, count: 128)
        var pairs = [Int](repeating: 0, count: 128)
        var seen: Set<[UInt64]> = []
        for _ in 0..<draws {
            let (high, low) = bits.next()
            seen.insert([high, low])
            for bit in 0..<128 {
                let value = bitOf(high, low, bit)
                ones[bit] += value
                pairs[bit] += value ^ bitOf(high, low, (bit + 1) % 128)
            }
        }
        #expect(seen.count == draws)
        let deviation = 6 * (Double(draws) / 4).squareRoot()
        for count in ones + pairs { #expect(abs(Double(count) - Double(draws) / 2) < deviation) }
    }

    private func bitOf(_ high: UInt64, _ low: UInt64, _ bit: Int) -> Int {
        Int(bit < 64 ? high >> UInt64(bit) & 1 : low >> UInt64(bit - 64) & 1)
    }
}

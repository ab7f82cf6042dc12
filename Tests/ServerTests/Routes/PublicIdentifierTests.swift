import Engine
import Testing

@testable import Server

@Suite struct PublicIdentifierTests {
    private func hold(_ text: String, as prefix: PublicIdentifiers.HoldPrefix = .reservation) -> HoldID? {
        var text = text
        return text.withUTF8 { PublicIdentifiers.hold(UnsafeRawBufferPointer($0), as: prefix) }
    }

    private func ticket(_ text: String, of order: HoldID) -> UInt32? {
        var text = text
        return text.withUTF8 { PublicIdentifiers.ticketIndex(UnsafeRawBufferPointer($0), of: order) }
    }

    private func tier(_ text: String) -> (event: EventKey, number: TierNumber)? {
        var text = text
        return text.withUTF8 { PublicIdentifiers.tier(UnsafeRawBufferPointer($0)) }
    }

    /// The text on the outside is a promise: links and e-mails carry it.
    @Test func theTextOfAnIdStaysAsItIs() {
        #expect(KnownIDs.reservation.dropFirst(4) == KnownIDs.order.dropFirst(4))
        #expect(KnownIDs.reservation.hasPrefix("rsv_") && KnownIDs.reservation.utf8.count == 36)
        let id = HoldID(
            event: EventKey(rawValue: 0x0001_0203_0405_0607),
            reference: HoldReference(slot: 0x0809_0A0B, generation: 0x0C0D_0E0F),
            secret: 0x1011_1213_1415_1617
        )
        var bytes = [UInt8](repeating: 0, count: 36)
        bytes.withUnsafeMutableBytes { PublicIdentifiers.write(id, as: .order, into: $0) }
        #expect(String(decoding: bytes, as: UTF8.self) == "ord_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")
    }

    @Test func idsComeBackAsTheyWere() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<1_000 {
            let id = HoldID(
                event: EventKey(rawValue: generator.next()),
                reference: HoldReference(slot: generator.next(), generation: generator.next()),
                secret: generator.next()
            )
            var bytes = [UInt8](repeating: 0, count: 36)
            bytes.withUnsafeMutableBytes { PublicIdentifiers.write(id, as: .reservation, into: $0) }
            #expect(hold(String(decoding: bytes, as: UTF8.self)) == id)
            let index = UInt32.random(in: 0...PublicIdentifiers.ticketIndexMax)
            #expect(ticket(KnownIDs.ticket(index, of: id), of: id) == index)
            let number: TierNumber = generator.next()
            let found = tier(KnownIDs.tier(number, of: id.event))
            #expect(found?.event == id.event && found?.number == number)
        }
    }

    @Test func everyOtherTextIsRefused() {
        let good = KnownIDs.reservation
        #expect(hold(good) == KnownIDs.hold)
        #expect(hold(good, as: .order) == nil)
        for bad in ["", "rsv_", good + "A", String(good.dropLast()), "RSV_" + good.dropFirst(4), good + "="] {
            #expect(hold(bad) == nil, "\(bad)")
        }
        for character in "+/=. \u{E9}" {
            var text = Array(good)
            text[20] = character
            #expect(hold(String(text)) == nil)
        }
    }

    @Test func everyChangedCharacterMakesAnotherId() {
        let good = Array(KnownIDs.reservation)
        for place in 4..<good.count {
            var text = good
            text[place] = text[place] == "A" ? "B" : "A"
            #expect(hold(String(text)) != KnownIDs.hold)
        }
        let ticketText = Array(KnownIDs.ticket(5))
        for place in 0..<ticketText.count {
            var text = ticketText
            text[place] = text[place] == "A" ? "B" : "A"
            #expect(ticket(String(text), of: KnownIDs.hold) == nil)
        }
    }

    /// A ticket goes to a guest: it may not give away the order.
    @Test func aTicketsIdDoesNotCarryTheSecret() {
        let first = KnownIDs.ticket(0)
        let secret = KnownIDs.order.suffix(10)
        #expect(!first.contains(secret))
        let other = HoldID(event: KnownIDs.hold.event, reference: KnownIDs.hold.reference, secret: 5)
        #expect(KnownIDs.ticket(0, of: other) != first)
        #expect(ticket(first, of: other) == nil)
    }

    @Test func ticketCodesDifferAndStay() {
        var codes: Set<String> = []
        for index in 0..<1_000 as Range<UInt32> {
            for secret in [(1, 2), (2, 1), (1, 1)] as [(UInt64, UInt64)] {
                let code = TicketCode(secret: secret, index: index)
                #expect(code == TicketCode(secret: secret, index: index))
                codes.insert("\(code.high):\(code.low)")
            }
        }
        #expect(codes.count == 3_000)
    }

    @Test func base32HasNoLettersThatLookAlike() {
        let id = PublicIdentifiers.generated("sec_", high: .max, low: .max).description
        #expect(id == "sec_7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
        let low = PublicIdentifiers.generated("evt_", high: 0, low: 0b00001_00010).description
        #expect(low == "evt_" + String(repeating: "0", count: 24) + "12")
    }
}

import Engine

/// How identities of the engine look outside: a type prefix, then base64url of big-endian numbers.
///
///     rsv_, ord_   event key 8 · slot 4 · generation 4 · secret 8      24 bytes, 32 characters
///     tkt_         event key 8 · slot 4 · generation 4 · index 3 · check 8   27 bytes, 36 characters
///     prc_         event key 8 · tier number 4                         12 bytes, 16 characters
///
/// Every length is a multiple of 3 bytes, so each identity has exactly one text and every other text is refused.
/// A reservation's id carries its secret: whoever has it may act on the hold. A ticket's id goes to a guest, so it
/// carries no secret, only a keyed hash under it: it can't be guessed, and gives no right over the order.
enum PublicIdentifiers {
    static let holdCharacters = 4 + 32
    static let ticketCharacters = 4 + 36
    static let tierCharacters = 4 + 16
    /// The most tickets of one order that a ticket's id can tell apart.
    static let ticketIndexMax: UInt32 = (1 << 24) - 1

    enum HoldPrefix {
        case reservation
        case order

        var text: StaticString { self == .reservation ? "rsv_" : "ord_" }
    }

    // MARK: - Holds and orders

    /// - Precondition: `output` has `holdCharacters` bytes.
    static func write(_ id: HoldID, as prefix: HoldPrefix, into output: UnsafeMutableRawBufferPointer) {
        var bytes = InlineArray<24, UInt8>(repeating: 0)
        withUnsafeMutableBytes(of: &bytes) { raw in
            raw.storeBigEndian(id.event.rawValue, at: 0)
            raw.storeBigEndian(id.reference.slot, at: 8)
            raw.storeBigEndian(id.reference.generation, at: 12)
            raw.storeBigEndian(id.secret, at: 16)
            write(prefix.text, UnsafeRawBufferPointer(raw), into: output)
        }
    }

    /// Nil for every text that `write` doesn't make.
    static func hold(_ text: UnsafeRawBufferPointer, as prefix: HoldPrefix) -> HoldID? {
        var bytes = InlineArray<24, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &bytes) { raw in
            guard read(text, prefix: prefix.text, into: raw) else { return nil }
            return HoldID(
                event: EventKey(rawValue: raw.loadBigEndian(at: 0)),
                reference: HoldReference(slot: raw.loadBigEndian(at: 8), generation: raw.loadBigEndian(at: 12)),
                secret: raw.loadBigEndian(at: 16)
            )
        }
    }

    // MARK: - Tickets

    /// - Precondition: `output` has `ticketCharacters` bytes; `index` is at most `ticketIndexMax`.
    static func writeTicket(_ index: UInt32, of order: HoldID, into output: UnsafeMutableRawBufferPointer) {
        write(TicketID(index, of: order), into: output)
    }

    /// - Precondition: `output` has `ticketCharacters` bytes; the index is at most `ticketIndexMax`.
    static func write(_ id: TicketID, into output: UnsafeMutableRawBufferPointer) {
        precondition(id.index <= ticketIndexMax)
        var bytes = InlineArray<27, UInt8>(repeating: 0)
        withUnsafeMutableBytes(of: &bytes) { raw in
            raw.storeBigEndian(id.event.rawValue, at: 0)
            raw.storeBigEndian(id.reference.slot, at: 8)
            raw.storeBigEndian(id.reference.generation, at: 12)
            // Four bytes, of which the last is overwritten next: the index has three.
            raw.storeBigEndian(id.index << 8, at: 16)
            raw.storeBigEndian(id.check, at: 19)
            write("tkt_", UnsafeRawBufferPointer(raw), into: output)
        }
    }

    /// The index of a ticket of `order`; nil for every text that isn't the id of one.
    static func ticketIndex(_ text: UnsafeRawBufferPointer, of order: HoldID) -> UInt32? {
        guard let id = ticket(text), id == TicketID(id.index, of: order) else { return nil }
        return id.index
    }

    /// Nil for a text that is no ticket's id. Whether there is such a ticket, its event knows.
    static func ticket(_ text: UnsafeRawBufferPointer) -> TicketID? {
        var bytes = InlineArray<27, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &bytes) { raw in
            guard read(text, prefix: "tkt_", into: raw) else { return nil }
            return TicketID(
                event: EventKey(rawValue: raw.loadBigEndian(at: 0)),
                reference: HoldReference(slot: raw.loadBigEndian(at: 8), generation: raw.loadBigEndian(at: 12)),
                index: raw.loadBigEndian(at: 16) >> 8,
                check: raw.loadBigEndian(at: 19)
            )
        }
    }

    // MARK: - What scanners read

    /// The ticket's id, a full stop, and its code.
    static let scanCharacters = ticketCharacters + 1 + CrockfordBase32.charactersPer128Bits

    /// - Precondition: `output` has `scanCharacters` bytes.
    static func writeScan(_ id: TicketID, _ code: TicketCode, into output: UnsafeMutableRawBufferPointer) {
        write(id, into: UnsafeMutableRawBufferPointer(rebasing: output[..<ticketCharacters]))
        output[ticketCharacters] = UInt8(ascii: ".")
        let rest = UnsafeMutableRawBufferPointer(rebasing: output[(ticketCharacters + 1)...])
        CrockfordBase32.encode(high: code.high, low: code.low, into: rest)
    }

    /// Nil for every text that `writeScan` doesn't make.
    static func scan(_ text: UnsafeRawBufferPointer) -> (id: TicketID, code: TicketCode)? {
        guard text.count == scanCharacters, text[ticketCharacters] == UInt8(ascii: "."),
            let id = ticket(UnsafeRawBufferPointer(rebasing: text[..<ticketCharacters])),
            let code = code(UnsafeRawBufferPointer(rebasing: text[(ticketCharacters + 1)...]))
        else { return nil }
        return (id, code)
    }

    /// A ticket's code, or that of an offer.
    static func code(_ text: UnsafeRawBufferPointer) -> TicketCode? {
        CrockfordBase32.decode(text).map { TicketCode(high: $0.high, low: $0.low) }
    }

    // MARK: - Price tiers

    /// - Precondition: `output` has `tierCharacters` bytes.
    static func writeTier(_ tier: TierNumber, of event: EventKey, into output: UnsafeMutableRawBufferPointer) {
        var bytes = InlineArray<12, UInt8>(repeating: 0)
        withUnsafeMutableBytes(of: &bytes) { raw in
            raw.storeBigEndian(event.rawValue, at: 0)
            raw.storeBigEndian(tier, at: 8)
            write("prc_", UnsafeRawBufferPointer(raw), into: output)
        }
    }

    static func tier(_ text: UnsafeRawBufferPointer) -> (event: EventKey, number: TierNumber)? {
        var bytes = InlineArray<12, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &bytes) { raw in
            guard read(text, prefix: "prc_", into: raw) else { return nil }
            return (EventKey(rawValue: raw.loadBigEndian(at: 0)), raw.loadBigEndian(at: 8))
        }
    }

    // MARK: - Generated ids

    /// An id of 128 bits, for what the client didn't name.
    static func generated(_ prefix: StaticString, high: UInt64, low: UInt64) -> ShortText {
        precondition(prefix.utf8CodeUnitCount == 4)
        var text = InlineArray<30, UInt8>(repeating: 0)
        return withUnsafeMutableBytes(of: &text) { raw in
            raw.copyMemory(from: UnsafeRawBufferPointer(start: prefix.utf8Start, count: 4))
            CrockfordBase32.encode(high: high, low: low, into: UnsafeMutableRawBufferPointer(rebasing: raw[4...]))
            return ShortText(utf8: UnsafeRawBufferPointer(raw))!
        }
    }

    // MARK: - Prefix and body

    private static func write(
        _ prefix: StaticString,
        _ bytes: UnsafeRawBufferPointer,
        into output: UnsafeMutableRawBufferPointer
    ) {
        output.copyMemory(from: UnsafeRawBufferPointer(start: prefix.utf8Start, count: 4))
        Base64URL.encode(bytes, into: UnsafeMutableRawBufferPointer(rebasing: output[4...]))
    }

    private static func read(
        _ text: UnsafeRawBufferPointer,
        prefix: StaticString,
        into bytes: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard text.count > 4, UnsafeRawBufferPointer(rebasing: text[..<4]).equals(prefix) else { return false }
        return Base64URL.decode(UnsafeRawBufferPointer(rebasing: text[4...]), into: bytes)
    }
}

extension UnsafeMutableRawBufferPointer {
    fileprivate func storeBigEndian<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
        storeBytes(of: value.bigEndian, toByteOffset: offset, as: T.self)
    }

    fileprivate func loadBigEndian<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}

import Engine

// What tells a retry of a command from another one with the same key. It is made of what is asked, not of the bytes
// that ask it: the same command has the same fingerprint as a request of its own and as a line of a batch.

extension Command {
    /// - Parameter isNoContent: whether the answer is to have no body; a retry that wants one is another request.
    /// - Precondition: a command of the sale.
    func fingerprint(of event: EventKey, isNoContent: Bool = false) -> UInt64 {
        var hash = StableHash(seed: isNoContent ? 0x6e6f_2d63_6f6e_7465 : 0x7361_6c65_2d63_6d64)
        switch self {
        case .reserve(let request):
            hash.combine(event.rawValue)
            hash.combine(request)
        case .lockPrice(let id, let tier):
            hash.combine(2 as UInt64)
            hash.combine(id)
            hash.combine(tier.map { UInt64($0) + 1 } ?? 0)
        case .extend(let id, let seconds):
            hash.combine(3 as UInt64)
            hash.combine(id)
            hash.combine(UInt64(seconds))
        case .confirm(let id, let reference, _): return Self.fingerprint(ofConfirming: id, reference, amount: nil)
        case .release(let id):
            hash.combine(5 as UInt64)
            hash.combine(id)
        case .refund(let id, let tickets, let restock):
            hash.combine((restock ? 6 : 7) as UInt64)
            hash.combine(id)
            for ticket in tickets { hash.combine(ticket) }
        case .offerTransfer(let id, let recipient, let expiresAt):
            hash.combine(8 as UInt64)
            hash.combine(id)
            hash.combine(expiresAt.map { UInt64(bitPattern: $0) &+ 1 } ?? 0)
            recipient.withBytes { hash.combine($0) }
        case .acceptTransfer(let id, let code, let customer):
            hash.combine(9 as UInt64)
            hash.combine(id)
            hash.combine(code)
            customer.withBytes { hash.combine($0) }
        case .scan(let scans, let isList):
            hash.combine((isList ? 10 : 11) as UInt64)
            hash.combine(event.rawValue)
            for scan in scans { hash.combine(scan) }
        default: preconditionFailure("not a command of the sale")
        }
        return hash.finish()
    }

    /// - Parameter amount: as the client gave it; `50`, `50.0` and `50.00` are the same.
    static func fingerprint(ofConfirming id: HoldID, _ reference: String, amount: DecimalNumber?) -> UInt64 {
        var hash = StableHash(seed: 0x7361_6c65_2d63_6f6e)
        hash.combine(id)
        if let amount = amount?.withoutTrailingZeros {
            hash.combine(amount.digits)
            hash.combine(UInt64(amount.fractionDigits + 1))
        } else {
            hash.combine(0 as UInt64)
        }
        var reference = reference
        reference.withUTF8 { hash.combine(UnsafeRawBufferPointer($0)) }
        return hash.finish()
    }
}

extension StableHash {
    fileprivate mutating func combine(_ id: HoldID) {
        combine(id.event.rawValue)
        combine(UInt64(id.reference.slot) << 32 | UInt64(id.reference.generation))
        combine(id.secret)
    }

    fileprivate mutating func combine(_ id: TicketID) {
        combine(id.event.rawValue)
        combine(UInt64(id.reference.slot) << 32 | UInt64(id.reference.generation))
        combine(UInt64(id.index))
        combine(id.check)
    }

    fileprivate mutating func combine(_ code: TicketCode) {
        combine(code.high)
        combine(code.low)
    }

    fileprivate mutating func combine(_ scan: TicketScan) {
        if let ticket = scan.ticket { combine(ticket) }
        combine(scan.code)
        combine(scan.scannedAt.map { UInt64(bitPattern: $0) &+ 1 } ?? 0)
        combine(UInt64(scan.gate.count))
        scan.gate.withBytes { combine($0) }
    }

    fileprivate mutating func combine(_ request: ReserveRequest) {
        combine(UInt64(request.holdSeconds ?? 0) << 1 | (request.isSingleSection ? 1 : 0))
        combine(request.first)
        for line in request.rest { combine(line) }
        // Text last: what follows it would not stand at a whole word any more.
        request.customer.withBytes { combine($0) }
        guard let named = request.named else { return }
        for line in named.lines {
            combine(UInt64(line.count))
            for name in line {
                combine(name.count)
                name.withBytes { combine($0) }
            }
        }
    }

    private mutating func combine(_ line: ReserveRequest.Line) {
        combine(UInt64(line.section) << 32 | UInt64(line.quantity))
        combine(line.tier.map { UInt64($0) + 1 } ?? 0)
    }
}

extension DecimalNumber {
    fileprivate var withoutTrailingZeros: DecimalNumber {
        var digits = digits
        var fractionDigits = fractionDigits
        while fractionDigits > 0, digits % 10 == 0 {
            digits /= 10
            fractionDigits -= 1
        }
        return DecimalNumber(digits: digits, fractionDigits: fractionDigits)
    }
}

extension CommandContext {
    /// Gives the key, if there is one, what tells a retry from another request.
    ///
    /// A key is the caller's own, whichever customer is served. So the customer is part of what is asked for: the same key for
    /// another one was used before. Earlier builds left the customer out.
    /// - Parameter fingerprint: of what is asked, whomever for.
    mutating func identify(by fingerprint: UInt64) {
        guard let key = idempotency else { return }
        guard principal != actor else {
            idempotency = key.with(fingerprint: fingerprint)
            return
        }
        earlierFingerprints.1 = fingerprint
        var served = StableHash(seed: 0x7365_7276_6564_2d2d)
        served.combine(fingerprint)
        principal.withBytes { served.combine($0) }
        idempotency = key.with(fingerprint: served.finish())
    }
}

extension IdempotencyKey {
    fileprivate func with(fingerprint: UInt64) -> IdempotencyKey {
        IdempotencyKey(high: high, low: low, fingerprint: fingerprint)
    }
}

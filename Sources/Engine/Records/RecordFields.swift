import WAL

// How each kind of field looks in a record. FORMAT.md describes the same, byte by byte.

extension RecordBuffer {
    mutating func write(_ flag: Bool) { write(UInt8(flag ? 1 : 0)) }

    mutating func write<T: FixedWidthInteger>(optional value: T?) {
        write(value != nil)
        if let value { write(value) }
    }

    /// Seven bits a byte, the lowest first; the high bit says that more follow.
    mutating func write(variable value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            write(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        write(UInt8(rest))
    }

    mutating func write(_ text: ShortText) {
        write(text.count)
        text.withBytes { write(bytes: $0) }
    }

    mutating func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            write(UInt32(bytes.count))
            write(bytes: UnsafeRawBufferPointer(bytes))
        }
    }

    mutating func write(_ numbers: [UInt32]) {
        write(UInt32(numbers.count))
        for number in numbers { write(number) }
    }

    mutating func write(_ reference: HoldReference) {
        write(reference.slot)
        write(reference.generation)
    }

    mutating func write(_ lock: PriceLock) {
        write(lock.tierVersion)
        write(lock.unitPrice)
        write(lock.serviceFee)
        write(lock.facilityFee)
        write(lock.taxBasisPoints)
        write(lock.lockedAt)
    }

    mutating func write(_ line: HoldLine) {
        write(line.section)
        write(line.quantity)
        write(optional: line.tier)
        write(line.lock != nil)
        if let lock = line.lock { write(lock) }
    }

    mutating func write(_ order: OrderState) {
        write(order.confirmedAt)
        write(order.total)
        write(order.paymentReference)
        write(order.ticketSecret.0)
        write(order.ticketSecret.1)
        write(order.refunded)
        write(order.restocked)
    }

    mutating func write(_ hold: HoldState) {
        write(hold.reference)
        write(hold.secret)
        write(hold.customer)
        write(hold.status.rawValue)
        write(hold.createdAt)
        write(hold.expiresAt)
        write(hold.endedAt)
        write(UInt8(hold.lineCount))
        write(hold.first)
        for line in hold.rest { write(line) }
        write(hold.order != nil)
        if let order = hold.order { write(order.state) }
    }

    mutating func write(_ counts: SectionCounts) {
        write(counts.total)
        write(counts.buffer)
        write(counts.reserved)
        write(counts.sold)
    }

    mutating func write(_ key: IdempotencyKey) {
        write(key.high)
        write(key.low)
        write(key.fingerprint)
    }
}

extension RecordDecoder {
    mutating func readReference() throws(Malformed) -> HoldReference {
        HoldReference(slot: try read(), generation: try read())
    }

    mutating func readLock() throws(Malformed) -> PriceLock {
        PriceLock(
            tierVersion: try read(),
            unitPrice: try read(),
            serviceFee: try read(),
            facilityFee: try read(),
            taxBasisPoints: try read(),
            lockedAt: try read()
        )
    }

    mutating func readLine() throws(Malformed) -> HoldLine {
        var line = HoldLine(section: try read(), quantity: try read(), tier: try readOptional())
        if try readBool() { line.lock = try readLock() }
        return line
    }

    mutating func readOrder() throws(Malformed) -> OrderState {
        OrderState(
            confirmedAt: try read(),
            total: try read(),
            paymentReference: try readString(),
            ticketSecret: (try read(), try read()),
            refunded: try readNumbers(),
            restocked: try readNumbers()
        )
    }

    mutating func readHold() throws(Malformed) -> HoldState {
        let reference = try readReference()
        let secret = try read(UInt64.self)
        let customer = try readShortText()
        let status = try readCase(HoldStatus.self)
        let createdAt = try read(Milliseconds.self)
        let expiresAt = try read(Milliseconds.self)
        let endedAt = try read(Milliseconds.self)
        let lineCount = Int(try read(UInt8.self))
        guard (1...InventoryLimits.linesPerHoldMax).contains(lineCount) else { throw malformed("\(lineCount) lines") }
        let first = try readLine()
        var rest: [HoldLine] = []
        for _ in 1..<lineCount { rest.append(try readLine()) }
        let order = try readBool() ? OrderBox(try readOrder()) : nil
        return HoldState(
            reference: reference,
            secret: secret,
            customer: customer,
            status: status,
            createdAt: createdAt,
            expiresAt: expiresAt,
            endedAt: endedAt,
            first: first,
            rest: rest,
            order: order
        )
    }

    mutating func readCounts() throws(Malformed) -> SectionCounts {
        SectionCounts(total: try read(), buffer: try read(), reserved: try read(), sold: try read())
    }

    mutating func readKey() throws(Malformed) -> IdempotencyKey {
        IdempotencyKey(high: try read(), low: try read(), fingerprint: try read())
    }
}

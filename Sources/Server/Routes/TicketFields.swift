import Engine

// Bodies of requests about tickets and gates.

/// `{code, gate?, scanned_at?, event_id?}` or `{scans: [{code, gate?, scanned_at?}], event_id?}`
struct ScanFields {
    /// Enough for the longest list.
    static let bodyBytesMax = 192 << 10

    var event: ShortText?
    var scans: [TicketScan] = []
    var isList = false

    init(_ body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        var single = TicketScan(ticket: nil, code: TicketCode(high: 0, low: 0))
        try body.begin()
        while let key = try body.nextKey() {
            switch key {
            case "event_id":
                try body.once(3, &seen)
                if try body.isNull() { continue }
                event = try body.name()
            case "scans":
                try body.once(4, &seen)
                isList = true
                try readScans(&body)
            default: if try !single.read(key, &body, &seen) { try body.skip() }
            }
        }
        guard !isList else {
            if event == nil, Set(scans.compactMap { $0.ticket?.event }).count > 1 {
                body.note("event_id", "is required where codes are of more than one event")
            }
            if seen & 7 != 0 { body.note("scans", "must come without code, gate and scanned_at beside it") }
            return
        }
        body.require(seen & 1 != 0, "code")
        scans = [single]
    }

    private mutating func readScans(_ body: inout BodyReader) throws(JSONError) {
        guard try body.beginList() else { return }
        var count = 0
        while try body.nextElement() {
            count += 1
            guard count <= InventoryLimits.scansPerListMax else {
                try body.skip()
                continue
            }
            scans.append(try readScan(&body))
        }
        if !(1...InventoryLimits.scansPerListMax).contains(count) {
            body.note("scans", "must have 1 to \(InventoryLimits.scansPerListMax) scans")
        }
    }

    private func readScan(_ body: inout BodyReader) throws(JSONError) -> TicketScan {
        var scan = TicketScan(ticket: nil, code: TicketCode(high: 0, low: 0))
        var seen: UInt64 = 0
        let path = body.fieldPath
        guard try body.beginElement() else { return scan }
        while let key = try body.nextElementKey() {
            if try !scan.read(key, &body, &seen) { try body.skip() }
        }
        if seen & 1 == 0 { body.note("\(path).code", "is required") }
        return scan
    }
}

extension TicketScan {
    /// Reads a member of a scan; false for one that it doesn't have. A text that is no code is a scan of nothing.
    fileprivate mutating func read(
        _ key: JSONString,
        _ body: inout BodyReader,
        _ seen: inout UInt64
    ) throws(JSONError) -> Bool {
        switch key {
        case "code":
            try body.once(0, &seen)
            guard let text = try body.string(), let found = text.withBytes({ PublicIdentifiers.scan($0) }) else {
                return true
            }
            ticket = found.id
            code = found.code
        case "gate":
            try body.once(1, &seen)
            if try !body.isNull() { gate = try body.name() ?? .empty }
        case "scanned_at":
            try body.once(2, &seen)
            if try !body.isNull() { scannedAt = try body.time() }
        default: return false
        }
        return true
    }
}

/// `{recipient?, expires_at?}`
struct TransferFields {
    var recipient = ShortText.empty
    var expiresAt: Milliseconds?

    init(_ body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() {
            switch key {
            case "recipient":
                try body.once(0, &seen)
                recipient = try body.customer() ?? .empty
            case "expires_at":
                try body.once(1, &seen)
                if try !body.isNull() { expiresAt = try body.time() }
            default: try body.skip()
            }
        }
    }
}

/// `{code, customer_id?}`
struct AcceptanceFields {
    /// Nil for a text that is none, which is told apart where there is a ticket to open with it.
    var code: TicketCode?
    var customer = ShortText.empty

    /// - Parameter principal: the customer who asks; empty for somebody who acts for the whole tenant, and says who takes it.
    init(_ body: inout BodyReader, by principal: ShortText) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() {
            switch key {
            case "code":
                try body.once(0, &seen)
                code = try body.string()?.withBytes { PublicIdentifiers.code($0) }
            case "customer_id":
                try body.once(1, &seen)
                customer = try body.customer() ?? .empty
            default: try body.skip()
            }
        }
        body.require(seen & 1 != 0, "code")
        if customer.isEmpty { customer = principal }
        if customer.isEmpty { body.note("customer_id", "is required of somebody who acts for the whole tenant") }
    }
}

/// `{id, name?, capacity_ids?, opens_at?, closes_at?}`
struct GateFields {
    var id: ShortText?
    var name = ""
    var sections: [ShortText] = []
    var opensAt: Milliseconds?
    var closesAt: Milliseconds?

    init(_ body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() {
            switch key {
            case "id":
                try body.once(0, &seen)
                id = try body.newIdentifier()
            case "name":
                try body.once(1, &seen)
                if try body.isNull() { continue }
                name = try body.text(bytesMax: InventoryLimits.nameBytesMax, isEmptyAllowed: true) ?? ""
            case "capacity_ids":
                try body.once(2, &seen)
                if try body.isNull() { continue }
                // An empty list would mean every section to the engine, and none to whoever sent it.
                sections = try body.names(max: InventoryLimits.sectionsPerGateMax)
            case "opens_at":
                try body.once(3, &seen)
                if try !body.isNull() { opensAt = try body.time() }
            case "closes_at":
                try body.once(4, &seen)
                if try !body.isNull() { closesAt = try body.time() }
            default: try body.skip()
            }
        }
        body.require(seen & 1 != 0, "id")
    }
}

extension BodyReader {
    /// 1 to `max` names; an error is noted where they are not as many.
    fileprivate mutating func names(max: Int) throws(JSONError) -> [ShortText] {
        var names: [ShortText] = []
        let path = fieldPath
        guard try beginList() else { return names }
        var count = 0
        while try nextElement() {
            count += 1
            guard count <= max else {
                try skip()
                continue
            }
            if let name = try name() { names.append(name) }
        }
        if !(1...max).contains(count) { note(path, "must have 1 to \(max) entries, or be left out") }
        return names
    }
}

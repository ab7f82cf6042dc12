import Engine

/// The members of an event's JSON that a request gives; the others keep their value.
struct EventPatch: Equatable, Sendable {
    var id: ShortText?
    var name: String?
    var currency: ShortText?
    var startsAt = Change<Milliseconds>.kept
    var salesStartAt = Change<Milliseconds>.kept
    var salesEndAt = Change<Milliseconds>.kept
    var holdTimeSeconds: UInt32?
    var holdTimeMaxSeconds: UInt32?
    /// Removed means no limit.
    var openHoldsPerCustomerMax = Change<UInt32>.kept
    var venueID = Change<ShortText>.kept
    /// Members that this engine doesn't know.
    var attributes = Attributes()

    /// Reads the whole body.
    init(_ body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() { try read(key, &body, &seen) }
    }

    private mutating func read(_ key: JSONString, _ body: inout BodyReader, _ seen: inout UInt64) throws(JSONError) {
        let holdTime = 1...Int64(InventoryLimits.holdTimeMaxSeconds)
        switch key {
        case "id":
            try body.once(0, &seen)
            id = try body.newIdentifier()
        case "name":
            try body.once(1, &seen)
            name = try body.text(bytesMax: InventoryLimits.nameBytesMax)
        case "currency":
            try body.once(2, &seen)
            currency = try body.currency()
        case "starts_at":
            try body.once(3, &seen)
            startsAt = try body.timeChange()
        case "sales_start_at":
            try body.once(4, &seen)
            salesStartAt = try body.timeChange()
        case "sales_end_at":
            try body.once(5, &seen)
            salesEndAt = try body.timeChange()
        case "hold_time_seconds":
            try body.once(6, &seen)
            holdTimeSeconds = try body.integer(in: holdTime)
        case "hold_time_max_seconds":
            try body.once(7, &seen)
            holdTimeMaxSeconds = try body.integer(in: holdTime)
        case "max_open_reservations_per_customer":
            try body.once(8, &seen)
            openHoldsPerCustomerMax = try body.integerChange(in: 0...Int64(UInt32.max))
        case "venue_id":
            try body.once(9, &seen)
            venueID = try body.change { body throws(JSONError) in try body.name() }
        case "status", "sale_status", "version", "created_at":
            // What this server tells of an event; clients that send back what they read are not refused.
            try body.skip()
        default: try attributes.read(key, &body)
        }
    }

    /// The details with this patch; the id and currency too, so that the engine refuses to change them.
    func applied(to details: EventDetails) -> EventDetails {
        var changed = details
        if let id { changed.id = id }
        if let name { changed.name = name }
        if let currency { changed.currency = currency }
        changed.startsAt = startsAt.applied(to: details.startsAt)
        changed.salesStartAt = salesStartAt.applied(to: details.salesStartAt)
        changed.salesEndAt = salesEndAt.applied(to: details.salesEndAt)
        if let holdTimeSeconds { changed.holdTimeSeconds = holdTimeSeconds }
        if let holdTimeMaxSeconds { changed.holdTimeMaxSeconds = holdTimeMaxSeconds }
        let limit = details.openHoldsPerCustomerMax
        changed.openHoldsPerCustomerMax = openHoldsPerCustomerMax.applied(to: limit) ?? 0
        // What is told now was a member like any other in earlier builds, and so was `venue_id`.
        changed.attributes = Attributes.without("sale_status", in: attributes.merged(into: details.attributes))
        if venueID != .kept {
            changed.venue = venueID.applied(to: nil) ?? .empty
            changed.attributes = Attributes.without("venue_id", in: changed.attributes)
        }
        return changed
    }

    /// A new event.
    /// - Precondition: name and currency are there.
    func created(id: ShortText) -> EventDetails {
        var details = applied(to: EventDetails(id: id, name: name!, currency: currency!))
        details.attributes = attributes.json
        // A hold time given alone may exceed the usual maximum, and a maximum given alone the usual hold time.
        if holdTimeMaxSeconds == nil {
            details.holdTimeMaxSeconds = max(details.holdTimeMaxSeconds, details.holdTimeSeconds)
        }
        if holdTimeSeconds == nil { details.holdTimeSeconds = min(details.holdTimeSeconds, details.holdTimeMaxSeconds) }
        return details
    }
}

extension BodyReader {
    mutating func currency() throws(JSONError) -> ShortText? {
        guard let text = try name() else { return nil }
        guard Currency.isCode(text) else {
            note("must be a code of ISO 4217: three capital letters")
            return nil
        }
        return text
    }
}

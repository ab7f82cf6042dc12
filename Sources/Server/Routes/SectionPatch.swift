import Engine

/// The members of a capacity's JSON that a request gives; the others keep their value.
struct SectionPatch: Equatable, Sendable {
    var id: ShortText?
    var name: String?
    var code: String?
    var total: UInt32?
    var buffer: UInt32?
    var minimumPurchase: UInt32?
    var maximumPurchase: UInt32?
    var isActive: Bool?
    var isVisible: Bool?
    var leavesNoSingleSeat: Bool?
    /// The schedule's id as the client gave it: its number is known where the event is.
    var scheduleID = Change<ShortText>.kept
    /// Members that this engine doesn't know.
    var attributes = Attributes()

    /// Reads the whole body.
    init(_ body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() { try read(key, &body, &seen) }
    }

    private mutating func read(_ key: JSONString, _ body: inout BodyReader, _ seen: inout UInt64) throws(JSONError) {
        let places = 0...Int64(InventoryLimits.placesPerSectionMax)
        let purchase = 1...Int64(InventoryLimits.quantityPerLineMax)
        switch key {
        case "id":
            try body.once(0, &seen)
            id = try body.newIdentifier()
        case "section_name":
            try body.once(1, &seen)
            name = try body.text(bytesMax: InventoryLimits.nameBytesMax)
        case "section_code":
            try body.once(2, &seen)
            code = try body.text(bytesMax: InventoryLimits.nameBytesMax, isEmptyAllowed: true)
        case "total_capacity":
            try body.once(3, &seen)
            total = try body.integer(in: places)
        case "buffer_capacity":
            try body.once(4, &seen)
            buffer = try body.integer(in: places)
        case "minimum_purchase":
            try body.once(5, &seen)
            minimumPurchase = try body.integer(in: purchase)
        case "maximum_purchase":
            try body.once(6, &seen)
            maximumPurchase = try body.integer(in: purchase)
        case "is_active":
            try body.once(7, &seen)
            isActive = try body.boolean()
        case "is_visible":
            try body.once(8, &seen)
            isVisible = try body.boolean()
        case "leave_no_single_seat":
            try body.once(9, &seen)
            leavesNoSingleSeat = try body.boolean()
        case "schedule_id":
            try body.once(10, &seen)
            scheduleID = try body.change { body throws(JSONError) in try body.name() }
        case "event_id", "available_capacity", "reserved_capacity", "sold_count", "reserved_expires_at":
            // What this server tells of a capacity; clients that send back what they read are not refused.
            try body.skip()
        default: try attributes.read(key, &body)
        }
    }

    /// The details with this patch, for a section of this event.
    /// - Throws: a problem where the event has no such schedule.
    func applied(to details: SectionDetails, of event: some EventConstants) throws(Problem) -> SectionDetails {
        var changed = applied(to: details)
        switch scheduleID {
        case .kept: break
        case .removed: changed.schedule = nil
        case .set(let id):
            guard let number = event.scheduleNumber(id: id) else { throw .scheduleNotFound }
            changed.schedule = number
        }
        return changed
    }

    /// A new section of this event.
    /// - Precondition: name and total are there.
    func created(id: ShortText, of event: some EventConstants) throws(Problem) -> SectionDetails {
        var details = try applied(to: SectionDetails(id: id, name: name!, total: total!), of: event)
        details.attributes = attributes.json
        return details
    }

    private func applied(to details: SectionDetails) -> SectionDetails {
        var changed = details
        if let id { changed.id = id }
        if let name { changed.name = name }
        if let code { changed.code = code }
        if let total { changed.total = total }
        if let buffer { changed.buffer = buffer }
        if let minimumPurchase { changed.minimumPurchase = minimumPurchase }
        if let maximumPurchase { changed.maximumPurchase = maximumPurchase }
        if let isActive { changed.isActive = isActive }
        if let isVisible { changed.isVisible = isVisible }
        if let leavesNoSingleSeat { changed.leavesNoSingleSeat = leavesNoSingleSeat }
        changed.attributes = attributes.merged(into: details.attributes)
        return changed
    }

    /// A new section, which names no schedule.
    /// - Precondition: name and total are there.
    func created(id: ShortText) -> SectionDetails {
        var details = applied(to: SectionDetails(id: id, name: name!, total: total!))
        details.attributes = attributes.json
        return details
    }
}

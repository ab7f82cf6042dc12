import Engine

/// The members of a venue's JSON that a request gives; the others keep their value.
struct VenuePatch: Equatable, Sendable {
    var id: ShortText?
    var name: String?
    var maximumCapacity: UInt32?
    /// Removed means that nothing is said.
    var street = Change<String>.kept
    var city = Change<String>.kept
    var state = Change<String>.kept
    var postalCode = Change<String>.kept
    var country = Change<String>.kept
    /// Members that this engine doesn't know.
    var attributes = Attributes()

    /// Reads the whole body.
    init(_ body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() { try read(key, &body, &seen) }
    }

    private mutating func read(_ key: JSONString, _ body: inout BodyReader, _ seen: inout UInt64) throws(JSONError) {
        switch key {
        case "id":
            try body.once(0, &seen)
            id = try body.newIdentifier()
        case "name":
            try body.once(1, &seen)
            name = try body.text(bytesMax: InventoryLimits.nameBytesMax)
        case "max_capacity":
            try body.once(2, &seen)
            maximumCapacity = try body.integer(in: 1...Int64(InventoryLimits.venueCapacityMax))
        case "address":
            try body.once(3, &seen)
            street = try body.textChange()
        case "city":
            try body.once(4, &seen)
            city = try body.textChange()
        case "state":
            try body.once(5, &seen)
            state = try body.textChange()
        case "postal_code":
            try body.once(6, &seen)
            postalCode = try body.textChange()
        case "country":
            try body.once(7, &seen)
            country = try body.textChange()
        case "version", "created_at":
            // What this server tells of a venue; clients that send back what they read are not refused.
            try body.skip()
        default: try attributes.read(key, &body)
        }
    }

    /// The details with this patch; the id too, so that the engine refuses another one.
    func applied(to details: VenueDetails) -> VenueDetails {
        var changed = details
        if let id { changed.id = id }
        if let name { changed.name = name }
        if let maximumCapacity { changed.maximumCapacity = maximumCapacity }
        changed.address.street = street.applied(to: details.address.street) ?? ""
        changed.address.city = city.applied(to: details.address.city) ?? ""
        changed.address.state = state.applied(to: details.address.state) ?? ""
        changed.address.postalCode = postalCode.applied(to: details.address.postalCode) ?? ""
        changed.address.country = country.applied(to: details.address.country) ?? ""
        changed.attributes = attributes.merged(into: details.attributes)
        return changed
    }

    /// A new venue.
    /// - Precondition: name and maximum are there.
    func created(id: ShortText) -> VenueDetails {
        var details = applied(to: VenueDetails(id: id, name: name!, maximumCapacity: maximumCapacity!))
        details.attributes = attributes.json
        return details
    }
}

extension BodyReader {
    fileprivate mutating func textChange() throws(JSONError) -> Change<String> {
        try change { body throws(JSONError) in
            try body.text(bytesMax: InventoryLimits.nameBytesMax, isEmptyAllowed: true)
        }
    }
}

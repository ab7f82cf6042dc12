import Engine

/// The members of a pricing's JSON that a request gives; the others keep their value.
///
/// Money stays as the client wrote it until the event's currency is known.
struct TierPatch: Equatable, Sendable {
    var name: String?
    /// Compared with the event's: a tier has no currency of its own.
    var currency: ShortText?
    var basePrice: DecimalNumber?
    var serviceFee: DecimalNumber?
    var facilityFee: DecimalNumber?
    var taxBasisPoints: UInt32?
    var isDynamic: Bool?
    var minPrice = Change<DecimalNumber>.kept
    var maxPrice = Change<DecimalNumber>.kept
    var currentPrice = Change<DecimalNumber>.kept
    var earlyBirdPrice = Change<DecimalNumber>.kept
    var earlyBirdEndsAt = Change<Milliseconds>.kept
    var lastMinutePrice = Change<DecimalNumber>.kept
    var lastMinuteStartsAt = Change<Milliseconds>.kept
    /// Removed means never; so do the limits below mean none.
    var groupSizeMin = Change<UInt32>.kept
    var groupDiscountBasisPoints = Change<UInt32>.kept
    var salesStartAt = Change<Milliseconds>.kept
    var salesEndAt = Change<Milliseconds>.kept
    var maxPerOrder = Change<UInt32>.kept
    var maxPerCustomer = Change<UInt32>.kept
    /// The section's id as the client gave it; the router looks it up and sets `section`.
    var sectionID = Change<ShortText>.kept
    var section = Change<SectionNumber>.kept
    var isActive: Bool?
    var isVisible: Bool?
    /// Members that this engine doesn't know.
    var attributes = Attributes()

    /// Reads the whole body.
    init(_ body: inout BodyReader) throws(JSONError) {
        var seen: UInt64 = 0
        try body.begin()
        while let key = try body.nextKey() {
            if try readPrice(key, &body, &seen) { continue }
            if try readRule(key, &body, &seen) { continue }
            switch key {
            // What this server tells of a pricing; clients that send back what they read are not refused.
            case "id", "event_id", "version": try body.skip()
            default: try attributes.read(key, &body)
            }
        }
    }

    /// Reads a member that says how much; false for another member.
    private mutating func readPrice(
        _ key: JSONString,
        _ body: inout BodyReader,
        _ seen: inout UInt64
    ) throws(JSONError) -> Bool {
        let basisPoints = 0...Int64(InventoryLimits.basisPointsMax)
        switch key {
        case "base_price":
            try body.once(0, &seen)
            basePrice = try body.decimal()
        case "service_fee":
            try body.once(1, &seen)
            serviceFee = try body.decimal()
        case "facility_fee":
            try body.once(2, &seen)
            facilityFee = try body.decimal()
        case "tax_rate":
            try body.once(3, &seen)
            taxBasisPoints = try body.scaled(fractionDigitsMax: 4, in: basisPoints)
        case "min_price":
            try body.once(4, &seen)
            minPrice = try body.decimalChange()
        case "max_price":
            try body.once(5, &seen)
            maxPrice = try body.decimalChange()
        case "current_price":
            try body.once(6, &seen)
            currentPrice = try body.decimalChange()
        case "early_bird_price":
            try body.once(7, &seen)
            earlyBirdPrice = try body.decimalChange()
        case "last_minute_price":
            try body.once(8, &seen)
            lastMinutePrice = try body.decimalChange()
        case "group_discount_percentage":
            try body.once(9, &seen)
            groupDiscountBasisPoints = try body.change { body throws(JSONError) in
                try body.scaled(fractionDigitsMax: 2, in: basisPoints)
            }
        case "currency":
            try body.once(10, &seen)
            currency = try body.currency()
        default: return false
        }
        return true
    }

    /// Reads a member that says when, where, and for whom; false for another member.
    private mutating func readRule(
        _ key: JSONString,
        _ body: inout BodyReader,
        _ seen: inout UInt64
    ) throws(JSONError) -> Bool {
        let count = 0...Int64(InventoryLimits.placesPerSectionMax)
        switch key {
        case "name":
            try body.once(20, &seen)
            name = try body.text(bytesMax: InventoryLimits.nameBytesMax, isEmptyAllowed: true)
        case "is_dynamic":
            try body.once(21, &seen)
            isDynamic = try body.boolean()
        case "early_bird_ends_at":
            try body.once(22, &seen)
            earlyBirdEndsAt = try body.timeChange()
        case "last_minute_starts_at":
            try body.once(23, &seen)
            lastMinuteStartsAt = try body.timeChange()
        case "group_size_min":
            try body.once(24, &seen)
            groupSizeMin = try body.integerChange(in: count)
        case "sales_start_at":
            try body.once(25, &seen)
            salesStartAt = try body.timeChange()
        case "sales_end_at":
            try body.once(26, &seen)
            salesEndAt = try body.timeChange()
        case "max_per_order":
            try body.once(27, &seen)
            maxPerOrder = try body.integerChange(in: count)
        case "max_per_customer":
            try body.once(28, &seen)
            maxPerCustomer = try body.integerChange(in: count)
        case "capacity_id":
            try body.once(29, &seen)
            sectionID = try body.change { body throws(JSONError) in try body.name() }
        case "is_active":
            try body.once(30, &seen)
            isActive = try body.boolean()
        case "is_visible":
            try body.once(31, &seen)
            isVisible = try body.boolean()
        default: return false
        }
        return true
    }
}

// MARK: - Applying

extension TierPatch {
    /// The details with this patch.
    /// - Throws: a problem that names every amount that isn't one of `currency`, and a currency that isn't it.
    func applied(to details: PriceTierDetails, currency eventCurrency: ShortText) throws(Problem) -> PriceTierDetails {
        var money = MoneyFields(minorDigits: Currency.minorDigits(of: eventCurrency))
        if let currency, currency != eventCurrency {
            money.note("currency", "must be \(eventCurrency), the event's")
        }
        var changed = details
        changed.basePrice = money.amount("base_price", basePrice) ?? details.basePrice
        changed.serviceFee = money.amount("service_fee", serviceFee) ?? details.serviceFee
        changed.facilityFee = money.amount("facility_fee", facilityFee) ?? details.facilityFee
        changed.minPrice = money.amount("min_price", minPrice, details.minPrice)
        changed.maxPrice = money.amount("max_price", maxPrice, details.maxPrice)
        changed.currentPrice = money.amount("current_price", currentPrice, details.currentPrice)
        changed.earlyBirdPrice = money.amount("early_bird_price", earlyBirdPrice, details.earlyBirdPrice)
        changed.lastMinutePrice = money.amount("last_minute_price", lastMinutePrice, details.lastMinutePrice)
        if let floor = changed.minPrice, let ceiling = changed.maxPrice, floor > ceiling {
            money.note("min_price", "must be at most max_price")
        }
        guard money.errors.isEmpty else { throw .validationFailed(money.errors) }
        applyRules(to: &changed)
        return changed
    }

    private func applyRules(to details: inout PriceTierDetails) {
        if let name { details.name = name }
        if let taxBasisPoints { details.taxBasisPoints = taxBasisPoints }
        if let isDynamic { details.isDynamic = isDynamic }
        details.earlyBirdEndsAt = earlyBirdEndsAt.applied(to: details.earlyBirdEndsAt)
        details.lastMinuteStartsAt = lastMinuteStartsAt.applied(to: details.lastMinuteStartsAt)
        details.groupSizeMin = groupSizeMin.applied(to: details.groupSizeMin) ?? 0
        details.groupDiscountBasisPoints = groupDiscountBasisPoints.applied(to: details.groupDiscountBasisPoints) ?? 0
        details.salesStartAt = salesStartAt.applied(to: details.salesStartAt)
        details.salesEndAt = salesEndAt.applied(to: details.salesEndAt)
        details.maxPerOrder = maxPerOrder.applied(to: details.maxPerOrder) ?? 0
        details.maxPerCustomer = maxPerCustomer.applied(to: details.maxPerCustomer) ?? 0
        details.section = section.applied(to: details.section)
        if let isActive { details.isActive = isActive }
        if let isVisible { details.isVisible = isVisible }
        details.attributes = attributes.merged(into: details.attributes)
    }
}

/// Turns decimals into minor units of one currency, and notes those that can't be.
private struct MoneyFields {
    let minorDigits: Int
    private(set) var errors: [ProblemDetails.FieldError] = []

    init(minorDigits: Int) { self.minorDigits = minorDigits }

    mutating func note(_ field: StaticString, _ message: String) {
        errors.append(ProblemDetails.FieldError(field: field.description, message: message))
    }

    mutating func amount(_ field: StaticString, _ number: DecimalNumber?) -> Int64? {
        guard let number else { return nil }
        do throws(DecimalNumber.Failure) {
            return try number.minorUnits(minorDigits: minorDigits)
        } catch {
            note(field, error.message)
            return nil
        }
    }

    mutating func amount(_ field: StaticString, _ change: Change<DecimalNumber>, _ current: Int64?) -> Int64? {
        switch change {
        case .kept: current
        case .removed: nil
        case .set(let number): amount(field, number)
        }
    }
}

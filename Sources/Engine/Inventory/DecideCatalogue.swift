// The organizer's commands: events, sections and price tiers.

extension EventInventory {
    /// Decides a command with which an inventory begins.
    /// - Throws: `eventNotFound` for a command that needs something to be there.
    static func decideBeginning(_ command: Command, _ context: CommandContext) throws(Rejection) -> Decision {
        switch command {
        case .createEvent(let details): try decideCreation(details, context)
        case .createVenue(let details): try decideFirstVenue(details, context)
        default: throw .eventNotFound
        }
    }

    /// Decides the creation of an event that doesn't exist yet.
    public static func decideCreation(
        _ details: EventDetails,
        _ context: CommandContext
    ) throws(Rejection) -> Decision {
        try validate(details)
        try checkVenue(ofNew: details, context)
        let view = EventView(details: details, status: .draft, version: 1, createdAt: context.now)
        return Decision(.eventCreated(tenant: context.tenant, details, at: context.now), answer: .event(view))
    }

    func decideUpdate(
        _ details: EventDetails,
        _ expected: UInt32?,
        _ context: CommandContext
    ) throws(Rejection) -> Decision {
        if let expected, expected != version { throw .eventChanged(expectedVersion: expected, version: version) }
        guard details.currency == self.details.currency else { throw .currencyFixed }
        guard details.id == self.details.id else { throw .invalid(.identifier) }
        try Self.validate(details)
        try checkVenue(of: details, context)
        let view = EventView(details: details, status: status, version: version + 1, createdAt: createdAt)
        return Decision(.eventUpdated(details), answer: .event(view))
    }

    func decideStatus(_ target: EventStatus, from source: EventStatus) throws(Rejection) -> Decision {
        guard status == source else { throw .wrongEventStatus(status: status) }
        let view = EventView(details: details, status: target, version: version + 1, createdAt: createdAt)
        return Decision(.eventStatusChanged(target), answer: .event(view))
    }

    func decideDeletion() throws(Rejection) -> Decision {
        guard status != .cancelled else { throw .wrongEventStatus(status: status) }
        var sold: UInt32 = 0
        var reserved: UInt32 = 0
        for section in sections {
            sold = sold.addingReportingOverflow(section.sold).partialValue
            reserved = reserved.addingReportingOverflow(section.reserved).partialValue
        }
        guard !sections.contains(where: { $0.sold > 0 || $0.reserved > 0 }) else {
            throw .eventHasSales(sold: sold, reserved: reserved)
        }
        return try decideStatus(.cancelled, from: status)
    }

    func decideSection(_ details: SectionDetails) throws(Rejection) -> Decision {
        guard sections.count < InventoryLimits.sectionsPerEventMax else { throw .limitReached(.sections) }
        guard sectionNumber(id: details.id) == nil else { throw .sectionExists }
        try validate(details)
        let counts = SectionCounts(total: details.total, buffer: details.buffer, reserved: 0, sold: 0)
        let view = SectionView(number: SectionNumber(sections.count), details: details, counts: counts)
        return Decision(.sectionAdded(details), answer: .section(view))
    }

    func decideSectionUpdate(_ number: SectionNumber, _ details: SectionDetails) throws(Rejection) -> Decision {
        guard hasSection(number) else { throw .sectionNotFound }
        let section = sections[Int(number)]
        guard details.id == section.details.id else { throw .invalid(.identifier) }
        try validate(details)
        // Who bought a place bought it for its date.
        guard details.schedule == section.details.schedule || section.reserved == 0 && section.sold == 0 else {
            throw .sectionHasSales(number, reserved: section.reserved, sold: section.sold)
        }
        let isSized = details.total == section.details.total && details.buffer == section.details.buffer
        guard section.seatMap == Section.noSeatMap || isSized else { throw .sectionHasSeats(number) }
        let committed = section.reserved + section.sold + details.buffer
        guard details.total >= committed else {
            throw .totalBelowCommitted(asked: details.total, committed: committed)
        }
        var counts = section.counts
        counts.total = details.total
        counts.buffer = details.buffer
        let view = SectionView(number: number, details: details, counts: counts)
        return Decision(.sectionUpdated(number, details), answer: .section(view))
    }

    func decideTier(_ details: PriceTierDetails) throws(Rejection) -> Decision {
        guard tiers.count < InventoryLimits.tiersPerEventMax else { throw .limitReached(.tiers) }
        try validate(details)
        let view = TierView(number: TierNumber(tiers.count), version: 1, details: details)
        return Decision(.tierAdded(details, number: view.number), answer: .tier(view))
    }

    func decideTierUpdate(_ number: TierNumber, _ details: PriceTierDetails) throws(Rejection) -> Decision {
        guard number < UInt32(tiers.count) else { throw .tierNotFound }
        try validate(details)
        let view = TierView(number: number, version: tiers[Int(number)].version + 1, details: details)
        return Decision(.tierUpdated(number, details), answer: .tier(view))
    }
}

// MARK: - Ranges

extension EventInventory {
    private static func validate(_ details: EventDetails) throws(Rejection) {
        guard !details.id.isEmpty else { throw .invalid(.identifier) }
        guard !details.name.isEmpty, details.name.utf8.count <= InventoryLimits.nameBytesMax else {
            throw .invalid(.name)
        }
        let isCurrency = details.currency.withBytes { $0.count == 3 && $0.allSatisfy { (65...90).contains($0) } }
        guard isCurrency else { throw .invalid(.currency) }
        if let start = details.salesStartAt, let end = details.salesEndAt, start >= end {
            throw .invalid(.salesWindow)
        }
        let longest = details.holdTimeMaxSeconds
        guard (1...InventoryLimits.holdTimeMaxSeconds).contains(longest), details.holdTimeSeconds >= 1,
            details.holdTimeSeconds <= longest
        else { throw .invalid(.holdTime) }
        try validate(attributes: details.attributes, bytesMax: InventoryLimits.attributesBytesMax)
    }

    /// Members that nobody here knows are not looked at further.
    static func validate(attributes: String, bytesMax: Int) throws(Rejection) {
        guard attributes.utf8.count <= bytesMax, AttributeText.isWellFormed(attributes) else {
            throw .invalid(.attributes)
        }
    }

    private func validate(_ details: SectionDetails) throws(Rejection) {
        guard !details.id.isEmpty else { throw .invalid(.identifier) }
        guard details.name.utf8.count <= InventoryLimits.nameBytesMax,
            details.code.utf8.count <= InventoryLimits.nameBytesMax
        else { throw .invalid(.name) }
        guard details.total <= InventoryLimits.placesPerSectionMax else { throw .invalid(.total) }
        guard details.buffer <= details.total else { throw .invalid(.buffer) }
        guard details.minimumPurchase >= 1, details.minimumPurchase <= details.maximumPurchase,
            details.maximumPurchase <= InventoryLimits.quantityPerLineMax
        else { throw .invalid(.purchaseRange) }
        try Self.validate(attributes: details.attributes, bytesMax: InventoryLimits.partAttributesBytesMax)
        if let schedule = details.schedule, schedule >= UInt32(schedules.count) { throw .scheduleNotFound }
    }

    private func validate(_ details: PriceTierDetails) throws(Rejection) {
        guard details.name.utf8.count <= InventoryLimits.nameBytesMax else { throw .invalid(.name) }
        let prices = [
            details.basePrice, details.serviceFee, details.facilityFee, details.minPrice ?? 0, details.maxPrice ?? 0,
            details.currentPrice ?? 0, details.earlyBirdPrice ?? 0, details.lastMinutePrice ?? 0,
        ]
        guard prices.allSatisfy({ (0...InventoryLimits.priceMax).contains($0) }) else { throw .invalid(.price) }
        if let floor = details.minPrice, let ceiling = details.maxPrice, floor > ceiling { throw .invalid(.price) }
        guard details.taxBasisPoints <= InventoryLimits.basisPointsMax else { throw .invalid(.taxRate) }
        guard details.groupDiscountBasisPoints <= InventoryLimits.basisPointsMax else {
            throw .invalid(.groupDiscount)
        }
        try Self.validateRules(of: details)
        if let start = details.salesStartAt, let end = details.salesEndAt, start >= end {
            throw .invalid(.salesWindow)
        }
        try Self.validate(attributes: details.attributes, bytesMax: InventoryLimits.partAttributesBytesMax)
        if let section = details.section, !hasSection(section) { throw .sectionNotFound }
    }

    /// A price that is for no time, or for groups of no size, would never apply: whoever set it would find out at the sale.
    private static func validateRules(of details: PriceTierDetails) throws(Rejection) {
        guard details.earlyBirdPrice == nil || details.earlyBirdEndsAt != nil else { throw .invalid(.earlyBird) }
        guard details.lastMinutePrice == nil || details.lastMinuteStartsAt != nil else { throw .invalid(.lastMinute) }
        guard details.groupDiscountBasisPoints == 0 || details.groupSizeMin > 0 else { throw .invalid(.groupSize) }
    }
}

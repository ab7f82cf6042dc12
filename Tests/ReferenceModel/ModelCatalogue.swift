import Engine

/// The organizer's side of the model: the event, its sections and price tiers, and the limits they set.
extension ModelEvent {
    var view: EventView {
        EventView(details: details, status: status, version: version, createdAt: createdAt)
    }

    // MARK: - Event

    mutating func updateEvent(
        _ new: EventDetails,
        _ expectedVersion: UInt32?,
        venueMaximum: UInt32?
    ) -> ModelExpectation {
        var wrong = Self.wrongDetails(new) + wrongMove(to: new, venueMaximum)
        if new.currency != details.currency { wrong.append(.currencyFixed) }
        if new.id != details.id { wrong.append(.invalid(.identifier)) }
        if let expectedVersion, expectedVersion != version {
            wrong.append(.eventChanged(expectedVersion: expectedVersion, version: version))
        }
        guard wrong.isEmpty else { return .refusal(wrong) }
        details = new
        version += 1
        return .answer(.event(view))
    }

    mutating func changeStatus(from old: EventStatus, to new: EventStatus) -> ModelExpectation {
        guard status == old else { return .refusal([.wrongEventStatus(status: status)]) }
        status = new
        version += 1
        return .answer(.event(view))
    }

    mutating func publish(at now: Milliseconds) -> ModelExpectation {
        guard status == .draft else { return .refusal([.wrongEventStatus(status: status)]) }
        let wrong = wrongPublication(at: now)
        return wrong.isEmpty ? changeStatus(from: .draft, to: .published) : .refusal(wrong)
    }

    mutating func deleteEvent() -> ModelExpectation {
        guard status != .cancelled else { return .refusal([.wrongEventStatus(status: status)]) }
        var sold: UInt32 = 0
        var reserved: UInt32 = 0
        for number in sections.indices {
            sold += self.sold(SectionNumber(number))
            reserved += self.reserved(SectionNumber(number))
        }
        guard sold == 0, reserved == 0 else { return .refusal([.eventHasSales(sold: sold, reserved: reserved)]) }
        return changeStatus(from: status, to: .cancelled)
    }

    static func wrongDetails(_ details: EventDetails) -> [Rejection] {
        var wrong: [Rejection] = []
        if details.id.isEmpty { wrong.append(.invalid(.identifier)) }
        if details.name.isEmpty || details.name.utf8.count > InventoryLimits.nameBytesMax {
            wrong.append(.invalid(.name))
        }
        let letters = details.currency.description.utf8
        if letters.count != 3 || !letters.allSatisfy({ (65...90).contains($0) }) { wrong.append(.invalid(.currency)) }
        if let start = details.salesStartAt, let end = details.salesEndAt, end <= start {
            wrong.append(.invalid(.salesWindow))
        }
        let longest = details.holdTimeMaxSeconds
        if !(1...InventoryLimits.holdTimeMaxSeconds).contains(longest) || details.holdTimeSeconds < 1
            || details.holdTimeSeconds > longest
        {
            wrong.append(.invalid(.holdTime))
        }
        if details.attributes.utf8.count > InventoryLimits.attributesBytesMax || !isMembers(details.attributes) {
            wrong.append(.invalid(.attributes))
        }
        return wrong
    }

    // MARK: - Sections

    mutating func addSection(_ new: SectionDetails, venueMaximum: UInt32?) -> ModelExpectation {
        var wrong = wrongSection(new) + wrongSize(new, of: nil, venueMaximum)
        if sections.contains(where: { $0.details.id == new.id }) { wrong.append(.sectionExists) }
        if sections.count >= InventoryLimits.sectionsPerEventMax { wrong.append(.limitReached(.sections)) }
        guard wrong.isEmpty else { return .refusal(wrong) }
        sections.append(Section(details: new))
        return .answer(sectionView(SectionNumber(sections.count - 1)))
    }

    mutating func updateSection(
        _ number: SectionNumber,
        _ new: SectionDetails,
        venueMaximum: UInt32?
    ) -> ModelExpectation {
        guard number < sections.count else { return .refusal([.sectionNotFound]) }
        var wrong = wrongSection(new) + wrongSize(new, of: Int(number), venueMaximum)
        if new.id != sections[Int(number)].details.id { wrong.append(.invalid(.identifier)) }
        let old = sections[Int(number)]
        if !old.seats.isEmpty, new.total != old.details.total || new.buffer != old.details.buffer {
            wrong.append(.sectionHasSeats(number))
        }
        if new.schedule != old.details.schedule, reserved(number) + sold(number) > 0 {
            wrong.append(.sectionHasSales(number, reserved: reserved(number), sold: sold(number)))
        }
        let committed = UInt64(reserved(number)) + UInt64(sold(number)) + UInt64(new.buffer)
        if UInt64(new.total) < committed {
            wrong.append(.totalBelowCommitted(asked: new.total, committed: UInt32(clamping: committed)))
        }
        guard wrong.isEmpty else { return .refusal(wrong) }
        sections[Int(number)].details = new
        return .answer(sectionView(number))
    }

    func sectionView(_ number: SectionNumber) -> Answer {
        .section(SectionView(number: number, details: sections[Int(number)].details, counts: counts(number)))
    }

    private func wrongSection(_ section: SectionDetails) -> [Rejection] {
        var wrong: [Rejection] = []
        if section.id.isEmpty { wrong.append(.invalid(.identifier)) }
        if section.name.utf8.count > InventoryLimits.nameBytesMax
            || section.code.utf8.count > InventoryLimits.nameBytesMax
        {
            wrong.append(.invalid(.name))
        }
        if section.total > InventoryLimits.placesPerSectionMax { wrong.append(.invalid(.total)) }
        if section.buffer > section.total { wrong.append(.invalid(.buffer)) }
        if section.minimumPurchase < 1 || section.maximumPurchase < section.minimumPurchase
            || section.maximumPurchase > InventoryLimits.quantityPerLineMax
        {
            wrong.append(.invalid(.purchaseRange))
        }
        if section.attributes.utf8.count > 4_096 || !isMembers(section.attributes) {
            wrong.append(.invalid(.attributes))
        }
        if let schedule = section.schedule, schedule >= schedules.count { wrong.append(.scheduleNotFound) }
        return wrong
    }

    // MARK: - Price tiers

    mutating func addTier(_ new: PriceTierDetails) -> ModelExpectation {
        var wrong = wrongTier(new)
        if tiers.count >= InventoryLimits.tiersPerEventMax { wrong.append(.limitReached(.tiers)) }
        guard wrong.isEmpty else { return .refusal(wrong) }
        tiers.append(Tier(details: new, version: 1))
        return .answer(tierView(TierNumber(tiers.count - 1)))
    }

    mutating func updateTier(_ number: TierNumber, _ new: PriceTierDetails) -> ModelExpectation {
        guard number < tiers.count else { return .refusal([.tierNotFound]) }
        let wrong = wrongTier(new)
        guard wrong.isEmpty else { return .refusal(wrong) }
        tiers[Int(number)].details = new
        tiers[Int(number)].version += 1
        return .answer(tierView(number))
    }

    private func tierView(_ number: TierNumber) -> Answer {
        let tier = tiers[Int(number)]
        return .tier(TierView(number: number, version: tier.version, details: tier.details))
    }

    private func wrongTier(_ tier: PriceTierDetails) -> [Rejection] {
        var wrong: [Rejection] = []
        if tier.name.utf8.count > InventoryLimits.nameBytesMax { wrong.append(.invalid(.name)) }
        let prices = [
            tier.basePrice, tier.serviceFee, tier.facilityFee, tier.minPrice, tier.maxPrice, tier.currentPrice,
            tier.earlyBirdPrice, tier.lastMinutePrice,
        ]
        if prices.contains(where: { $0.map { $0 < 0 || $0 > InventoryLimits.priceMax } ?? false }) {
            wrong.append(.invalid(.price))
        }
        if let floor = tier.minPrice, let ceiling = tier.maxPrice, ceiling < floor { wrong.append(.invalid(.price)) }
        if tier.taxBasisPoints > InventoryLimits.basisPointsMax { wrong.append(.invalid(.taxRate)) }
        if tier.groupDiscountBasisPoints > InventoryLimits.basisPointsMax { wrong.append(.invalid(.groupDiscount)) }
        if tier.earlyBirdPrice != nil, tier.earlyBirdEndsAt == nil { wrong.append(.invalid(.earlyBird)) }
        if tier.lastMinutePrice != nil, tier.lastMinuteStartsAt == nil { wrong.append(.invalid(.lastMinute)) }
        if tier.groupDiscountBasisPoints > 0, tier.groupSizeMin == 0 { wrong.append(.invalid(.groupSize)) }
        if let start = tier.salesStartAt, let end = tier.salesEndAt, end <= start {
            wrong.append(.invalid(.salesWindow))
        }
        if tier.attributes.utf8.count > 4_096 || !isMembers(tier.attributes) { wrong.append(.invalid(.attributes)) }
        if let section = tier.section, section >= sections.count { wrong.append(.sectionNotFound) }
        return wrong
    }

    // MARK: - Limits

    /// A sale is possible from the start up to, not at, the end.
    func outside(from start: Milliseconds?, to end: Milliseconds?, at now: Milliseconds) -> [Rejection] {
        var wrong: [Rejection] = []
        if let start, now < start { wrong.append(.salesNotStarted(startsAt: start)) }
        if let end, now >= end { wrong.append(.salesEnded(endedAt: end)) }
        return wrong
    }

    /// What stands against giving these lines the price of their tiers.
    ///
    /// - Parameter hold: the hold they belong to where it exists already; its lines are no more than themselves.
    /// - Parameter isFresh: whether the line at an index gets its price now; one that has it isn't asked again, but
    ///   still counts towards the limits of the others.
    func wrongTiers(
        _ lines: [HoldLine],
        of hold: Int? = nil,
        customer: ShortText,
        at now: Milliseconds,
        isFresh: (Int) -> Bool = { _ in true }
    ) -> [Rejection] {
        var wrong: [Rejection] = []
        var limited: Set<TierNumber> = []
        for (index, line) in lines.enumerated() where isFresh(index) {
            guard let number = line.tier else { continue }
            wrong += wrongTier(number, for: line.section, at: now)
            if number < tiers.count { limited.insert(number) }
        }
        for number in limited {
            let tier = tiers[Int(number)].details
            let asked = lines.reduce(0) { $1.tier == number ? $0 + min($1.quantity, ModelEvent.absurdQuantity) : $0 }
            if tier.maxPerOrder > 0, asked > tier.maxPerOrder {
                wrong.append(.overOrderLimit(number, asked: asked, limit: tier.maxPerOrder))
            }
            guard tier.maxPerCustomer > 0, !customer.isEmpty else { continue }
            let held = held(by: customer, tier: number, except: hold)
            if asked + held > tier.maxPerCustomer {
                wrong.append(.overCustomerLimit(number, asked: asked, held: held, limit: tier.maxPerCustomer))
            }
        }
        return wrong
    }

    /// What stands against the tier pricing the section today.
    func wrongTier(_ number: TierNumber, for section: SectionNumber, at now: Milliseconds) -> [Rejection] {
        guard number < tiers.count else { return [.tierNotFound] }
        let tier = tiers[Int(number)].details
        var wrong = outside(from: tier.salesStartAt, to: tier.salesEndAt, at: now)
        if !tier.isActive || !tier.isVisible { wrong.append(.tierInactive(number)) }
        if let only = tier.section, only != section { wrong.append(.tierNotForSection(number, section)) }
        return wrong
    }

    /// The first tier that prices the section today.
    func defaultTier(for section: SectionNumber, at now: Milliseconds) -> TierNumber? {
        tiers.indices.map(TierNumber.init).first { wrongTier($0, for: section, at: now).isEmpty }
    }
}

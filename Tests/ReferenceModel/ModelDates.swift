import Engine

/// Venues and the dates of an event, as the contract has them.
extension ModelEvent {
    /// A tenant's own inventory: venues and nothing else.
    var isOfTenant: Bool { details.id.isEmpty }

    init(ofTenant tenant: ShortText, at now: Milliseconds) {
        self.init(tenant: tenant, details: EventDetails(id: "", name: "", currency: ""), at: now)
    }

    // MARK: - Venues

    /// Whose maximum a command has to know; empty where it depends on none.
    static func venue(for command: Command, of model: ModelEvent?) -> ShortText {
        switch command {
        case .createEvent(let details), .updateEvent(let details, _): details.venue
        case .addSection, .updateSection, .addSeats: model?.details.venue ?? ""
        default: ""
        }
    }

    mutating func createVenue(_ new: VenueDetails, at now: Milliseconds) -> ModelExpectation {
        guard isOfTenant else { return .refusal([.venueNotFound]) }
        var wrong = Self.wrongVenue(new)
        if venues.contains(where: { $0.details.id == new.id }) { wrong.append(.venueExists) }
        guard wrong.isEmpty else { return .refusal(wrong) }
        venues.append(VenueView(details: new, version: 1, createdAt: now))
        return .answer(.venue(venues[venues.count - 1]))
    }

    mutating func updateVenue(_ new: VenueDetails, _ expected: UInt32?) -> ModelExpectation {
        guard let index = venues.firstIndex(where: { $0.details.id == new.id }) else {
            return .refusal([.venueNotFound])
        }
        var wrong = Self.wrongVenue(new)
        let version = venues[index].version
        if let expected, expected != version {
            wrong.append(.venueChanged(expectedVersion: expected, version: version))
        }
        guard wrong.isEmpty else { return .refusal(wrong) }
        venues[index].details = new
        venues[index].version += 1
        return .answer(.venue(venues[index]))
    }

    private static func wrongVenue(_ venue: VenueDetails) -> [Rejection] {
        var wrong: [Rejection] = []
        if venue.id.isEmpty { wrong.append(.invalid(.identifier)) }
        if venue.name.isEmpty || venue.name.utf8.count > 1_024 { wrong.append(.invalid(.name)) }
        if venue.maximumCapacity == 0 || venue.maximumCapacity > 1_000_000_000 {
            wrong.append(.invalid(.venueCapacity))
        }
        if venue.attributes.utf8.count > 4_096 || !isMembers(venue.attributes) { wrong.append(.invalid(.attributes)) }
        return wrong
    }

    /// What stands against the event taking place at another venue.
    func wrongMove(to new: EventDetails, _ maximum: UInt32?) -> [Rejection] {
        guard !new.venue.isEmpty, new.venue != details.venue else { return [] }
        guard let maximum else { return [.venueNotFound] }
        let most = places(of: nil, except: nil)
        return most > maximum ? [.overVenueMaximum(asked: most, others: 0, maximum: maximum)] : []
    }

    /// What stands against a section of this size on this date; `number` is that of one that is there already.
    func wrongSize(_ new: SectionDetails, of number: Int?, _ maximum: UInt32?) -> [Rejection] {
        guard !details.venue.isEmpty, let maximum else { return [] }
        if let number, sections[number].details.total >= new.total,
            [nil, new.schedule].contains(sections[number].details.schedule)
        {
            return []
        }
        let others = places(of: new.schedule, except: number)
        guard others + UInt64(new.total) > maximum else { return [] }
        return [.overVenueMaximum(asked: UInt64(new.total), others: others, maximum: maximum)]
    }

    /// Places of a date, those of sections without one among them; for nil of the date that has most.
    private func places(of schedule: ScheduleNumber?, except: Int?) -> UInt64 {
        let dates = schedule.map { [$0] } ?? schedules.indices.map { ScheduleNumber($0) }
        func places(on date: ScheduleNumber?) -> UInt64 {
            sections.enumerated().filter { $0.offset != except && [nil, date].contains($0.element.details.schedule) }
                .reduce(0) { $0 + UInt64($1.element.details.total) }
        }
        return dates.map { places(on: $0) }.max() ?? places(on: nil)
    }

    // MARK: - Dates

    mutating func addSchedule(_ new: ScheduleDetails, at now: Milliseconds) -> ModelExpectation {
        var wrong = Self.wrongSchedule(new)
        if schedules.contains(where: { $0.details.id == new.id }) { wrong.append(.scheduleExists) }
        guard wrong.isEmpty else { return .refusal(wrong) }
        schedules.append(ScheduleView(details: new, version: 1))
        cancellations.append(new.isCancelled ? now : nil)
        return .answer(.schedule(schedules[schedules.count - 1]))
    }

    mutating func updateSchedule(
        _ new: ScheduleDetails,
        _ expected: UInt32?,
        at now: Milliseconds
    ) -> ModelExpectation {
        guard let index = schedules.firstIndex(where: { $0.details.id == new.id }) else {
            return .refusal([.scheduleNotFound])
        }
        var wrong = Self.wrongSchedule(new)
        let version = schedules[index].version
        if let expected, expected != version {
            wrong.append(.scheduleChanged(expectedVersion: expected, version: version))
        }
        guard wrong.isEmpty else { return .refusal(wrong) }
        schedules[index].details = new
        schedules[index].version += 1
        cancellations[index] = new.isCancelled ? cancellations[index] ?? now : nil
        return .answer(.schedule(schedules[index]))
    }

    /// Since when the date of the section is cancelled; nil while it isn't.
    func cancellation(ofDate section: SectionNumber) -> Milliseconds? {
        sections[Int(section)].details.schedule.flatMap { cancellations[Int($0)] }
    }

    private static func wrongSchedule(_ schedule: ScheduleDetails) -> [Rejection] {
        var wrong: [Rejection] = []
        if schedule.id.isEmpty { wrong.append(.invalid(.identifier)) }
        if schedule.endsAt <= schedule.startsAt { wrong.append(.invalid(.scheduleTimes)) }
        if let doors = schedule.doorsOpenAt, doors > schedule.startsAt { wrong.append(.invalid(.scheduleTimes)) }
        if schedule.attributes.utf8.count > 4_096 || !isMembers(schedule.attributes) {
            wrong.append(.invalid(.attributes))
        }
        return wrong
    }

    /// What stands against selling places of the section, as far as its date is concerned.
    func wrongDate(of section: SectionNumber, at now: Milliseconds) -> [Rejection] {
        guard let number = sections[Int(section)].details.schedule else { return [] }
        let date = schedules[Int(number)].details
        var wrong: [Rejection] = []
        if date.isCancelled { wrong.append(.scheduleCancelled(section)) }
        if date.endsAt <= now { wrong.append(.scheduleEnded(section, endedAt: date.endsAt)) }
        return wrong
    }

    /// What stands against going on with a hold: a date that was cancelled since, not one that has ended.
    func cancelledDates(of hold: Hold) -> [Rejection] {
        hold.lines.compactMap { line in
            guard let number = sections[Int(line.section)].details.schedule else { return nil }
            return schedules[Int(number)].details.isCancelled ? .scheduleCancelled(line.section) : nil
        }
    }

    /// What stands against publishing, beside the event's status.
    func wrongPublication(at now: Milliseconds) -> [Rejection] {
        if let end = details.salesEndAt, end <= now { return [.salesEnded(endedAt: end)] }
        let ends = schedules.filter { !$0.details.isCancelled }.map(\.details.endsAt)
        if schedules.isEmpty {
            // An open-ended sale is over when the event begins; one with an end to come was looked at above.
            guard let start = details.startsAt, start <= now, details.salesEndAt == nil else { return [] }
            return [.eventOver(endedAt: start)]
        }
        guard let last = ends.max(), last <= now else { return [] }
        return [.eventOver(endedAt: last)]
    }
}

// MARK: - Commands

extension ModelCommands {
    static let venueNames: [ShortText] = ["arena", "hall", "barn"]

    /// A venue of a tenant: added, or one that is there changed.
    mutating func venueCommand(_ model: ModelEvent?) -> Command {
        let known = model?.venues ?? []
        if known.isEmpty || chance(30) { return .createVenue(venue(known.count)) }
        var view = known[below(known.count)]
        if chance(5) { view.details.id = "nowhere" }
        view.details.maximumCapacity = UInt32([1, 40, 500, 5_000, 1_000_000_000][below(5)])
        if chance(3) { view.details.maximumCapacity = 0 }
        let version = chance(50) ? nil : view.version + (chance(20) ? 1 : 0)
        return .updateVenue(view.details, expectedVersion: version)
    }

    private mutating func venue(_ count: Int) -> VenueDetails {
        let id = Self.venueNames[chance(90) ? min(count, 2) : below(3)]
        var details = VenueDetails(id: id, name: chance(3) ? "" : "Venue", maximumCapacity: UInt32(500 + below(5_000)))
        details.address.city = chance(50) ? "Ulm" : ""
        if chance(30) { details.attributes = #""a":1"# }
        return details
    }

    /// A date of the event: added, or one that is there moved, cancelled or taken up again.
    mutating func scheduleCommand(_ model: ModelEvent) -> Command {
        guard !model.schedules.isEmpty, chance(70) else {
            return .addSchedule(schedule(model.schedules.count - (chance(5) ? 1 : 0)))
        }
        let view = model.schedules[below(model.schedules.count)]
        var details = schedule(0)
        details.id = chance(97) ? view.details.id : "never"
        let version = chance(50) ? nil : view.version + (chance(20) ? 1 : 0)
        return .updateSchedule(details, expectedVersion: version)
    }

    private mutating func schedule(_ number: Int) -> ScheduleDetails {
        let start = now + Milliseconds(below(7_200_000)) - 1_800_000
        let end = start + (chance(5) ? 0 : 600_000 + Milliseconds(below(7_200_000)))
        var details = ScheduleDetails(id: ShortText("date-\(number)")!, startsAt: start, endsAt: end)
        if chance(30) { details.doorsOpenAt = start - 3_600_000 + Milliseconds(below(3_700_000)) }
        details.isCancelled = chance(15)
        if chance(30) { details.attributes = #""b":[2]"# }
        return details
    }

    /// Puts a section on a date, mostly one that there is, or takes it off again.
    mutating func date(_ details: inout SectionDetails, _ model: ModelEvent) {
        guard chance(25) else { return }
        let choices = model.schedules.count + (chance(5) ? 1 : 0)
        details.schedule = choices == 0 || chance(50) ? nil : ScheduleNumber(below(choices))
        details.attributes = chance(50) ? "" : #""c":"d""#
    }
}

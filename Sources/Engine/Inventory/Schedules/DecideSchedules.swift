// The rules of an event's dates: what they must be like, and what of them may be sold.

extension EventInventory {
    func decideSchedule(_ details: ScheduleDetails) throws(Rejection) -> Decision {
        guard schedules.count < InventoryLimits.schedulesPerEventMax else { throw .limitReached(.schedules) }
        guard scheduleNumber(id: details.id) == nil else { throw .scheduleExists }
        try Self.validate(details)
        return Decision(.scheduleAdded(details), answer: .schedule(ScheduleView(details: details, version: 1)))
    }

    func decideScheduleUpdate(_ details: ScheduleDetails, _ expected: UInt32?) throws(Rejection) -> Decision {
        guard let number = scheduleNumber(id: details.id) else { throw .scheduleNotFound }
        let version = schedules[Int(number)].version
        if let expected, expected != version { throw .scheduleChanged(expectedVersion: expected, version: version) }
        try Self.validate(details)
        return Decision(
            .scheduleUpdated(number, details),
            answer: .schedule(ScheduleView(details: details, version: version + 1))
        )
    }

    private static func validate(_ details: ScheduleDetails) throws(Rejection) {
        guard !details.id.isEmpty else { throw .invalid(.identifier) }
        guard details.startsAt < details.endsAt, details.doorsOpenAt ?? details.startsAt <= details.startsAt else {
            throw .invalid(.scheduleTimes)
        }
        try validate(attributes: details.attributes, bytesMax: InventoryLimits.partAttributesBytesMax)
    }

    // MARK: - Selling

    /// Whether places of the section may still be sold, as far as its date is concerned.
    @inline(__always)
    func checkDate(_ schedule: ScheduleNumber?, of section: SectionNumber, at now: Milliseconds) throws(Rejection) {
        if let schedule { try checkSchedule(schedule, of: section, at: now) }
    }

    private func checkSchedule(
        _ schedule: ScheduleNumber,
        of section: SectionNumber,
        at now: Milliseconds
    ) throws(Rejection) {
        guard !schedules[Int(schedule)].details.isCancelled else { throw .scheduleCancelled(section) }
        let end = schedules[Int(schedule)].details.endsAt
        guard now < end else { throw .scheduleEnded(section, endedAt: end) }
    }

    /// Whether no line of a hold is of a date that was cancelled meanwhile. One that has ended may still be paid for, as
    /// long as the hold lasts.
    func checkDates(of slot: UInt32) throws(Rejection) {
        for index in 0..<holds[slot].lineCount {
            let section = holds.place(slot, index).section
            if isOfCancelledDate(section) { throw .scheduleCancelled(section) }
        }
    }

    func isOfCancelledDate(_ section: SectionNumber) -> Bool {
        sections[Int(section)].details.schedule.map { schedules[Int($0)].details.isCancelled } ?? false
    }

    // MARK: - Publishing

    /// An event whose sale or date is over can't be put on sale by publishing it.
    func decidePublication(at now: Milliseconds) throws(Rejection) -> Decision {
        let decision = try decideStatus(.published, from: .draft)
        if let end = details.salesEndAt, now >= end { throw .salesEnded(endedAt: end) }
        if let end = endOfDates, now >= end { throw .eventOver(endedAt: end) }
        return decision
    }

    /// When the last date that isn't cancelled ends; without dates when the event begins, unless it says that its sale
    /// goes on after that. Nil where nothing says so.
    var endOfDates: Milliseconds? {
        guard schedules.isEmpty else {
            return schedules.lazy.filter { !$0.details.isCancelled }.map(\.details.endsAt).max()
        }
        guard let start = details.startsAt else { return nil }
        return max(start, details.salesEndAt ?? start)
    }
}

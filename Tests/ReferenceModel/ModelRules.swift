import Engine

/// What the contract allows as the outcome of a command.
enum ModelExpectation {
    case answer(Answer)
    /// Refused with one of these: where several rules are broken, the contract doesn't say which is named.
    case refusal([Rejection])

    func allows(_ outcome: Answer) -> Bool {
        switch (self, outcome) {
        case (.answer(let answer), _): answer == outcome
        case (.refusal(let reasons), .rejected(let reason)): reasons.contains(reason)
        case (.refusal, _): false
        }
    }
}

/// What the engine chose freely where it was free to choose: the place and the secret of a new hold, the secret of
/// an order's tickets.
struct ModelChoice {
    var reference: HoldReference?
    var secret: UInt64 = 0
    var ticketSecret: (UInt64, UInt64) = (0, 0)
    var offerCode = TicketCode(high: 0, low: 0)

    init(_ outcome: Answer) {
        switch outcome {
        case .reserved(let hold, _, _, _), .reservedOne(let hold, _, _, _):
            reference = hold.reference
            secret = hold.secret
        case .order(let hold, _):
            if let order = hold.order { ticketSecret = order.state.ticketSecret }
        case .ticket(let view):
            if let offer = view.offer { offerCode = offer.code }
        default:
            break
        }
    }
}

extension ModelEvent {
    /// Performs the command as the contract says it must have gone.
    ///
    /// - Parameter outcome: what the engine answered; only its free choices are taken from it.
    mutating func perform(_ command: Command, _ context: CommandContext, outcome: Answer) -> ModelExpectation {
        guard let key = context.idempotency else { return decide(command, context, ModelChoice(outcome)) }
        let name = KeyName(high: key.high, low: key.low)
        if let first = remembered[name] {
            return first.fingerprint == key.fingerprint ? .answer(first.answer) : .refusal([.idempotencyKeyReused])
        }
        let expectation = decide(command, context, ModelChoice(outcome))
        // An answer that says to look again and retry is not kept for the retry.
        switch outcome {
        case .rejected(.eventChanged), .rejected(.scheduleChanged), .rejected(.venueChanged), .rejected(.limitReached),
            .rejected(.cancellationUnfinished):
            return expectation
        default: break
        }
        remembered[name] = Remembered(fingerprint: key.fingerprint, answer: outcome, at: context.now)
        return expectation
    }

    private mutating func decide(
        _ command: Command,
        _ context: CommandContext,
        _ choice: ModelChoice
    ) -> ModelExpectation {
        if isOfTenant {
            switch command {
            case .createVenue, .updateVenue: break
            default: return .refusal([.eventNotFound])
            }
        }
        return switch command {
        case .createEvent:
            .refusal([.eventExists])
        case .updateEvent(let details, let expectedVersion):
            updateEvent(details, expectedVersion, venueMaximum: context.venueMaximum)
        case .createVenue(let details):
            createVenue(details, at: context.now)
        case .updateVenue(let details, let expectedVersion):
            updateVenue(details, expectedVersion)
        case .addSchedule(let details):
            addSchedule(details, at: context.now)
        case .updateSchedule(let details, let expectedVersion):
            updateSchedule(details, expectedVersion, at: context.now)
        case .publishEvent:
            publish(at: context.now)
        case .deleteEvent:
            deleteEvent()
        case .restoreEvent:
            restoreEvent()
        case .cancelEvent:
            cancelEvent(at: context.now)
        case .setGate(let gate):
            setGate(gate)
        case .scan(let scans, let isList):
            scan(scans, isList: isList, at: context.now)
        case .offerTransfer(let id, let recipient, let expiresAt):
            offer(id, recipient, expiresAt, context, choice)
        case .withdrawTransfer(let id):
            withdraw(id, context)
        case .acceptTransfer(let id, let code, let customer):
            accept(id, code, customer, context)
        case .addSection(let details):
            addSection(details, venueMaximum: context.venueMaximum)
        case .updateSection(let number, let details):
            updateSection(number, details, venueMaximum: context.venueMaximum)
        case .addTier(let details):
            addTier(details)
        case .updateTier(let number, let details):
            updateTier(number, details)
        case .addSeats(let number, let rows):
            addSeats(number, rows, venueMaximum: context.venueMaximum)
        case .blockSeats(let number, let names, let isBlocked):
            block(number, names, isBlocked: isBlocked)
        case .reserve(let request):
            reserve(request, context, choice)
        case .lockPrice(let id, let tier):
            change(id, context, onSaleOnly: true) { $0.lockPrice($1, tier: tier, at: context.now) }
        case .extend(let id, let seconds):
            change(id, context, onSaleOnly: true) { $0.extend($1, seconds: seconds, at: context.now) }
        case .confirm(let id, let reference, let amount):
            change(id, context, onSaleOnly: true) { $0.confirm($1, reference, amount: amount, choice, at: context.now) }
        case .release(let id):
            change(id, context) { $0.release($1, at: context.now) }
        case .refund(let id, let tickets, let restock):
            refund(id, context, tickets: tickets, restock: restock)
        case .expire(let reference):
            expire(reference, at: context.now)
        }
    }

    // MARK: - Reserving

    private mutating func reserve(
        _ request: ReserveRequest,
        _ context: CommandContext,
        _ choice: ModelChoice
    ) -> ModelExpectation {
        let now = context.now
        let customer = request.customer.isEmpty ? context.principal : request.customer
        let lines = [request.first] + request.rest
        var wrong: [Rejection] = []
        if status != .published { wrong.append(.eventNotOnSale(status: status)) }
        wrong += outside(from: details.salesStartAt, to: details.salesEndAt, at: now)
        if !context.principal.isEmpty, context.principal != customer { wrong.append(.customerMismatch) }
        if lines.count > InventoryLimits.linesPerHoldMax { wrong.append(.invalid(.lines)) }
        let holdSeconds = request.holdSeconds ?? details.holdTimeSeconds
        if holdSeconds < 1 || holdSeconds > details.holdTimeMaxSeconds {
            wrong.append(
                .holdTimeOutOfRange(askedSeconds: holdSeconds, maximumSeconds: details.holdTimeMaxSeconds)
            )
        }
        for (index, line) in lines.enumerated() {
            if lines[..<index].contains(where: { $0.section == line.section && $0.tier == line.tier }) {
                wrong.append(.sectionTwice(line.section))
            }
            wrong += wrongPlaces(line, of: lines, at: now)
        }
        let tiered = lines.map { HoldLine(section: $0.section, quantity: $0.quantity, tier: $0.tier) }
        wrong += wrongTiers(tiered, customer: customer, at: now)
        let limit = details.openHoldsPerCustomerMax
        let open = openHolds(of: customer)
        if limit > 0, !customer.isEmpty, open >= limit { wrong.append(.tooManyOpenHolds(held: open, limit: limit)) }
        let all = liveHolds(of: customer)
        if !customer.isEmpty, all >= 10_000 { wrong.append(.customerReservationLimit(held: all, limit: 10_000)) }
        guard wrong.isEmpty else { return .refusal(wrong) }
        let seats: [SeatRun]
        switch chooseSeats(request) {
        case .failure(let wrong): return .refusal(wrong.reasons)
        case .success(let chosen): seats = chosen
        }
        return place(request, tiered, seats, customer, until: now + Milliseconds(holdSeconds) * 1_000, choice, at: now)
    }

    /// A section may come twice, at different tiers: its limits and its stock are for all of its lines together.
    private func wrongPlaces(
        _ line: ReserveRequest.Line,
        of lines: [ReserveRequest.Line],
        at now: Milliseconds
    ) -> [Rejection] {
        var wrong: [Rejection] = []
        if line.quantity < 1 || line.quantity > InventoryLimits.quantityPerLineMax {
            wrong.append(.invalid(.quantity))
        }
        guard line.section < sections.count else { return wrong + [.sectionNotFound] }
        let section = sections[Int(line.section)].details
        if !section.isActive || !section.isVisible { wrong.append(.sectionInactive(line.section)) }
        wrong += wrongDate(of: line.section, at: now)
        // A quantity out of range is refused as such, or for the sum it leads to, cut to something sane.
        guard lines[0].quantity <= Self.absurdQuantity else { return wrong }
        let asked = lines.reduce(0) {
            $1.section == line.section ? $0 + min($1.quantity, Self.absurdQuantity) : $0
        }
        if asked < section.minimumPurchase {
            wrong.append(.belowMinimumPurchase(line.section, asked: asked, minimum: section.minimumPurchase))
        }
        if asked > section.maximumPurchase {
            wrong.append(.aboveMaximumPurchase(line.section, asked: asked, maximum: section.maximumPurchase))
        }
        let available = counts(line.section).available
        if asked > available {
            wrong.append(.soldOut(line.section, asked: asked, available: available, buffer: section.buffer))
        }
        return wrong
    }

    private mutating func place(
        _ request: ReserveRequest,
        _ lines: [HoldLine],
        _ seats: [SeatRun],
        _ customer: ShortText,
        until deadline: Milliseconds,
        _ choice: ModelChoice,
        at now: Milliseconds
    ) -> ModelExpectation {
        // The engine refused what should have been possible: any answer but a refusal tells so.
        guard let reference = choice.reference else { return .refusal([]) }
        guard forgetHold(in: reference, at: now) else { return .refusal([]) }
        var locked = lines
        for (index, line) in lines.enumerated() {
            if let tier = line.tier { locked[index].lock = lock(tier, quantity: line.quantity, at: now) }
        }
        let state = HoldState(
            reference: reference,
            secret: choice.secret,
            customer: customer,
            status: .held,
            createdAt: now,
            expiresAt: deadline,
            endedAt: 0,
            first: locked[0],
            rest: Array(locked.dropFirst()),
            seats: seats,
            order: nil
        )
        holds.append(Hold(state: state))
        let counts = lines.map { self.counts($0.section) }
        let isSingle = request.isSingleSection
        return .answer(
            counts.count == 1
                ? .reservedOne(state, counts: counts[0], at: now, isSingleSection: isSingle)
                : .reserved(state, counts: counts, at: now, isSingleSection: isSingle)
        )
    }

    /// The slot's last hold makes way for a new one; false where it may not yet.
    private mutating func forgetHold(in new: HoldReference, at now: Milliseconds) -> Bool {
        for index in holds.indices where holds[index].state.reference.slot == new.slot {
            let old = holds[index].state
            guard old.reference.generation < new.generation else { return false }
            guard !holds[index].isForgotten else { continue }
            guard old.status == .released || old.status == .expired else { return false }
            guard now - old.endedAt >= InventoryLimits.endedHoldKeptMilliseconds else { return false }
            holds[index].isForgotten = true
        }
        return true
    }

    // MARK: - Holds

    /// A hold that is there, is the caller's, is held and has time left; else why not.
    private mutating func change(
        _ id: HoldID,
        _ context: CommandContext,
        onSaleOnly: Bool = false,
        _ body: (inout ModelEvent, Int) -> ModelExpectation
    ) -> ModelExpectation {
        guard let index = holdIndex(id, principal: context.principal) else {
            return .refusal([.reservationNotFound])
        }
        let state = holds[index].state
        if isCalledOff(state) { return .refusal([.reservationNotHeld(status: .released)]) }
        switch state.status {
        case .held where context.now < state.expiresAt:
            if onSaleOnly, status != .published { return .refusal([.eventNotOnSale(status: status)]) }
            let cancelled = onSaleOnly ? cancelledDates(of: holds[index]) : []
            guard cancelled.isEmpty else { return .refusal(cancelled) }
            return body(&self, index)
        case .held, .expired: return .refusal([.reservationExpired(expiredAt: state.expiresAt)])
        case .confirmed, .released: return .refusal([.reservationNotHeld(status: state.status)])
        }
    }

    private mutating func lockPrice(_ index: Int, tier: TierNumber?, at now: Milliseconds) -> ModelExpectation {
        switch lockedLines(index, tier: tier, at: now) {
        case .failure(let wrong):
            return .refusal(wrong.reasons)
        case .success(let lines):
            setLines(lines, of: index)
            return .answer(.reservation(holds[index].state, at: now))
        }
    }

    private struct Wrong: Error { var reasons: [Rejection] }

    /// The hold's lines with a price on each: what is locked stays, the rest gets today's.
    private func lockedLines(_ index: Int, tier: TierNumber?, at now: Milliseconds) -> Result<[HoldLine], Wrong> {
        let hold = holds[index]
        var wrong: [Rejection] = []
        var lines = hold.lines
        for (position, line) in hold.lines.enumerated() {
            if line.lock != nil, let old = line.tier {
                if let tier, tier != old { wrong.append(.priceLockedOtherwise(old)) }
            } else if let chosen = tier ?? line.tier ?? defaultTier(for: line.section, at: now) {
                lines[position].tier = chosen
                guard chosen < tiers.count else { continue }
                lines[position].lock = lock(chosen, quantity: line.quantity, at: now)
            } else {
                wrong.append(.noPrice(line.section))
            }
        }
        wrong += wrongTiers(lines, of: index, customer: hold.state.customer, at: now) {
            hold.lines[$0].lock == nil
        }
        return wrong.isEmpty ? .success(lines) : .failure(Wrong(reasons: wrong))
    }

    private mutating func setLines(_ lines: [HoldLine], of index: Int) {
        holds[index].state.first = lines[0]
        holds[index].state.rest = Array(lines.dropFirst())
    }

    private mutating func extend(_ index: Int, seconds: UInt32, at now: Milliseconds) -> ModelExpectation {
        let state = holds[index].state
        let deadline = state.expiresAt + Milliseconds(seconds) * 1_000
        let latest = state.createdAt + Milliseconds(details.holdTimeMaxSeconds) * 1_000
        guard seconds > 0, deadline <= latest else {
            let left = UInt32(max(0, latest - state.expiresAt) / 1_000)
            return .refusal([.holdTimeOutOfRange(askedSeconds: seconds, maximumSeconds: left)])
        }
        holds[index].state.expiresAt = deadline
        return .answer(.reservation(holds[index].state, at: now))
    }

    private mutating func confirm(
        _ index: Int,
        _ paymentReference: String,
        amount: Int64?,
        _ choice: ModelChoice,
        at now: Milliseconds
    ) -> ModelExpectation {
        var wrong: [Rejection] = []
        if paymentReference.isEmpty || paymentReference.utf8.count > InventoryLimits.paymentReferenceBytesMax {
            wrong.append(.invalid(.paymentReference))
        }
        switch lockedLines(index, tier: nil, at: now) {
        case .failure(let unpriced):
            return .refusal(wrong + unpriced.reasons)
        case .success(let lines):
            let total = lines.reduce(0) { $0 + ModelPrice.total($1.lock!, quantity: $1.quantity) }
            if let amount, amount != total { wrong.append(.amountMismatch(given: amount, total: total)) }
            guard wrong.isEmpty else { return .refusal(wrong) }
            setLines(lines, of: index)
            holds[index].state.status = .confirmed
            holds[index].state.endedAt = now
            let order = OrderState(
                confirmedAt: now,
                total: total,
                paymentReference: paymentReference,
                ticketSecret: choice.ticketSecret,
                refunded: [],
                restocked: []
            )
            holds[index].state.order = OrderBox(order)
            return .answer(.order(holds[index].state, at: now))
        }
    }

    private mutating func release(
        _ index: Int,
        at now: Milliseconds,
        toldAt: Milliseconds? = nil
    ) -> ModelExpectation {
        holds[index].state.status = .released
        holds[index].state.endedAt = now
        return .answer(.reservation(holds[index].state, at: toldAt ?? now))
    }

    private mutating func refund(
        _ id: HoldID,
        _ context: CommandContext,
        tickets: [UInt32],
        restock: Bool
    ) -> ModelExpectation {
        guard let index = holdIndex(id, principal: context.principal), let box = holds[index].state.order else {
            return .refusal([.orderNotFound])
        }
        var order = box.state
        let quantity = holds[index].state.quantity
        let left = (0..<quantity).filter { !order.refunded.contains($0) }
        // A ticket named twice is refunded once.
        let asked = tickets.isEmpty ? left : Array(Set(tickets))
        var wrong: [Rejection] = []
        if asked.isEmpty { wrong += (0..<quantity).map { .ticketRefunded(index: $0) } }
        for ticket in asked {
            if ticket >= quantity { wrong.append(.ticketNotFound(index: ticket)) }
            if order.refunded.contains(ticket) { wrong.append(.ticketRefunded(index: ticket)) }
        }
        let inside = asked.filter { holds[index].tickets[$0]?.checkIn != nil }
        if restock, cancelledAt == nil, let first = inside.min() {
            wrong.append(.restockOfCheckedIn(index: first, count: UInt32(inside.count)))
        }
        guard wrong.isEmpty else { return .refusal(wrong) }
        order.refunded = (order.refunded + asked).sorted()
        if restock { order.restocked = (order.restocked + asked).sorted() }
        holds[index].state.order = OrderBox(order)
        let marks = marks(index, at: context.now)
        order.tickets = []
        var told = holds[index].state
        told.order = OrderBox(order)
        return .answer(.refunded(told, tickets: asked.sorted(), marks: marks, at: context.now))
    }

    private mutating func expire(_ reference: HoldReference, at now: Milliseconds) -> ModelExpectation {
        let found = holds.firstIndex { !$0.isForgotten && $0.state.reference == reference }
        guard let index = found else { return .refusal([.reservationNotFound]) }
        let state = holds[index].state
        if isCalledOff(state) { return release(index, at: cancelledAt!, toldAt: now) }
        guard state.status == .held, state.expiresAt <= now else {
            return .refusal([.reservationNotFound])
        }
        holds[index].state.status = .expired
        holds[index].state.endedAt = now
        return .answer(.reservation(holds[index].state, at: now))
    }
}

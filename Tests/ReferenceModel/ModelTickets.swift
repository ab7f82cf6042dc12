import Engine

/// Tickets, gates and the end of an event in the model: everything looked up by walking, every scan on its own.
extension ModelEvent {
    struct Ticket {
        var checkIn: CheckIn?
        var transfers: [TicketTransfer] = []
        var offer: TransferOffer?

        var isUntouched: Bool { checkIn == nil && transfers.isEmpty && offer == nil }
    }

    /// Whether the hold, still held, ended with its event.
    func isCalledOff(_ hold: HoldState) -> Bool {
        guard let cancelledAt else { return false }
        return hold.status == .held && cancelledAt < hold.expiresAt
    }

    // MARK: - The organizer

    mutating func cancelEvent(at now: Milliseconds) -> ModelExpectation {
        if status == .cancelled { return .refusal([.wrongEventStatus(status: .cancelled)]) }
        status = .cancelled
        version += 1
        cancelledAt = now
        return .answer(.event(view))
    }

    mutating func restoreEvent() -> ModelExpectation {
        if cancelledAt != nil {
            let numbers = sections.indices.map(SectionNumber.init)
            let sold = numbers.reduce(0) { $0 + self.sold($1) }
            let reserved = numbers.reduce(0) { $0 + self.reserved($1) }
            if sold > 0 { return .refusal([.cancelledWithSales(sold: sold)]) }
            if reserved > 0 { return .refusal([.cancellationUnfinished(reserved: reserved)]) }
        }
        let expectation = changeStatus(from: .cancelled, to: .draft)
        if case .answer = expectation { cancelledAt = nil }
        return expectation
    }

    mutating func setGate(_ gate: GateDetails) -> ModelExpectation {
        var wrong: [Rejection] = []
        if gate.id.isEmpty { wrong.append(.invalid(.identifier)) }
        if let opens = gate.opensAt, let closes = gate.closesAt, closes <= opens { wrong.append(.gateWindowInvalid) }
        if gate.sections.contains(where: { $0 >= sections.count }) { wrong.append(.sectionNotFound) }
        let known = gates.firstIndex { $0.id == gate.id }
        if known == nil, gates.count == 100 { wrong.append(.tooManyGates(limit: 100)) }
        guard wrong.isEmpty else { return .refusal(wrong) }
        if let known { gates[known] = gate } else { gates.append(gate) }
        return .answer(.gate(gate))
    }

    // MARK: - Tickets

    /// The order of the ticket, whoever asks.
    private func order(of id: TicketID) -> Int? {
        guard id.event == key else { return nil }
        return holds.firstIndex { hold in
            let order = HoldID(event: key, reference: hold.state.reference, secret: hold.state.secret)
            return hold.state.status == .confirmed && hold.state.reference == id.reference
                && id.index < hold.state.quantity && TicketID(id.index, of: order) == id
        }
    }

    private func ticket(_ id: TicketID, _ order: Int) -> Ticket { holds[order].tickets[id.index] ?? Ticket() }

    func holder(of ticket: UInt32, _ order: Int) -> ShortText {
        holds[order].tickets[ticket]?.transfers.last?.holder ?? holds[order].state.customer
    }

    private mutating func set(_ ticket: Ticket, _ id: TicketID, _ order: Int) {
        holds[order].tickets[id.index] = ticket.isUntouched ? nil : ticket
        var state = holds[order].state.order!.state
        state.tickets = holds[order].tickets.sorted { $0.key < $1.key }.map { index, ticket in
            TicketHistory(index: index, checkIn: ticket.checkIn, transfers: ticket.transfers, offer: ticket.offer)
        }
        holds[order].state.order = OrderBox(state)
    }

    private func isRefunded(_ id: TicketID, _ order: Int) -> Bool {
        holds[order].state.order!.state.refunded.contains(id.index)
    }

    private func code(_ id: TicketID, _ order: Int, generation: Int) -> TicketCode {
        TicketCode(secret: holds[order].state.order!.state.ticketSecret, index: id.index, generation: generation)
    }

    private func place(_ id: TicketID, _ order: Int) -> TicketPlace {
        let hold = holds[order]
        let seats = hold.lines.indices.flatMap { line -> [UInt32?] in
            let seats = hold.state.seats.filter { Int($0.line) == line }.flatMap(\.positions)
            return seats.isEmpty ? Array(repeating: nil, count: Int(hold.lines[line].quantity)) : seats
        }
        return TicketPlace(id: id, section: hold.sectionOfTicket[Int(id.index)], seat: seats[Int(id.index)])
    }

    private func view(_ checkIn: CheckIn) -> CheckInView {
        CheckInView(
            scannedAt: checkIn.scannedAt,
            receivedAt: checkIn.receivedAt,
            gate: checkIn.gate.map { gates[Int($0)].id } ?? ""
        )
    }

    private func view(_ id: TicketID, _ order: Int, showsOrder: Bool, at now: Milliseconds) -> TicketView {
        let ticket = ticket(id, order)
        let isOffered = ticket.offer != nil && now < (ticket.offer!.expiresAt ?? .max)
        let status: TicketStatus =
            isRefunded(id, order)
            ? .refunded : ticket.checkIn != nil ? .checkedIn : isOffered ? .transferOffered : .issued
        return TicketView(
            place: place(id, order),
            orderSecret: showsOrder ? holds[order].state.secret : nil,
            holder: holder(of: id.index, order),
            status: status,
            code: code(id, order, generation: ticket.transfers.count),
            checkIn: ticket.checkIn.map(view),
            offer: status == .transferOffered ? ticket.offer : nil
        )
    }

    /// What the order's page shows of tickets that are not as they were issued.
    func marks(_ order: Int, at now: Milliseconds) -> [TicketMark] {
        let id = HoldID(event: key, reference: holds[order].state.reference, secret: holds[order].state.secret)
        return (0..<holds[order].state.quantity).compactMap { index in
            var status = view(TicketID(index, of: id), order, showsOrder: true, at: now).status
            let isGone = !(holds[order].tickets[index]?.transfers.isEmpty ?? true)
            if isGone, status != .refunded { status = .transferred }
            return status == .issued ? nil : TicketMark(index: index, status: status)
        }
    }

    // MARK: - Changing hands

    private func mayPass(_ id: TicketID, _ order: Int) -> [Rejection] {
        var wrong: [Rejection] = []
        if let cancelledAt { wrong.append(.eventCancelled(at: cancelledAt)) }
        let section = place(id, order).section
        if let date = sections[Int(section)].details.schedule, schedules[Int(date)].details.isCancelled {
            wrong.append(.scheduleCancelled(section))
        }
        if isRefunded(id, order) { wrong.append(.ticketRefunded(index: id.index)) }
        if let checkIn = ticket(id, order).checkIn { wrong.append(.ticketCheckedIn(at: checkIn.scannedAt)) }
        return wrong
    }

    /// The order of a ticket that the caller has.
    private func own(_ id: TicketID, _ context: CommandContext) -> Int? {
        guard let order = order(of: id) else { return nil }
        return context.principal.isEmpty || context.principal == holder(of: id.index, order) ? order : nil
    }

    private func showsOrder(_ id: TicketID, _ order: Int, _ context: CommandContext) -> Bool {
        context.principal.isEmpty || holder(of: id.index, order) == holds[order].state.customer
    }

    mutating func offer(
        _ id: TicketID,
        _ recipient: ShortText,
        _ expiresAt: Milliseconds?,
        _ context: CommandContext,
        _ choice: ModelChoice
    ) -> ModelExpectation {
        guard let order = own(id, context) else { return .refusal([.noSuchTicket]) }
        var ticket = ticket(id, order)
        var wrong = mayPass(id, order)
        if let offer = ticket.offer, context.now < offer.expiresAt ?? .max { wrong.append(.transferPending) }
        if ticket.transfers.count >= 10 { wrong.append(.tooManyTransfers(limit: 10)) }
        if let expiresAt, expiresAt <= context.now || expiresAt >> 43 != 0 {
            wrong.append(.transferDeadlinePassed(expiresAt))
        }
        guard wrong.isEmpty else { return .refusal(wrong) }
        let offer = TransferOffer(
            code: choice.offerCode,
            recipient: recipient,
            offeredAt: context.now,
            expiresAt: expiresAt
        )
        ticket.offer = offer
        set(ticket, id, order)
        var view = view(id, order, showsOrder: showsOrder(id, order, context), at: context.now)
        view.showsOfferCode = true
        return .answer(.ticket(view))
    }

    mutating func withdraw(_ id: TicketID, _ context: CommandContext) -> ModelExpectation {
        guard let order = own(id, context) else { return .refusal([.noSuchTicket]) }
        var ticket = ticket(id, order)
        guard let offer = ticket.offer, context.now < offer.expiresAt ?? .max else {
            return .refusal([.transferNotFound])
        }
        ticket.offer = nil
        set(ticket, id, order)
        return .answer(.ticket(view(id, order, showsOrder: showsOrder(id, order, context), at: context.now)))
    }

    mutating func accept(
        _ id: TicketID,
        _ code: TicketCode,
        _ customer: ShortText,
        _ context: CommandContext
    ) -> ModelExpectation {
        let receiver = context.principal.isEmpty ? customer : context.principal
        if !customer.isEmpty, customer != receiver { return .refusal([.customerMismatch]) }
        guard let order = order(of: id), let offer = ticket(id, order).offer, offer.code == code, !receiver.isEmpty,
            [receiver, ""].contains(offer.recipient)
        else { return .refusal([.transferNotFound]) }
        var wrong = mayPass(id, order)
        if let end = offer.expiresAt, end <= context.now { wrong.append(.transferExpired(expiredAt: end)) }
        guard wrong.isEmpty else { return .refusal(wrong) }
        var ticket = ticket(id, order)
        ticket.offer = nil
        ticket.transfers.append(TicketTransfer(holder: receiver, at: context.now))
        set(ticket, id, order)
        let isBack = receiver == holds[order].state.customer
        return .answer(.ticket(view(id, order, showsOrder: isBack, at: context.now)))
    }

    // MARK: - At the gates

    mutating func scan(_ scans: [TicketScan], isList: Bool, at now: Milliseconds) -> ModelExpectation {
        guard scans.count > 0, scans.count <= 500 else {
            return .refusal([.scansOutOfRange(asked: UInt32(scans.count))])
        }
        if scans.contains(where: { ($0.scannedAt ?? 0) >> 43 != 0 }) { return .refusal([.scanTimeOutOfRange]) }
        var outcomes: [ScanOutcome] = []
        for scan in scans { outcomes.append(self.scan(scan, at: now)) }
        return .answer(.scanned(outcomes, isList: isList))
    }

    private mutating func scan(_ scan: TicketScan, at now: Milliseconds) -> ScanOutcome {
        let scannedAt = scan.scannedAt ?? now
        let unknown = ScanOutcome(.unknown, scannedAt: scannedAt, gate: scan.gate)
        let gate = gates.firstIndex { $0.id == scan.gate }
        if !scan.gate.isEmpty, gate == nil {
            return ScanOutcome(.gateNotFound, scannedAt: scannedAt, gate: scan.gate)
        }
        guard let id = scan.ticket, let order = order(of: id) else { return unknown }
        var ticket = ticket(id, order)
        let generations = ticket.transfers.count
        guard let generation = (0...generations).first(where: { code(id, order, generation: $0) == scan.code }) else {
            return unknown
        }
        var outcome = ScanOutcome(.void, ticket: place(id, order), scannedAt: scannedAt, gate: scan.gate)
        if generation < generations {
            outcome.since = ticket.transfers[generation].at
            return outcome
        }
        if isRefunded(id, order) {
            outcome.result = .refunded
            return outcome
        }
        if let first = ticket.checkIn {
            let isSame = scan.scannedAt != nil && first.scannedAt == scannedAt && first.gate.map(Int.init) == gate
            outcome.result = isSame ? .checkedIn : .alreadyCheckedIn
            outcome.checkIn = view(first)
            return outcome
        }
        if let cancelledAt, cancelledAt <= scannedAt {
            outcome.result = .eventCancelled
            outcome.since = cancelledAt
            return outcome
        }
        if let since = cancellation(ofDate: outcome.ticket!.section), since <= scannedAt {
            outcome.result = .scheduleCancelled
            outcome.since = since
            return outcome
        }
        let codeSince = ticket.transfers.last?.at ?? holds[order].state.order!.state.confirmedAt
        if scannedAt - now > 60_000 || codeSince - scannedAt > 3_600_000 {
            outcome.result = scannedAt > now ? .clockAhead : .clockBehind
            outcome.since = scannedAt > now ? now : codeSince
            return outcome
        }
        if let gate, !lets(outcome.ticket!.section, through: gates[gate], &outcome) { return outcome }
        let checkIn = CheckIn(scannedAt: scannedAt, receivedAt: now, gate: gate.map { UInt8($0) })
        ticket.checkIn = checkIn
        set(ticket, id, order)
        outcome.result = .checkedIn
        outcome.checkIn = view(checkIn)
        return outcome
    }

    private func lets(_ section: SectionNumber, through gate: GateDetails, _ outcome: inout ScanOutcome) -> Bool {
        guard outcome.scannedAt >= gate.opensAt ?? .min, outcome.scannedAt < gate.closesAt ?? .max else {
            outcome.result = .gateClosed
            outcome.since = gate.opensAt
            outcome.until = gate.closesAt
            return false
        }
        guard gate.sections.isEmpty || gate.sections.contains(section) else {
            outcome.result = .wrongGate
            return false
        }
        return true
    }
}

// MARK: - Commands

extension ModelCommands {
    /// What is asked of tickets, gates and scanners; nil while nothing is sold.
    mutating func afterSale(_ model: ModelEvent) -> Command? {
        if model.gates.count < 2 || random.chance(4) { return .setGate(gate(model)) }
        let orders = model.holds.filter { $0.state.status == .confirmed }
        guard !orders.isEmpty else { return nil }
        if random.chance(45) { return scan(orders, model) }
        let order = random.one(of: orders)
        let index = UInt32(random.below(Int(order.state.quantity) + (random.chance(2) ? 1 : 0)))
        var id = TicketID(index, of: id(of: order, model))
        if random.chance(2) {
            id = TicketID(event: id.event, reference: id.reference, index: id.index, check: id.check ^ 1)
        }
        let recipient = random.chance(70) ? ShortText.empty : random.one(of: Self.customers)
        // Mostly a ticket that is offered, where there is one.
        if let offered = order.tickets.first(where: { $0.value.offer != nil }), random.chance(70) {
            let ticket = TicketID(offered.key, of: self.id(of: order, model))
            if random.chance(20) { return .withdrawTransfer(ticket) }
            let code = offered.value.offer!.code
            let guess = TicketCode(high: code.high, low: code.low ^ (random.chance(10) ? 1 : 0))
            return .acceptTransfer(ticket, guess, customer: recipient)
        }
        if random.chance(5) { return .withdrawTransfer(id) }
        let end = random.chance(40) ? nil : now + Milliseconds(random.below(400_000)) - 20_000
        return .offerTransfer(id, recipient: recipient, expiresAt: end)
    }

    private func id(of order: ModelEvent.Hold, _ model: ModelEvent) -> HoldID {
        HoldID(event: model.key, reference: order.state.reference, secret: order.state.secret)
    }

    private mutating func gate(_ model: ModelEvent) -> GateDetails {
        var gate = GateDetails(id: random.one(of: ["north", "south", "stage"]))
        if random.chance(30) {
            gate.sections = [SectionNumber(random.below(model.sections.count + (random.chance(5) ? 1 : 0)))]
        }
        if random.chance(30) { gate.opensAt = now + Milliseconds(random.below(600_000)) - 300_000 }
        if random.chance(30) { gate.closesAt = now + Milliseconds(random.below(600_000)) - 60_000 }
        return gate
    }

    private mutating func scan(_ orders: [ModelEvent.Hold], _ model: ModelEvent) -> Command {
        if random.chance(2) { return .scan([], isList: true) }
        let made = (0..<(1 + random.below(4))).map { _ -> TicketScan in
            if !scans.isEmpty, random.chance(25) { return random.one(of: scans) }
            return oneScan(orders, model)
        }
        scans = Array((scans + made).suffix(64))
        return .scan(made, isList: made.count > 1 || random.chance(20))
    }

    private mutating func oneScan(_ orders: [ModelEvent.Hold], _ model: ModelEvent) -> TicketScan {
        let order = random.one(of: orders)
        let index = UInt32(random.below(Int(order.state.quantity)))
        let generations = order.tickets[index]?.transfers.count ?? 0
        let code = TicketCode(
            secret: order.state.order!.state.ticketSecret,
            index: index,
            generation: random.chance(80) ? generations : random.below(generations + 2)
        )
        return TicketScan(
            ticket: random.chance(2) ? nil : TicketID(index, of: id(of: order, model)),
            code: code,
            gate: random.weighted([50, 20, 20, 4]) == 0
                ? .empty : random.one(of: ["north", "south", "stage", "cellar"]),
            scannedAt: random.chance(40) ? nil : scanTime(order)
        )
    }

    /// Mostly some minutes ago; sometimes at an end of what is believed.
    private mutating func scanTime(_ order: ModelEvent.Hold) -> Milliseconds {
        guard random.chance(10) else { return now - Milliseconds(random.below(3) * 60_000) }
        if random.chance(50) { return now + 60_000 + Milliseconds(random.below(2)) }
        return order.state.order!.state.confirmedAt - 3_600_000 - Milliseconds(random.below(2))
    }

    /// Mostly whoever has the ticket; for an offer that is taken, mostly anybody.
    mutating func principal(of ticket: TicketID, _ command: Command, _ model: ModelEvent) -> ShortText {
        if case .acceptTransfer(_, _, let customer) = command {
            if !customer.isEmpty { return random.chance(80) ? .empty : random.one(of: Self.customers) }
            return random.chance(5) ? .empty : random.one(of: Self.customers)
        }
        let order = model.holds.firstIndex { $0.state.reference == ticket.reference && $0.state.status == .confirmed }
        guard let order, random.chance(70) else { return random.chance(70) ? .empty : random.one(of: Self.customers) }
        return model.holder(of: ticket.index, order)
    }
}

/// What a command leads to: facts to be logged and applied, in order, and what the answer is made of.
public struct Decision: Sendable {
    public var first: Fact?
    public var rest: [Fact]
    public var answer: Answer

    init(_ first: Fact?, rest: [Fact] = [], answer: Answer) {
        self.first = first
        self.rest = rest
        self.answer = answer
    }

    /// All facts in order.
    public var facts: [Fact] { (first.map { [$0] } ?? []) + rest }
}

extension EventInventory {
    /// Decides a command without changing anything.
    ///
    /// The time is `context.now`; a hold at or past its deadline counts as expired, whether or not that is logged.
    /// - Throws: why the command is refused; nothing has happened then.
    public func decide(_ command: Command, _ context: CommandContext) throws(Rejection) -> Decision {
        if isOfTenant, !command.isOfTenant { throw .eventNotFound }
        return switch command {
        case .createEvent: throw .eventExists
        case .updateEvent(let details, let expected): try decideUpdate(details, expected, context)
        case .publishEvent: try decidePublication(at: context.now)
        case .deleteEvent: try decideDeletion()
        case .restoreEvent: try decideRestoration()
        case .addSchedule(let details): try decideSchedule(details)
        case .updateSchedule(let details, let expected): try decideScheduleUpdate(details, expected)
        case .createVenue(let details): try decideVenue(details, context)
        case .updateVenue(let details, let expected): try decideVenueUpdate(details, expected)
        case .addSection(let details): try withinVenue(try decideSection(details), context)
        case .updateSection(let number, let details):
            try withinVenue(try decideSectionUpdate(number, details), context)
        case .addTier(let details): try decideTier(details)
        case .updateTier(let number, let details): try decideTierUpdate(number, details)
        case .addSeats(let number, let rows): try withinVenue(try decideSeats(number, rows), context)
        case .blockSeats(let number, let names, let isBlocked):
            try decideBlocking(number, names, isBlocked: isBlocked)
        case .cancelEvent: try decideCancellation(context)
        case .setGate(let gate): try decideGate(gate)
        case .scan(let scans, let isList): try decideScans(scans, isList: isList, context)
        case .offerTransfer(let id, let recipient, let expiresAt): try decideOffer(id, recipient, expiresAt, context)
        case .withdrawTransfer(let id): try decideWithdrawal(id, context)
        case .acceptTransfer(let id, let code, let customer): try decideAcceptance(id, code, customer, context)
        case .reserve(let request): try decideReservation(request, context)
        case .lockPrice(let id, let tier): try decidePriceLock(id, tier, context)
        case .extend(let id, let seconds): try decideExtension(id, seconds, context)
        case .confirm(let id, let reference, let amount): try decideConfirmation(id, reference, amount, context)
        case .release(let id): try decideRelease(id, context)
        case .refund(let id, let tickets, let restock): try decideRefund(id, tickets, restock, context)
        case .expire(let reference): decideExpiry(reference, context)
        }
    }
}

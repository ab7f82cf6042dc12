import Engine

/// A change in two steps: `read` is submitted first, then what `next` makes of its outcome.
///
///     submit read → outcome → next(after:of:) → .submit(command) → outcome → the answer
///                                             → .answer(outcome)  the question was refused: that is the answer
///                                             → .problem(problem) the change doesn't fit what is there
///
/// PUT says "change these fields", commands say "this is the whole thing now"; and an amount of money is a number of
/// minor units only once the event's currency is known. Both need to be told something by the owner first.
///
/// Between the two steps somebody else may change the same thing. An event's command therefore carries the version
/// that was read, as a schedule's and a venue's do, and where `retriesOnEventChanged` says so, a refusal because of the
/// version means: begin again with `read`, once. Sections and tiers have no such guard: of two changes at the same moment the later one wins whole.
struct ReadThenWrite: Sendable {
    /// What is to be made of the thing that was read.
    enum Change: Sendable {
        /// `version` is what the client's If-Match asks for.
        case event(EventPatch, version: UInt32?)
        case section(SectionNumber, SectionPatch)
        /// A section that says which date it is of.
        case newSection(SectionPatch, id: ShortText)
        case schedule(ShortText, SchedulePatch, version: UInt32?)
        case venue(ShortText, VenuePatch, version: UInt32?)
        case newTier(TierPatch)
        case tier(TierNumber, TierPatch)
        case confirm(HoldID, paymentReference: String, amount: DecimalNumber)
    }

    enum Next: Sendable {
        case submit(RoutedSubmission)
        case answer(Outcome)
        case problem(Problem)
    }

    var event: EventKey
    var change: Change
    /// With the key for retries: only the second step uses it.
    var context: CommandContext
    var reply: ReplyContext
    /// The client's If-Match for a section or a tier; nil where it sent none.
    var expected: EntityTags?

    /// The first step.
    var read: RoutedSubmission {
        var context = context
        context.idempotency = nil
        return RoutedSubmission(event: event, work: .query(question), context: context, reply: reply)
    }

    var retriesOnEventChanged: Bool {
        switch change {
        case .event(_, version: nil), .schedule(_, _, version: nil), .venue(_, _, version: nil): true
        default: false
        }
    }

    private var question: Query {
        switch change {
        case .event, .newTier, .newSection, .confirm: .event
        case .schedule(let id, _, _): .schedule(id)
        case .venue(let id, _, _): .venue(id)
        case .section(let number, _): .section(number)
        case .tier: .tiers(activeOnly: false)
        }
    }

    /// What comes after the first step at the event's owner: a retry gets its first answer, whatever the thing looks like
    /// by now; else the second step.
    func goOn(after outcome: Outcome, of event: BorrowedEvent?) -> Next {
        if let key = context.idempotency, let event {
            do throws(Rejection) {
                if let kept = try event.remembered(key) { return .answer(.answer(kept)) }
            } catch {
                return .answer(.answer(.rejected(error)))
            }
        }
        return next(after: outcome, of: event)
    }

    /// The second step, decided where the first one's outcome and its event are at hand.
    func next(after outcome: Outcome, of event: (some EventConstants)?) -> Next {
        guard case .finding(let finding) = outcome, let event else {
            return .answer(outcome)
        }
        do throws(Problem) {
            let command = try command(after: finding, of: event)
            return .submit(
                RoutedSubmission(event: self.event, work: .command(command), context: context, reply: reply)
            )
        } catch {
            return .problem(error)
        }
    }

    private func command(after finding: Finding, of event: some EventConstants) throws(Problem) -> Command {
        switch (change, finding) {
        case (.event(let patch, let version), .event(let view)):
            return .updateEvent(patch.applied(to: view.details), expectedVersion: version ?? view.version)
        case (.section(let number, let patch), .section(let view)):
            try check(view.entityTag)
            return .updateSection(number, try patch.applied(to: view.details, of: event))
        case (.newSection(let patch, let id), .event):
            return .addSection(try patch.created(id: id, of: event))
        case (.schedule(_, let patch, let version), .schedule(let view)):
            return .updateSchedule(patch.applied(to: view.details), expectedVersion: version ?? view.version)
        case (.venue(_, let patch, let version), .venue(let view)):
            return .updateVenue(patch.applied(to: view.details), expectedVersion: version ?? view.version)
        case (.newTier(let patch), .event):
            return .addTier(
                try patch.applied(to: PriceTierDetails(name: "", basePrice: 0), currency: event.currency)
            )
        case (.tier(let number, let patch), .tiers(let views)):
            guard let view = views.first(where: { $0.number == number }) else {
                throw Problem(.tierNotFound, of: event)
            }
            try check(UInt64(view.version))
            return .updateTier(number, try patch.applied(to: view.details, currency: event.currency))
        case (.confirm(let id, let reference, let amount), .event):
            return .confirm(id, paymentReference: reference, amount: try minorUnits(amount, event.currency))
        default:
            preconditionFailure("the owner answered another question than was asked")
        }
    }

    private func check(_ entityTag: UInt64) throws(Problem) {
        guard let expected, !expected.contains(entityTag) else { return }
        throw .preconditionFailed("The change was for another version; the one there has the ETag \"\(entityTag)\".")
    }

    /// A total may exceed the largest price: an amount is bounded by its type only.
    private func minorUnits(_ amount: DecimalNumber, _ currency: ShortText) throws(Problem) -> Int64 {
        do throws(DecimalNumber.Failure) {
            return try amount.minorUnits(minorDigits: Currency.minorDigits(of: currency), maximum: .max)
        } catch {
            throw .validationFailed([ProblemDetails.FieldError(field: "amount", message: error.message)])
        }
    }
}

extension Rejection {
    /// Whether the thing is at another version than the change was for.
    var isOfVersion: Bool {
        switch self {
        case .eventChanged, .scheduleChanged, .venueChanged: true
        default: false
        }
    }
}

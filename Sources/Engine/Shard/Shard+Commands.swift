import WAL

extension Shard {
    /// Decides one piece of work. The slot is that of the event which the outcome shows.
    func handle(_ event: EventKey, _ work: Submission.Work, _ context: CommandContext) -> (Outcome, Int?) {
        if isClosed { return (.unavailable(.closed), nil) }
        var context = context
        context.now = now
        // Not by a closure: handed to the standard library, it would be asked at run time where it runs.
        var slot = tables.pointee.slot(of: event)
        if let found = slot, tables.pointee.slots[found].tenant != context.tenant { slot = nil }
        switch work {
        case .query(let query):
            guard let slot else { return (.refused(.eventNotFound), nil) }
            do throws(Rejection) {
                return (.finding(try tables.pointee.slots[slot].find(query, context)), slot)
            } catch {
                return (.refused(error), slot)
            }
        case .command(let command):
            tables.pointee.counters.commands += 1
            guard !isSaturated, tables.pointee.records.byteCount < Limits.turnBytesMax else {
                tables.pointee.counters.refusedBusy += 1
                return (.unavailable(.logSaturated), nil)
            }
            return run(command, context, event, slot)
        }
    }

    private func run(
        _ command: Command,
        _ context: CommandContext,
        _ event: EventKey,
        _ slot: Int?
    ) -> (Outcome, Int?) {
        guard let slot else { return create(command, context, event) }
        if let key = context.idempotency {
            if case .reserve(let request) = command {
                let customer = context.principal.isEmpty ? request.customer : context.principal
                tables.pointee.slots[slot].prefetch(key, customer)
            }
            do throws(Rejection) {
                if let answer = try tables.pointee.slots[slot].remembered(key) {
                    tables.pointee.counters.replays += 1
                    return (.answer(answer), slot)
                }
            } catch {
                guard let answer = rememberedByEarlierBuild(key, context, slot) else {
                    return (.answer(.rejected(error)), slot)
                }
                tables.pointee.counters.replays += 1
                return (.answer(answer), slot)
            }
            guard tables.pointee.slots[slot].idempotency.hasRoom(at: now) else {
                return (.answer(.rejected(.limitReached(.idempotencyKeys))), slot)
            }
        }
        if room != .enough { return (refuseForRoom(), nil) }
        do throws(Rejection) {
            return (.answer(try decide(command, context, slot)), slot)
        } catch {
            tables.pointee.counters.rejections += 1
            // One key, one answer: a refusal is kept as well, and waits for the log like everything else.
            if context.idempotency != nil, error.isRemembered {
                record(Decision(nil, answer: .rejected(error)), slot, context)
            }
            return (.answer(.rejected(error)), slot)
        }
    }

    private func rememberedByEarlierBuild(_ key: IdempotencyKey, _ context: CommandContext, _ slot: Int) -> Answer? {
        let earlier = context.earlierFingerprints
        return remembered(key, earlier.0, slot) ?? remembered(key, earlier.1, slot)
    }

    private func remembered(_ key: IdempotencyKey, _ fingerprint: UInt64, _ slot: Int) -> Answer? {
        guard fingerprint != 0 else { return nil }
        let earlier = IdempotencyKey(high: key.high, low: key.low, fingerprint: fingerprint)
        return (try? tables.pointee.slots[slot].remembered(earlier)) ?? nil
    }

    /// What was answered before is answered again, but nothing is decided any more: a refusal would be logged as well.
    private func refuseForRoom() -> Outcome {
        tables.pointee.counters.refusedForRoom += 1
        return .unavailable(.storageFull)
    }

    private func decide(_ command: Command, _ context: CommandContext, _ slot: Int) throws(Rejection) -> Answer {
        if case .reserve(let request) = command { return try reserve(request, context, slot) }
        if command.dependsOnVenue { return try decideAtVenue(command, context, slot) }
        let decision = try tables.pointee.slots[slot].decide(command, context)
        // What changed nothing, and is not kept for a retry, leaves nothing in the log.
        if decision.first != nil || context.idempotency != nil { record(decision, slot, context) }
        return decision.answer
    }

    /// The same for a command that has to know how many places a venue takes.
    private func decideAtVenue(
        _ command: Command,
        _ context: CommandContext,
        _ slot: Int
    ) throws(Rejection) -> Answer {
        var context = context
        context.venueMaximum = venueMaximum(for: command, context.tenant, slot)
        guard case .addSection(let details) = command else {
            let decision = try tables.pointee.slots[slot].decide(command, context)
            record(decision, slot, context)
            return decision.answer
        }
        let tenant = tables.pointee.slots[slot].tenant
        guard directory.claim(tenant, details.id, for: tables.pointee.slots[slot].key) else { throw .sectionExists }
        do throws(Rejection) {
            let decision = try tables.pointee.slots[slot].decide(command, context)
            let number = SectionNumber(tables.pointee.slots[slot].sectionCount)
            record(decision, slot, context)
            directory.publish(tenant, details.id, tables.pointee.slots[slot].key, number)
            return decision.answer
        } catch {
            directory.unclaim(tenant, details.id)
            throw error
        }
    }

    /// What `decide` and `record` do for every command, without a fact and a decision around the hold.
    private func reserve(
        _ request: ReserveRequest,
        _ context: CommandContext,
        _ slot: Int
    ) throws(Rejection) -> Answer {
        let tables = tables
        let key = context.idempotency
        let hold = try tables.pointee.slots[slot].reservation(request, context)
        let answer = tables.pointee.slots[slot].reservedAnswer(hold, request, at: now)
        let event = tables.pointee.slots[slot].key
        let (answerStart, isAnswered) = tables.pointee.records.append(
            placed: hold,
            answer: answer,
            event: event,
            at: now,
            key: key,
            actor: context.actor == hold.customer ? nil : context.actor
        )
        tables.pointee.change(slot) { $0.place(hold, isAnswered) }
        tables.pointee.countPlaced()
        tables.pointee.wheel.add(.init(event: UInt32(slot), hold: hold.reference), deadline: hold.expiresAt)
        keepAnswer(from: answerStart, slot, key)
        return answer
    }

    private func create(_ command: Command, _ context: CommandContext, _ event: EventKey) -> (Outcome, Int?) {
        switch command {
        case .createEvent, .createVenue: break
        default: return (.answer(.rejected(.eventNotFound)), nil)
        }
        guard tables.pointee.slot(of: event) == nil else { return (.answer(.rejected(.eventExists)), nil) }
        if room != .enough { return (refuseForRoom(), nil) }
        guard tables.pointee.slots.count < InventoryLimits.eventsPerShardMax else {
            return (.answer(.rejected(.limitReached(.events))), nil)
        }
        do throws(Rejection) {
            var context = context
            context.venueMaximum = venueMaximum(for: command, context.tenant, nil)
            let decision = try EventInventory.decideBeginning(command, context)
            let slot = tables.pointee.add(EventInventory(creating: decision.first!)!)
            directory.events.publish(event, context.tenant, tables.pointee.slots[slot].details.id)
            record(decision, slot, context, skipsFirst: true)
            return (.answer(decision.answer), slot)
        } catch {
            return (.answer(.rejected(error)), nil)
        }
    }

    /// Writes a decision to the turn's records, and applies it.
    func record(_ decision: Decision, _ slot: Int, _ context: CommandContext, skipsFirst: Bool = false) {
        let tables = tables
        let event = tables.pointee.slots[slot].key
        let key = context.idempotency
        let (answerStart, isAnswered) = tables.pointee.records.append(
            decision,
            event: event,
            at: now,
            key: key,
            actor: decision.actorToTell(context.actor)
        )
        tables.pointee.change(slot) { [now] event in
            event.advance(to: now)
            event.apply(decision, isAnswered: isAnswered, skipsFirst: skipsFirst)
        }
        if let first = decision.first {
            count(first, slot)
            time(first, slot)
        }
        for fact in decision.rest {
            count(fact, slot)
            time(fact, slot)
        }
        if case .venue(let view) = decision.answer { noteChange(of: view.details, slot) }
        keepAnswer(from: answerStart, slot, key)
    }

    /// The answer's bytes are those in the record.
    private func keepAnswer(from answerStart: Int, _ slot: Int, _ key: IdempotencyKey?) {
        let tables = tables
        let now = now
        tables.pointee.records.withLastPayload { payload in
            tables.pointee.keepAnswer(slot) { event in
                if let key {
                    event.remember(UnsafeRawBufferPointer(rebasing: payload[answerStart...]), for: key, at: now)
                }
                event.advance(to: now)
            }
        }
    }

    /// Tells the timers of a hold that begins, or ends early.
    private func time(_ fact: Fact, _ slot: Int) {
        switch fact {
        case .holdPlaced(let hold):
            tables.pointee.wheel.add(.init(event: UInt32(slot), hold: hold.reference), deadline: hold.expiresAt)
        case .holdConfirmed, .holdReleased: tables.pointee.noteEnded()
        case .eventCancelled: tables.pointee.cancelled.append(.init(slot: slot))
        // An extension needs nothing here: the wheel finds the later deadline when it comes to the earlier one.
        default: break
        }
    }
}

extension Rejection {
    /// Whether a retry with the same key gets this refusal again. One that tells to try again later does not.
    fileprivate var isRemembered: Bool {
        switch self {
        case .eventChanged, .scheduleChanged, .venueChanged, .limitReached, .cancellationUnfinished: false
        default: true
        }
    }
}

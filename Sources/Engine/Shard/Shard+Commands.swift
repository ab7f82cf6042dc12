import WAL

extension Shard {
    /// Decides one piece of work. The slot is that of the event which the outcome shows.
    @usableFromInline
    func handle(_ event: EventKey, _ work: Submission.Work, _ context: CommandContext) -> (Outcome, Int?) {
        if isClosed { return (.unavailable(.closed), nil) }
        var context = context
        context.now = now
        let slot = slotOf[event].flatMap { slots[$0].tenant == context.tenant ? $0 : nil }
        switch work {
        case .query(let query):
            guard let slot else { return (.refused(.eventNotFound), nil) }
            do throws(Rejection) {
                return (.finding(try slots[slot].find(query, context)), slot)
            } catch {
                return (.refused(error), slot)
            }
        case .command(let command):
            counters.commands += 1
            guard !isSaturated, records.byteCount < Limits.turnBytesMax else {
                counters.refusedBusy += 1
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
            do throws(Rejection) {
                if let answer = try slots[slot].remembered(key) {
                    counters.replays += 1
                    return (.answer(answer), slot)
                }
            } catch {
                return (.answer(.rejected(error)), slot)
            }
            guard slots[slot].idempotency.hasRoom(at: now) else {
                return (.answer(.rejected(.limitReached(.idempotencyKeys))), slot)
            }
        }
        do throws(Rejection) {
            return (.answer(try decide(command, context, slot)), slot)
        } catch {
            counters.rejections += 1
            // One key, one answer: a refusal is kept as well, and waits for the log like everything else.
            if let key = context.idempotency, error.isRemembered {
                record(Decision(nil, answer: .rejected(error)), slot, key: key)
            }
            return (.answer(.rejected(error)), slot)
        }
    }

    private func decide(_ command: Command, _ context: CommandContext, _ slot: Int) throws(Rejection) -> Answer {
        guard case .addSection(let details) = command else {
            let decision = try slots[slot].decide(command, context)
            record(decision, slot, key: context.idempotency)
            return decision.answer
        }
        let tenant = slots[slot].tenant
        guard directory.claim(tenant, details.id, for: slots[slot].key) else { throw .sectionExists }
        do throws(Rejection) {
            let decision = try slots[slot].decide(command, context)
            let number = SectionNumber(slots[slot].sectionCount)
            record(decision, slot, key: context.idempotency)
            directory.publish(tenant, details.id, slots[slot].key, number)
            return decision.answer
        } catch {
            directory.unclaim(tenant, details.id)
            throw error
        }
    }

    private func create(_ command: Command, _ context: CommandContext, _ event: EventKey) -> (Outcome, Int?) {
        guard case .createEvent(let details) = command else { return (.answer(.rejected(.eventNotFound)), nil) }
        guard slotOf[event] == nil else { return (.answer(.rejected(.eventExists)), nil) }
        guard slots.count < InventoryLimits.eventsPerShardMax else {
            return (.answer(.rejected(.limitReached(.events))), nil)
        }
        do throws(Rejection) {
            let decision = try EventInventory.decideCreation(details, context)
            let slot = slots.count
            slots.append(EventInventory(creating: decision.first!)!)
            slotOf[event] = slot
            record(decision, slot, key: context.idempotency, skipsFirst: true)
            return (.answer(decision.answer), slot)
        } catch {
            return (.answer(.rejected(error)), nil)
        }
    }

    /// Writes a decision to the turn's records, and applies it.
    func record(_ decision: borrowing Decision, _ slot: Int, key: IdempotencyKey?, skipsFirst: Bool = false) {
        let (answerStart, isAnswered) = records.append(decision, event: slots[slot].key, at: now, key: key)
        if let first = decision.first, !skipsFirst { apply(first, slot, isAnswered) }
        for fact in decision.rest { apply(fact, slot, isAnswered) }
        if let key {
            records.withLastPayload { payload in
                let answer = UnsafeRawBufferPointer(rebasing: payload[answerStart...])
                slots[slot].remember(answer, for: key, at: now)
            }
        }
        slots[slot].advance(to: now)
    }

    private func apply(_ fact: borrowing Fact, _ slot: Int, _ isAnswered: Bool) {
        slots[slot].apply(fact, isAnswered: isAnswered)
        // An extension needs nothing here: the wheel finds the later deadline when it comes to the earlier one.
        if case .holdPlaced(let hold) = copy fact {
            wheel.add(.init(event: UInt32(slot), hold: hold.reference), deadline: hold.expiresAt)
        }
    }
}

extension Rejection {
    /// Whether a retry with the same key gets this refusal again. One that tells to try again later does not.
    fileprivate var isRemembered: Bool {
        switch self {
        case .eventChanged, .limitReached: false
        default: true
        }
    }
}

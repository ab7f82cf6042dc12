import WAL

@testable import Engine
@testable import ReferenceModel

// One turn of a shard, as the front of its loop makes it, held against the models.
extension Simulation {
    /// What a turn's records did, in their order.
    private typealias Changes = [(event: Int, change: EventBook.Change)]

    /// Begins a turn, decides the work, and ends it: what comes of it waits to be told.
    mutating func perform(_ work: [Work], _ process: SimulatedProcess, on number: Int) throws {
        let shard = process.engine.shards[number]
        let before = process.log.lastPosition
        var changes: Changes = []
        var answers: [Answered] = []
        let position = try process.loops[number].enter {
            shard.onLoop.beginTurn()
            let now = shard.assumeIsolated { $0.now }
            guard now == time.engineNow else { throw Violation("the time is \(now), not \(time.engineNow)") }
            try expire(shard, now, &changes, process)
            for work in work {
                if work.asksFirst { answers += try ask(work.event, shard, now) }
                answers += try decide(work, shard, now, &changes, process)
            }
            return try end(shard, &changes, after: before, process)
        }
        guard let position else {
            trace.note(20, text: "the log refuses a turn's records")
            return
        }
        for answer in answers {
            var answer = answer
            answer.position = position
            if options.sabotage == .earlyAnswers { try tell(answer) } else { waiting.append(answer) }
        }
        trace.note(
            21,
            UInt64(number),
            position.rawValue,
            UInt64(answers.count),
            text: "shard \(number) at \(time.engineNow): \(changes.count) records up to \(position)\n"
                + work.map { "    \($0.step.context.tenant)/\(books[$0.event].details.id) \($0.step.command)" }.joined(
                    separator: "\n"
                )
        )
    }

    /// The holds that the beginning of the turn has ended: all that are due, and no other.
    private mutating func expire(
        _ shard: Shard,
        _ now: Milliseconds,
        _ changes: inout Changes,
        _ process: SimulatedProcess
    ) throws {
        for payload in shard.tables.pointee.records.payloads {
            let record = try payload.withUnsafeBytes { try EventRecord($0) }
            guard let event = books.firstIndex(where: { $0.key == record.event }), record.facts.count == 1,
                let reference = Self.ended(by: record.facts[0], at: now, books[event].model), record.at == now
            else { throw Violation("a turn begins with \(record)") }
            changes.append((event, try books[event].expire(reference, at: now)))
            statistics.expiries += 1
        }
        guard process.logWorks else { return }
        for book in books where book.key.shard(of: process.loops.count) == shard.number {
            guard book.model?.due(at: now).isEmpty ?? true else {
                throw Violation("\(book.details.id): a hold past its deadline is still there at \(now)")
            }
        }
    }

    /// The hold that a deadline has ended, or the end of its event.
    private static func ended(by fact: Fact, at now: Milliseconds, _ model: ModelEvent?) -> HoldReference? {
        switch fact {
        case .holdExpired(let reference, let at) where at == now: reference
        case .holdReleased(let reference, let at) where at == model?.cancelledAt: reference
        default: nil
        }
    }

    private mutating func decide(
        _ work: Work,
        _ shard: Shard,
        _ now: Milliseconds,
        _ changes: inout Changes,
        _ process: SimulatedProcess
    ) throws -> [Answered] {
        var step = work.step
        step.context.now = now
        let isStranger = step.context.tenant != books[work.event].tenant
        // The shard has its own clock.
        var context = step.context
        context.now = 0
        step.context.venueMaximum = venueMaximum(for: step.command, of: books[work.event])
        let before = shard.tables.pointee.records.count
        let (outcome, _) = shard.onLoop.decide(books[work.event].key, .command(step.command), context)
        let recorded = shard.tables.pointee.records.count - before
        guard recorded <= 1 else { throw Violation("\(recorded) records of one command") }
        guard case .answer(let answer) = outcome else {
            guard !process.logWorks, case .unavailable(.closed) = outcome, recorded == 0 else {
                throw Violation("\(step.command): \(outcome)")
            }
            return []
        }
        if isStranger {
            guard recorded == 0, answer == .rejected(.eventNotFound) else {
                throw Violation("a stranger hears \(answer)")
            }
            return []
        }
        let change = try books[work.event].check(step, answer)
        note(step.command, answer, isRecorded: recorded == 1)
        if recorded == 0, step.context.idempotency != nil { statistics.replays += 1 }
        if recorded == 1 { changes.append((work.event, change)) }
        return [Answered(loop: shard.number, position: .zero, event: work.event, step: step, answer: answer)]
    }

    private mutating func note(_ command: Command, _ answer: Answer, isRecorded: Bool) {
        func name(_ value: Any) -> String { Mirror(reflecting: value).children.first?.label ?? "\(value)" }
        if case .rejected(let rejection) = answer {
            statistics.reached.insert(name(rejection))
        } else if isRecorded {
            statistics.reached.insert(name(command))
        }
    }

    /// What the model of the tenant knows of the venue; the shard has to know the same.
    private func venueMaximum(for command: Command, of book: EventBook) -> UInt32? {
        let venue = ModelEvent.venue(for: command, of: book.model)
        let tenant = books.first { $0.isOfTenant && $0.tenant == book.tenant }
        return tenant?.model?.venues.first { $0.details.id == venue }?.details.maximumCapacity
    }

    /// A read: it shows what the model knows, and is told as late as the changes that it shows.
    private func ask(_ event: Int, _ shard: Shard, _ now: Milliseconds) throws -> [Answered] {
        let book = books[event]
        let context = CommandContext(tenant: book.tenant, now: 0, random: (0, 0))
        let (outcome, _) = shard.onLoop.decide(book.key, .query(.sections), context)
        switch (outcome, book.model) {
        case (.finding(.sections(let views)), .some(let model)):
            for view in views where view.counts != model.counts(view.number) {
                throw Violation("section \(view.number): \(view.counts), not \(model.counts(view.number))")
            }
        case (.refused(.eventNotFound), nil): break
        case (.refused(.eventNotFound), .some(let model)) where model.isOfTenant: break
        case (.unavailable(.closed), _): return []
        default: throw Violation("the sections of \(book.details.id): \(outcome)")
        }
        let answer = Answer.rejected(.eventNotFound)
        return [Answered(loop: shard.number, position: .zero, event: event, step: nil, answer: answer)]
    }

    /// - Returns: the turn's position; nil when the log has failed and took nothing.
    private mutating func end(
        _ shard: Shard,
        _ changes: inout Changes,
        after before: LogPosition,
        _ process: SimulatedProcess
    ) throws -> LogPosition? {
        let payloads = shard.tables.pointee.records.payloads
        guard payloads.count == changes.count else {
            throw Violation("\(payloads.count) records, \(changes.count) changes")
        }
        let position = shard.onLoop.endTurn()
        if position.rawValue == .max {
            guard !process.logWorks else { throw Violation("a log that works refuses records") }
            return nil
        }
        guard process.log.lastPosition.rawValue == before.rawValue + UInt64(payloads.count),
            payloads.isEmpty || position == process.log.lastPosition
        else { throw Violation("\(payloads.count) records after \(before) are said to end at \(position)") }
        for (number, payload) in payloads.enumerated() {
            history.append(payload)
            let position = LogPosition(before.rawValue + UInt64(number) + 1)
            books[changes[number].event].log(changes[number].change, at: position)
        }
        return position
    }
}

import WAL

@testable import Engine
@testable import ReferenceModel

// What has to be true after every start, and at the end.
extension Simulation {
    /// A start has found a part of the history that has everything anybody was told, and makes the same state of it.
    mutating func checkRecovered(_ process: SimulatedProcess) throws {
        let last = process.log.lastPosition
        guard last >= toldPosition else { throw Violation("found up to \(last), but \(toldPosition) was told") }
        guard last.rawValue <= UInt64(history.count) else { throw Violation("found up to \(last) of \(history.count)") }
        trace.note(30, last.rawValue, UInt64(history.count), text: "found up to \(last) of \(history.count)")
        statistics.lostRecords += history.count - Int(last.rawValue)
        history.removeLast(history.count - Int(last.rawValue))
        shadow = try replayed(from: shadow)
        recoveredPosition = last
        // A read may show all of it from now on.
        toldPosition = last
        try checkClock(process)

        let events = process.events()
        let digest = events.values.reduce(0) { $0 &+ $1.digest() }
        guard digest == shadow.digest else { throw Violation("the recovered state is not that of the log's records") }
        trace.note(31, digest, text: "digest \(digest)")
        for index in books.indices {
            books[index].rollBack(to: last)
            try books[index].compare(events[books[index].key])
            try checkDirectory(process, books[index])
        }
        for answered in waiting {
            guard let step = answered.step, step.context.idempotency != nil else { continue }
            books[answered.event].unanswered.append(step)
        }
        waiting = []
    }

    /// Each section is found by its id.
    private func checkDirectory(_ process: SimulatedProcess, _ book: EventBook) throws {
        for (number, section) in (book.model?.sections ?? []).enumerated() {
            let found = process.engine.directory.find(tenant: book.tenant, section: section.details.id)
            guard let found, found.0 == book.key, found.1 == SectionNumber(number) else {
                throw Violation("section \(section.details.id) is not in the directory")
            }
        }
        for venue in book.model?.venues ?? [] {
            let maximum = process.engine.directory.venues.maximum(book.tenant, venue.details.id)
            guard maximum == venue.details.maximumCapacity else {
                throw Violation("venue \(venue.details.id) takes \(maximum ?? 0) in the directory")
            }
        }
    }

    private func replayed(from state: Recovery) throws -> Recovery {
        var state = state
        for position in Int(recoveredPosition.rawValue)..<history.count {
            try history[position].withUnsafeBytes { try state.apply($0, at: LogPosition(UInt64(position) + 1)) }
        }
        return state
    }

    /// The engine goes on behind the last record, and says by how much the system's clock is behind that.
    private func checkClock(_ process: SimulatedProcess) throws {
        let last = shadow.events.values.map(\.lastCommandAt).max() ?? 0
        let behind = max(0, last - time.system / 1_000)
        guard options.sabotage == .hastyClock || process.found.clockBehindMilliseconds == behind else {
            throw Violation("the clock is \(behind) ms behind, not \(process.found.clockBehindMilliseconds)")
        }
        time.goOn(from: last)
    }

    /// What the shards have in memory is what their records and the models say, at any moment.
    func checkLive(_ process: SimulatedProcess) throws {
        let events = process.events()
        let digest = events.values.reduce(0) { $0 &+ $1.digest() }
        guard try digest == replayed(from: shadow).digest else {
            throw Violation("the state in memory is not that of the records")
        }
        for book in books { try book.compare(events[book.key]) }
    }

    /// The whole history gives one state on any number of shards.
    func checkHistory() throws {
        for event in shadow.events.values {
            let broken = event.checkInvariants()
            guard broken.isEmpty else { throw Violation("\(broken)") }
        }
        for count in 1...3 {
            var shards = (0..<count).map { _ in Recovery() }
            for (index, payload) in history.enumerated() {
                let event = try payload.withUnsafeBytes { try EventRecord($0) }.event
                let position = LogPosition(UInt64(index) + 1)
                try payload.withUnsafeBytes { try shards[event.shard(of: count)].apply($0, at: position) }
            }
            guard shards.reduce(0, { $0 &+ $1.digest }) == shadow.digest else {
                throw Violation("the log gives another state on \(count) shards")
            }
        }
    }
}

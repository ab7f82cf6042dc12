import Engine
import Synchronization
import WAL

// Answers that are read from the log: on the few threads of the feed, then rendered by the loops that own the events.

extension LoopFront {
    func read(_ reading: FeedReading, _ connection: Connection, _ sequence: UInt32) {
        answerLater(connection, sequence) { [engine] in
            do throws(FeedFailure) {
                let page = try await FeedPage(reading, engine)
                return LateAnswer(bytes: page.byteCount + 1_024, else: { $0.write(.tooManyBatches, reading.reply) }) {
                    $0.write(page, reading)
                }
            } catch {
                return LateAnswer { $0.write(error.problem, reading.reply) }
            }
        }
    }
}

/// Why there is no page.
enum FeedFailure: Error {
    case noSuchEvent
    /// The position is behind the newest record: it was not this log that gave it.
    case beyondTheEnd(newest: UInt64)
    case of(FeedError)

    var problem: Problem {
        switch self {
        case .noSuchEvent: Problem(.eventNotFound, of: NoEvent())
        case .beyondTheEnd(let newest):
            .validationFailed([.init(field: "after", message: "is behind the newest position, which is \(newest)")])
        case .of(.gone(let oldest)): .positionGone(oldest: oldest.rawValue)
        case .of(.busy): .feedBusy
        case .of(.unreadable): .logUnreadable
        }
    }
}

/// A page of the audit trail or of the feed, its entries rendered.
struct FeedPage: Sendable {
    /// A record's entries, in one piece: they have one position.
    struct Rendered: Sendable {
        let position: UInt64
        let entries: [UInt8]
    }

    let records: [Rendered]
    /// What the next page is after.
    let next: UInt64
    /// There is nothing behind `next` yet.
    let isAtEnd: Bool
    let oldest: UInt64

    var byteCount: Int { records.reduce(0) { $0 + $1.entries.count + 1 } }

    /// Bytes of a page's entries, beyond which none is added to the first record's: the next page begins with them.
    static let entryBytesMax = 1 << 20
    /// Pages that are being made at a time, whichever loop they are for: each may take a few mebibytes.
    static let pagesMax = 64
    private static let pagesInWork = Atomic(0)

    init(_ reading: FeedReading, _ engine: Engine) async throws(FeedFailure) {
        defer { Self.pagesInWork.subtract(1, ordering: .relaxed) }
        guard Self.pagesInWork.add(1, ordering: .relaxed).newValue <= Self.pagesMax else { throw .of(.busy) }
        let feed = engine.feed
        oldest = feed.oldestPosition.rawValue
        let after = reading.after ?? oldest - 1
        if case .feed = reading.kind, after > feed.durablePosition.rawValue {
            throw .beyondTheEnd(newest: feed.durablePosition.rawValue)
        }
        var request = LogFeed.Request(tenant: reading.tenant, after: LogPosition(after))
        request.through = reading.through.map { LogPosition($0) }
        request.recordsMax = Int(reading.limit)
        if case .audit(let id) = reading.kind {
            let event = EventKey(tenant: reading.tenant, event: id)
            guard engine.directory.events.find(event)?.tenant == reading.tenant else { throw .noSuchEvent }
            request.event = event
        }
        do throws(FeedError) {
            let page = try await feed.page(request)
            let rendered = await Self.render(page.records, engine, isLines: reading.isLines)
            let fitting = Self.fitting(rendered)
            let isCut = fitting.count < rendered.count
            records = Array(fitting)
            next = isCut ? fitting.last!.position : page.next.rawValue
            isAtEnd = !isCut && page.isAtEnd
        } catch {
            throw .of(error)
        }
    }

    /// The first record, and those behind it that there is room for.
    private static func fitting(_ records: [Rendered]) -> ArraySlice<Rendered> {
        var bytesLeft = entryBytesMax
        let count = records.prefix {
            bytesLeft -= $0.entries.count
            return bytesLeft >= 0
        }.count
        return records.prefix(max(1, count))
    }

    /// - Parameter isLines: each entry ends with a line feed; else there are commas between them.
    static func render(_ records: [FeedRecord], _ engine: Engine, isLines: Bool) async -> [Rendered] {
        let rendered = await engine.withEvents(of: records) { record, event in
            var bytes = ByteWriter(capacity: 256 + 2 * record.byteCount)
            bytes.entries(of: record, event, isLines: isLines)
            return Rendered(position: record.position.rawValue, entries: bytes.withBytes { Array($0) })
        }
        return rendered.compactMap { $0 }
    }
}

import WAL

/// Reads what has happened, in the order of the log: to a whole tenant, or to one event.
///
/// A page is a bounded piece of the log, whatever of it is the caller's: it may be empty and go on. Whoever is at the
/// end waits for the log to go on, `followers`, and asks for the next page.
public final class LogFeed: Sendable {
    /// What a page is asked of.
    public struct Request: Sendable {
        public var tenant: ShortText
        /// Nil for all events of the tenant.
        public var event: EventKey?
        /// The last position that the caller has; 0 for none.
        public var after: LogPosition
        /// The last position that the caller wants; nil for no end.
        public var through: LogPosition?
        /// Records of a page: 1 to `recordsMax`.
        public var recordsMax = LogFeed.recordsMax
        /// What a page's records cost (`FeedRecord.cost`), beyond which none is added to the first.
        public var costMax = LogFeed.costMax
        /// Bytes of the log that are looked at for a page.
        public var scannedBytesMax = LogFeed.scannedBytesMax

        public init(
            tenant: ShortText,
            event: EventKey? = nil,
            after: LogPosition = .zero,
            through: LogPosition? = nil
        ) {
            self.tenant = tenant
            self.event = event
            self.after = after
            self.through = through
        }
    }

    public struct Page: Sendable {
        public var records: [FeedRecord] = []
        /// Everything up to here is on this page or was not asked for: what the next page is `after`.
        public var next: LogPosition
        /// Nothing that was asked for was behind `next` when the page was made.
        public var isAtEnd = false
    }

    public static let recordsMax = 1_000
    public static let costMax = 256 << 10
    public static let scannedBytesMax = 16 << 20

    public let followers: LogFollowers
    private let log: any CommitLog
    private let events: EventDirectory
    private let pool: ReadPool

    init(log: any CommitLog, events: EventDirectory) {
        self.log = log
        self.events = events
        pool = ReadPool(log: log)
        followers = LogFollowers(durable: log.durablePosition, pool: pool)
    }

    /// Everything up to here can be read.
    public var durablePosition: LogPosition { log.durablePosition }

    /// The oldest record that can be read.
    public var oldestPosition: LogPosition { log.oldestPosition }

    /// The records behind `request.after`, read on a thread of the pool.
    ///
    /// Records without facts, which are kept refusals, are left out.
    /// - Throws: see `FeedError`.
    public func page(_ request: Request) async throws(FeedError) -> Page {
        let result: Result<Page, FeedError> = await withCheckedContinuation { continuation in
            let isTaken = pool.submit { [self] reader in
                continuation.resume(returning: read(request, reader))
            }
            if !isTaken { continuation.resume(returning: .failure(.busy)) }
        }
        return try result.get()
    }

    /// Ends all waiting, and the threads. Whatever is asked afterwards is refused as `busy`.
    func end() {
        followers.close()
        pool.end()
    }

    // MARK: On a thread of the pool

    private func read(_ request: Request, _ reader: Result<any RecordReader, LogError>) -> Result<Page, FeedError> {
        do {
            return .success(try collect(request, try reader.get()))
        } catch LogError.gone(_, let oldest) {
            return .failure(.gone(oldest: oldest))
        } catch LogError.closed {
            return .failure(.busy)
        } catch {
            return .failure(.unreadable("\(error)"))
        }
    }

    private func collect(_ request: Request, _ reader: any RecordReader) throws -> Page {
        var page = Page(next: request.after)
        // Before the reading: what comes meanwhile is for the next page.
        let end = min(log.durablePosition, request.through ?? LogPosition(.max))
        guard request.after < end else {
            page.isAtEnd = true
            return page
        }
        var costLeft = request.costMax
        let first = LogPosition(request.after.rawValue + 1)
        _ = try reader.read(from: first, bytesMax: request.scannedBytesMax) { position, payload in
            guard position <= end else { return false }
            if let record = try self.record(payload, at: position, request) {
                guard page.records.isEmpty || record.cost <= costLeft else { return false }
                costLeft -= record.cost
                page.records.append(record)
            }
            page.next = position
            return page.records.count < min(request.recordsMax, Self.recordsMax)
        }
        page.isAtEnd = page.next >= end
        return page
    }

    /// Nil for a record that was not asked for. Others are not even decoded.
    private func record(
        _ payload: UnsafeRawBufferPointer,
        at position: LogPosition,
        _ request: Request
    ) throws -> FeedRecord? {
        guard payload.count >= MemoryLayout<UInt64>.size else { return nil }
        let key = EventKey(rawValue: UInt64(littleEndian: payload.loadUnaligned(as: UInt64.self)))
        if let event = request.event, event != key { return nil }
        guard let place = events.find(key), place.tenant == request.tenant else { return nil }
        let record = try EventRecord(payload)
        guard !record.facts.isEmpty else { return nil }
        return FeedRecord(position: position, eventID: place.id, byteCount: payload.count, record: record)
    }
}

extension EventRecord {
    /// The number of the price tier that the record is about, where its answer says so: the fact doesn't.
    public var answeredTier: TierNumber? {
        answer.withUnsafeBytes { bytes in
            var decoder = RecordDecoder(bytes)
            guard !bytes.isEmpty, !KeptAnswer.isReference(bytes), case .tier(let view)? = try? Answer(from: &decoder)
            else { return nil }
            return view.number
        }
    }
}

/// Why there is no page of the feed.
public enum FeedError: Error, Equatable, Sendable {
    /// The log has let go of what was asked for.
    case gone(oldest: LogPosition)
    /// Too many read already, or the engine is about to stop: ask again.
    case busy
    /// The log can't be read there; the text says where and why.
    case unreadable(String)
}

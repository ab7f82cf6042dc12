import Engine

/// A page of the feed as events of a stream.
struct FeedStreamPage: Sendable {
    /// Positions of a page.
    private static let limit: UInt32 = 100

    /// Nil where nothing on the page is the client's.
    let chunk: StreamChunk?
    let next: UInt64
    let isAtEnd: Bool

    init(_ place: FeedPlace, of tenant: ShortText, _ engine: Engine) async throws(FeedFailure) {
        let reading = FeedReading(
            kind: .feed,
            tenant: tenant,
            after: place.after,
            limit: Self.limit,
            isLines: true,
            reply: ReplyContext(requestID: RequestID(random: (0, 0)))
        )
        let page = try await FeedPage(reading, engine)
        next = page.next
        isAtEnd = page.isAtEnd
        var bytes = ByteWriter(capacity: page.byteCount + 96 * page.records.count)
        for record in page.records {
            bytes.feedEvents(record, behind: record.position - 1 == place.after ? place.entries : 0)
        }
        chunk =
            bytes.isEmpty ? nil : bytes.withBytes { bytes in StreamChunk(capacity: bytes.count) { $0.append(bytes) } }
    }
}

extension StreamChunk {
    /// Says where a client has got to that was passed over for long: an id without an event.
    static func feedPlace(_ position: UInt64) -> StreamChunk {
        StreamChunk {
            $0.append("id: ")
            $0.append(decimal: position, digitsMin: 1)
            $0.append("\n\n")
        }
    }

    /// The last event of a stream that can't go on.
    static func feedEnd(_ problem: Problem) -> StreamChunk {
        StreamChunk {
            $0.append(problem.status == .gone ? "event: gone\ndata: {" : "event: unreadable\ndata: {")
            $0.field("code", problem.code)
            if problem.oldestPosition > 0 { $0.field("oldest_position", Int64(problem.oldestPosition)) }
            $0.append("}\n\n")
        }
    }
}

extension ByteWriter {
    /// The entries of a record, an event each.
    /// - Parameter known: how many of them the client has.
    mutating func feedEvents(_ record: FeedPage.Rendered, behind known: UInt32) {
        let entries = record.entries.split(separator: UInt8(ascii: "\n"))
        for (index, entry) in entries.enumerated() where index >= known {
            append("id: ")
            append(decimal: record.position, digitsMin: 1)
            if index + 1 < entries.count {
                append("-")
                append(decimal: UInt64(index + 1), digitsMin: 1)
            }
            entry.withUnsafeBytes { entry in
                append("\nevent: ")
                append(Self.action(of: entry))
                append("\ndata: ")
                append(entry)
            }
            append("\n\n")
        }
    }

    /// The value of an entry's `action`, which contains no quote. A quote within a string before it has a backslash in
    /// front, so what looks like the member is the member.
    private static func action(of entry: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let name = Array(",\"action\":\"".utf8)
        guard entry.count > name.count else { return UnsafeRawBufferPointer(rebasing: entry[..<0]) }
        for start in 0..<(entry.count - name.count) where entry[start...].starts(with: name) {
            let value = entry[(start + name.count)...].prefix { $0 != UInt8(ascii: "\"") }
            return UnsafeRawBufferPointer(rebasing: value)
        }
        return UnsafeRawBufferPointer(rebasing: entry[..<0])
    }
}

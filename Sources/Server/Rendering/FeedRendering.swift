import Engine

// Pages of the audit trail and of the feed.

extension ResponseWriter {
    mutating func write(_ page: FeedPage, _ reading: borrowing FeedReading) -> Range<Int> {
        switch reading.kind {
        case .audit(let id): writeAudit(page, of: id, reading)
        case .feed: writeFeed(page, reading)
        }
    }

    private mutating func writeAudit(
        _ page: FeedPage,
        of event: ShortText,
        _ reading: borrowing FeedReading
    ) -> Range<Int> {
        let cursor = page.isAtEnd ? nil : Cursor.text(position: page.next)
        begin(.ok, .json)
        echo(reading.reply)
        if let cursor {
            let to = reading.through.map { "&to=\($0)" } ?? ""
            header("Link", "</api/v1/events/\(event)/audit?limit=\(reading.limit)\(to)&cursor=\(cursor)>; rel=\"next\"")
        }
        beginBody()
        bytes.beginObject()
        bytes.key("audit")
        bytes.entries(of: page)
        bytes.nextCursor(cursor)
        bytes.field("oldest_position", Int64(page.oldest))
        bytes.endObject()
        return end(omitBody: reading.reply.isHead)
    }

    /// A feed has no last page: `Link` is what to ask for next, at its end too.
    private mutating func writeFeed(_ page: FeedPage, _ reading: borrowing FeedReading) -> Range<Int> {
        begin(.ok, reading.isLines ? .lines : .json)
        echo(reading.reply)
        header("Link", "</api/v1/feed?limit=\(reading.limit)&after=\(page.next)>; rel=\"next\"")
        beginBody()
        if reading.isLines {
            for record in page.records { record.entries.withUnsafeBytes { bytes.append($0) } }
        } else {
            bytes.beginObject()
            bytes.key("feed")
            bytes.entries(of: page)
            bytes.field("next_after", Int64(page.next))
            bytes.field("is_at_end", page.isAtEnd)
            bytes.field("oldest_position", Int64(page.oldest))
            bytes.endObject()
        }
        return end(omitBody: reading.reply.isHead)
    }
}

extension ByteWriter {
    fileprivate mutating func entries(of page: FeedPage) {
        beginArray()
        for record in page.records { record.entries.withUnsafeBytes { raw($0) } }
        endArray()
    }
}

extension Problem {
    static func positionGone(oldest: UInt64) -> Problem {
        var problem = Problem(
            .gone,
            "POSITION_GONE",
            "Position gone",
            "The log has let go of this position; the oldest that it has is \(oldest)."
        )
        problem.oldestPosition = oldest
        return problem
    }

    static var feedBusy: Problem {
        var problem = Problem(
            .serviceUnavailable,
            "TOO_MANY_LOG_READERS",
            "Too busy",
            "Too many read the log at the moment. Send the request again."
        )
        problem.retryAfterSeconds = 1
        return problem
    }

    /// Damage, or a disk that fails. Where, is for the operator and not for whoever asks.
    static var logUnreadable: Problem {
        Problem(
            .internalServerError,
            "LOG_UNREADABLE",
            "Log unreadable",
            "The log can't be read behind this position. The sale goes on; holdfast verify says what is wrong."
        )
    }
}

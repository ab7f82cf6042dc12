import Engine

// An event's stock, once or as a stream.

extension Router {
    /// Sections of one page: the numbers of a section are short.
    static let availabilityLimitMax: UInt32 = 1_000

    func availability(_ endpoint: Endpoint, _ name: PercentText?, _ call: inout Call) throws(Problem) -> RoutedRequest {
        let event = try eventKey(name, call)
        guard endpoint == .eventAvailabilityStream || call.accepts("text/event-stream") else {
            let page = try call.page(limitMax: Self.availabilityLimitMax)
            call.reply.shape = .page(page)
            return call.submission(event, .availability(start: page.start, limit: page.limit))
        }
        guard !call.reply.isHead else {
            call.reply.shape = .stream
            return call.submission(event, .availability(start: 0, limit: 0))
        }
        return .availabilityStream(
            AvailabilityStreamRequest(
                event: event,
                tenant: call.context.tenant,
                reply: call.reply,
                terms: call.streamTerms
            )
        )
    }
}

extension Call {
    /// A stream ends when its token does, or the token's key.
    var streamTerms: StreamTerms {
        StreamTerms(
            isChunked: !request.isVersion10,
            durationMs: acceptedUntil.map { max(0, $0 - context.now) },
            key: tokenKey
        )
    }
}

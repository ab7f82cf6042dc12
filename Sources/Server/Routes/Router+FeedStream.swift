import Engine

// The feed as a stream.

extension Router {
    /// Begins behind the last event that the client has, else where the query says.
    func feedStream(_ call: Call) throws(Problem) -> RoutedRequest {
        var place = FeedPlace(after: try call.position("after", from: 0))
        if !call.request.lastEventId.isAbsent {
            guard let last = FeedPlace(id: call.bytes[call.request.lastEventId]) else {
                throw .validationFailed([
                    .init(field: "Last-Event-ID", message: "must be the id of an event of the feed")
                ])
            }
            place = last
        }
        return .feedStream(
            FeedStreamRequest(tenant: call.context.tenant, place: place, reply: call.reply, terms: call.streamTerms)
        )
    }
}

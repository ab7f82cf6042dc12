// Answers that go on.

extension LoopFront {
    func open(_ request: AvailabilityStreamRequest, _ connection: Connection, _ sequence: UInt32) {
        if streams.open(request, on: connection, sequence: sequence) { return }
        answerNow(connection, sequence) { $0.write(.tooManyStreams, request.reply) }
    }

    func open(_ request: FeedStreamRequest, _ connection: Connection, _ sequence: UInt32) {
        if request.reply.isHead {
            return answerNow(connection, sequence) {
                $0.writeStreamHead(request.reply, isChunked: request.terms.isChunked)
            }
        }
        if feeds.open(request, on: connection, sequence: sequence) { return }
        answerNow(connection, sequence) { $0.write(.tooManyStreams, request.reply) }
    }
}

import WAL

/// The responses of one turn, rendered and held back until the turn's position is durable.
final class HeldReplies {
    struct Reply {
        let asker: Asker
        let range: Range<Int>
    }

    var writer: ResponseWriter
    var replies: ContiguousArray<Reply> = []
    var position = LogPosition.zero

    init(counting problems: ProblemCounts) { writer = ResponseWriter(capacity: 16 * 1_024, counting: problems) }

    func removeAll() {
        writer.removeAll()
        replies.removeAll(keepingCapacity: true)
    }
}

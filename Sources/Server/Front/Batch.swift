import Auth
import Engine
import Glibc
import WAL

/// A batch on the loop of its connection: the lines that are left, and the answer as far as it is written.
// Sound because only its home loop uses it; to other loops it is a reference that they hand back.
final class Batch: @unchecked Sendable {
    let connection: Connection
    let sequence: UInt32
    private let request: BatchRequest
    private var body: ByteWriter
    private var offset = 0

    /// The whole response.
    @exclusivity(unchecked) var answer: ResponseWriter
    /// What the answer shows is durable when this is.
    private(set) var position = LogPosition.zero
    /// Whether a line heard that the engine takes no more.
    var isRefused = false
    /// Who pays for the lines, where something is limited.
    private(set) var payer = RateGate.Payer(caller: 0, address: 0)

    /// The lines that are out: whose part each of them is in, in order, and how many parts have not come back.
    private var places: [Int] = []
    private var parts: [BatchPart?]
    private var waiting = 0

    /// - Parameter bytes: of the request; the lines are copied out of them.
    init(
        _ request: BatchRequest,
        _ bytes: UnsafeRawBufferPointer,
        on connection: Connection,
        sequence: UInt32,
        shards: Int
    ) {
        self.request = request
        self.connection = connection
        self.sequence = sequence
        body = connection.takeLargeMemory()
        body.append(bytes[request.body])
        answer = ResponseWriter(connection.takeLargeMemory())
        parts = Array(repeating: nil, count: shards + 1)
        answer.setDate(epochSeconds: Engine.systemClock() / 1_000)
        answer.begin(.ok, .lines)
        answer.echo(request.reply)
    }

    /// Before the first line: says who pays for the lines, and what was left before them.
    func pay(_ payer: RateGate.Payer, _ standing: RateStanding) {
        self.payer = payer
        answer.bytes.append(standing)
    }

    func beginLines() {
        answer.beginBody()
        answer.beginLines()
    }

    var context: CommandContext { request.context }
    var role: Role? { request.role }
    var reply: ReplyContext { request.reply }
    var isWaiting: Bool { waiting > 0 }
    /// Whether every line is answered.
    var isComplete: Bool { waiting == 0 && offset >= body.count }
    /// Whether another line may be tried.
    var mayGoOn: Bool { !isRefused && answer.bytes.count < BatchRequest.answerBytesMax }
    /// Bytes that the answer may still grow by.
    var answerBytesLeft: Int { max(0, BatchRequest.answerBytesMax - answer.bytes.count) }

    /// The next line that is not blank; valid as long as the batch.
    func nextLine() -> UnsafeRawBufferPointer? {
        // Nothing is written to the body any more, so its bytes stay where they are.
        var lines = BatchLines(body.withBytes { $0 }, from: offset)
        defer { offset = lines.offset }
        return lines.next()
    }

    /// Everything decided so far is durable with this position, or earlier.
    func reach(_ position: LogPosition) { self.position = max(self.position, position) }

    /// Ends the response, which is to be sent when `position` is durable.
    func end() { answer.endResponseOfLines() }

    func send() {
        connection.answer(sequence, taking: &answer.bytes)
        connection.giveBack(&body)
    }
}

// MARK: - A slice

extension Batch {
    /// Puts the next line of the slice behind the others, into the part of `place`.
    func append(_ place: Int) { places.append(place) }

    func part(_ place: Int) -> BatchPart? { parts[place] }

    func set(_ part: BatchPart, at place: Int) {
        parts[place] = part
        waiting += 1
    }

    /// Takes back a part that has been answered; once all of them are, brings the answers into the lines' order.
    /// - Returns: whether all of them are.
    func take(_ part: BatchPart) -> Bool {
        note(part)
        waiting -= 1
        guard waiting == 0 else { return false }
        merge()
        return true
    }

    /// What a part says beside its answers.
    private func note(_ part: BatchPart) {
        reach(part.position)
        isRefused = isRefused || part.isRefused
    }

    /// Gives up the parts of the slice, once they are merged.
    func takeParts(_ body: (BatchPart) -> Void) {
        for place in parts.indices {
            if let part = parts[place] { body(part) }
            parts[place] = nil
        }
        places.removeAll(keepingCapacity: true)
    }

    private func merge() {
        var taken = Array(repeating: 0, count: parts.count)
        var index = 0
        while index < places.count {
            let place = places[index]
            let first = taken[place]
            while index < places.count, places[index] == place {
                taken[place] += 1
                index += 1
            }
            guard let part = parts[place] else { preconditionFailure("a line's part is not there") }
            let start = first == 0 ? 0 : part.ends[first - 1]
            part.writer.bytes.withBytes(in: start..<part.ends[taken[place] - 1]) { answer.bytes.append($0) }
        }
    }
}
